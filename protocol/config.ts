import type * as z from 'zod';
import { configNames, settings, type SettingName, type Settings } from './settings.ts';

export type Config = Partial<Settings>;

export interface ConfigFault {
  key: string;
  message: string;
}

/** Edit distance, for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The known word that a misspelt one was most likely meant to be. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((each) => ({ each, far: distance(word.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const best = ranked[0];
  return best !== undefined && best.far <= Math.max(2, word.length / 3) ? best.each : undefined;
}

/** An issue of a value; unknown keys inside it are named one by one. */
function faultsOf(key: string, issue: z.core.$ZodIssue): ConfigFault[] {
  const place = [key, ...issue.path.map(String)].join('.');
  if (issue.code !== 'unrecognized_keys') return [{ key: place, message: issue.message }];
  return issue.keys.map((each) => ({ key: `${place}.${each}`, message: 'unknown key' }));
}

/** The content of .contextkit/config.yaml, already read as YAML. Unknown keys and wrong values are faults, each named. */
export function parseConfig(content: unknown): { config: Config; faults: ConfigFault[] } {
  if (content === null || content === undefined) return { config: {}, faults: [] };
  if (typeof content !== 'object' || Array.isArray(content)) {
    return { config: {}, faults: [{ key: '', message: 'expected keys and values, like "maxFileKb: 1024"' }] };
  }
  const config: Record<string, unknown> = {};
  const faults: ConfigFault[] = [];
  for (const [key, value] of Object.entries(content)) {
    if (!(configNames as readonly string[]).includes(key)) {
      const meant = closest(key, configNames);
      faults.push({ key, message: `unknown key${meant === undefined ? '' : `; did you mean "${meant}"?`}` });
      continue;
    }
    const parsed = settings[key as SettingName].schema.safeParse(value ?? undefined);
    if (parsed.success) config[key] = parsed.data;
    else {
      for (const issue of parsed.error.issues) faults.push(...faultsOf(key, issue));
    }
  }
  return { config, faults };
}
