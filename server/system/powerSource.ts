import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** What the machine draws from. One without a battery draws from the mains; `unknown` where the system does not say. */
export type PowerSource = 'mains' | 'battery' | 'unknown';

export interface PowerOptions {
  /** Default: this one. */
  platform?: NodeJS.Platform | undefined;
  /** Linux: a folder in place of /sys/class/power_supply. */
  supplyDir?: string | undefined;
}

/** A program that tells the source of power, and how its output is read. */
export interface PowerProgram {
  command: string;
  args: readonly string[];
  read: (output: string) => PowerSource;
}

const timeoutMs = 15_000;

/** A value of sysfs; '' where the driver has none or cannot tell it now. */
function valueOf(folder: string, name: string): string {
  try {
    return fs.readFileSync(path.join(folder, name), 'utf8').trim();
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
    return '';
  }
}

/**
 * Linux, from /sys/class/power_supply (Documentation/ABI/testing/sysfs-class-power of the kernel): a charger that is
 * plugged in decides; without one a battery that is being emptied. Batteries of mice and headsets say scope "Device".
 */
function readSupplies(dir: string): PowerSource {
  let names: string[];
  try {
    names = fs.readdirSync(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return 'unknown';
    throw error;
  }
  const supplies = names
    .map((name) => path.join(dir, name))
    .filter((folder) => valueOf(folder, 'scope') !== 'Device')
    .map((folder) => ({ type: valueOf(folder, 'type'), folder }));
  const isBattery = (type: string): boolean => type === 'Battery' || type === 'UPS';
  // "1" is plugged in, "2" is plugged in and programmable.
  if (supplies.some(({ type, folder }) => !isBattery(type) && Number(valueOf(folder, 'online')) > 0)) return 'mains';
  const states = supplies.filter(({ type }) => isBattery(type)).map(({ folder }) => valueOf(folder, 'status'));
  return states.includes('Discharging') ? 'battery' : 'mains';
}

/** `pmset -g batt`: "Now drawing from 'Battery Power'"; 'AC Power', and 'UPS Power' where there is one. */
export function readPmset(output: string): PowerSource {
  const source = /drawing from '([^']+)'/.exec(output)?.[1];
  if (source === undefined) return 'unknown';
  return source === 'AC Power' ? 'mains' : 'battery';
}

/**
 * What `windowsScript` prints: `online=True`, one for each battery, from the driver; where it has no answer
 * `status=1` (Win32_Battery.BatteryStatus: 1 is discharging, 4 low, 5 critical, all others hang on the mains).
 */
export function readWindowsBattery(output: string): PowerSource {
  const [, kind, list = ''] = /^(online|status)=(.*)$/m.exec(output.replaceAll('\r', '')) ?? [];
  const values = list.split(',').map((value) => value.trim());
  if (kind === 'online') return values.includes('True') ? 'mains' : 'battery';
  if (kind === undefined) return 'unknown';
  // No battery at all.
  if (list.trim() === '') return 'mains';
  return values.every((value) => ['1', '4', '5'].includes(value)) ? 'battery' : 'mains';
}

const windowsScript = [
  "$ErrorActionPreference = 'SilentlyContinue'",
  '$b = Get-CimInstance -Namespace root/wmi -ClassName BatteryStatus',
  "if ($b) { 'online=' + ($b.PowerOnline -join ',') }",
  "else { 'status=' + ((Get-CimInstance -ClassName Win32_Battery).BatteryStatus -join ',') }",
].join('; ');

/** Undefined for platforms that are asked otherwise, or not at all. */
export function powerProgram(platform: NodeJS.Platform): PowerProgram | undefined {
  switch (platform) {
    case 'darwin':
      return { command: '/usr/bin/pmset', args: ['-g', 'batt'], read: readPmset };
    case 'win32':
      return {
        command: 'powershell.exe',
        args: ['-NoProfile', '-NonInteractive', '-Command', windowsScript],
        read: readWindowsBattery,
      };
    default:
      return undefined;
  }
}

/** What the machine draws from just now. Never rejects for what a system does not tell. */
export async function readPowerSource(options: PowerOptions = {}): Promise<PowerSource> {
  const { platform = process.platform, supplyDir = '/sys/class/power_supply' } = options;
  if (platform === 'linux') return readSupplies(supplyDir);
  const program = powerProgram(platform);
  if (program === undefined) return 'unknown';
  return new Promise((resolve) => {
    execFile(
      program.command,
      [...program.args],
      { timeout: timeoutMs, windowsHide: true, encoding: 'utf8' },
      (error, output) => resolve(error === null ? program.read(output) : 'unknown'),
    );
  });
}

/** How often it is worth asking, in ms: reading files costs nothing, starting PowerShell half a second. */
export function powerEveryMs(platform: NodeJS.Platform = process.platform): number {
  if (platform === 'linux') return 5_000;
  return platform === 'darwin' ? 20_000 : 60_000;
}
