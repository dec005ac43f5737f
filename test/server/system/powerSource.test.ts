import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  powerProgram,
  readPmset,
  readPowerSource,
  readWindowsBattery,
  type PowerSource,
} from '../../../server/system/powerSource.ts';

type Supplies = Record<string, Record<string, string>>;

describe('The source of power', () => {
  describe('on Linux, from a folder of supplies', () => {
    let dir: string;
    beforeEach(() => (dir = mkdtempSync(path.join(tmpdir(), 'contextkit-power-'))));
    afterEach(() => rmSync(dir, { recursive: true }));

    function plant(supplies: Supplies): void {
      for (const [name, values] of Object.entries(supplies)) {
        mkdirSync(path.join(dir, name));
        for (const [file, value] of Object.entries(values)) writeFileSync(path.join(dir, name, file), `${value}\n`);
      }
    }

    const charger = (online: string) => ({ type: 'Mains', online });
    const battery = (status: string) => ({ type: 'Battery', status, present: '1', capacity: '57' });
    const cases: [what: string, supplies: Supplies, expected: PowerSource][] = [
      ['a desktop', {}, 'mains'],
      ['a laptop that is plugged in', { AC: charger('1'), BAT0: battery('Charging') }, 'mains'],
      ['a laptop that is not', { AC: charger('0'), BAT0: battery('Discharging') }, 'battery'],
      [
        'one that is plugged in and uses its battery at a peak',
        { AC: charger('1'), BAT0: battery('Discharging') },
        'mains',
      ],
      ['one that charges over USB', { BAT0: battery('Charging'), usb: { type: 'USB', online: '1' } }, 'mains'],
      ['one whose USB supply can be programmed', { BAT0: battery('Full'), usb: { type: 'USB', online: '2' } }, 'mains'],
      [
        'two batteries, one at rest',
        { AC: charger('0'), BAT0: battery('Not charging'), BAT1: battery('Discharging') },
        'battery',
      ],
      ['a mouse with a battery', { AC: charger('1'), hid: { ...battery('Discharging'), scope: 'Device' } }, 'mains'],
      ['a desktop whose mouse is all that has one', { hid: { ...battery('Discharging'), scope: 'Device' } }, 'mains'],
      ['a board that tells of no charger', { BAT0: battery('Discharging') }, 'battery'],
      ['a desktop on its emergency supply', { ups: { type: 'UPS', status: 'Discharging' } }, 'battery'],
      ['a driver that does not tell its status', { AC: charger('0'), BAT0: { type: 'Battery' } }, 'mains'],
    ];
    for (const [what, supplies, expected] of cases)
      it(`of ${what} is ${expected}`, async () => {
        plant(supplies);
        assert.equal(await readPowerSource({ platform: 'linux', supplyDir: dir }), expected);
      });

    it('is not known where there is no such folder', async () => {
      assert.equal(await readPowerSource({ platform: 'linux', supplyDir: path.join(dir, 'nowhere') }), 'unknown');
    });

    it('is read anew each time', async () => {
      plant({ AC: charger('1'), BAT0: battery('Full') });
      assert.equal(await readPowerSource({ platform: 'linux', supplyDir: dir }), 'mains');
      writeFileSync(path.join(dir, 'AC/online'), '0\n');
      writeFileSync(path.join(dir, 'BAT0/status'), 'Discharging\n');
      assert.equal(await readPowerSource({ platform: 'linux', supplyDir: dir }), 'battery');
    });
  });

  const pmset: [output: string, expected: PowerSource][] = [
    [
      "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=4653155)\t82%; discharging; 5:12 remaining present: true\n",
      'battery',
    ],
    [
      "Now drawing from 'AC Power'\n -InternalBattery-0 (id=4653155)\t100%; charged; 0:00 remaining present: true\n",
      'mains',
    ],
    ["Now drawing from 'AC Power'\n", 'mains'],
    ["Now drawing from 'UPS Power'\n -Back-UPS\t93%; discharging; 0:40 remaining present: true\n", 'battery'],
    ['', 'unknown'],
  ];
  for (const [output, expected] of pmset)
    it(`on macOS, from ${JSON.stringify(output.slice(0, 34))}, is ${expected}`, () =>
      assert.equal(readPmset(output), expected));

  const windows: [output: string, expected: PowerSource][] = [
    ['online=True\r\n', 'mains'],
    ['online=False\r\n', 'battery'],
    ['online=False,True\r\n', 'mains'],
    ['status=1\r\n', 'battery'],
    ['status=2\r\n', 'mains'],
    ['status=4,5\r\n', 'battery'],
    ['status=1,6\r\n', 'mains'],
    ['status=\r\n', 'mains'],
    ['Get-CimInstance : The term is not recognized\r\n', 'unknown'],
  ];
  for (const [output, expected] of windows)
    it(`on Windows, from ${JSON.stringify(output)}, is ${expected}`, () =>
      assert.equal(readWindowsBattery(output), expected));

  it('is asked of the programs that the systems have, and of none elsewhere', () => {
    assert.deepEqual(powerProgram('darwin')?.args, ['-g', 'batt']);
    assert.match(powerProgram('win32')!.args.at(-1)!, /BatteryStatus.*Win32_Battery/s);
    assert.equal(powerProgram('freebsd'), undefined);
  });

  it('is not known where its program does not run', async () => {
    if (process.platform === 'darwin') return;
    assert.equal(await readPowerSource({ platform: 'darwin' }), 'unknown');
  });
});
