import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { table } from './statistics.ts';

/** What was measured of one repository. */
export interface Figures {
  repository: string;
}

/** Measures each of the repositories that are given as NAME=DIR, one after the other. */
export async function measureEach<Row extends Figures>(
  repositories: readonly string[],
  measure: (name: string, dir: string) => Promise<Row>,
): Promise<Row[]> {
  const results: Row[] = [];
  for (const each of repositories) {
    const [name, dir] = each.split('=');
    if (name === undefined || dir === undefined) throw new Error(`--repo ${each}: expected NAME=DIR`);
    results.push(await measure(name, path.resolve(dir)));
  }
  return results;
}

/** A column a repository; as JSON into a file, or below the table. */
export function report(results: readonly Figures[], jsonFile: string | undefined): void {
  const keys = Object.keys(results[0]!).filter((key) => key !== 'repository');
  const rows = keys.map((key) => [key, ...results.map((each) => String(each[key as keyof Figures]))]);
  console.log(table(['figure', ...results.map(({ repository }) => repository)], rows));
  const json = JSON.stringify(results, null, 2);
  if (jsonFile === undefined) console.log(json);
  else writeFileSync(jsonFile, `${json}\n`);
}
