/** `npm run bench -- NAME …`: the benchmarks of this project. */
import { cloud } from './cloud/run.ts';
import { embedding } from './embedding/run.ts';
import { graph } from './graph/run.ts';
import { history } from './history.ts';
import { packing } from './packing.ts';
import { speed } from './speed.ts';
import { retrieval } from './retrieval/run.ts';
import { server } from './server/run.ts';

const benches: Record<string, (argv: string[]) => Promise<void>> = {
  speed,
  retrieval,
  graph,
  history,
  packing,
  embedding,
  server,
  cloud,
};

const [name = 'speed', ...rest] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  console.error(`no benchmark "${name}"; there are: ${Object.keys(benches).join(', ')}`);
  process.exitCode = 2;
} else {
  await bench(rest);
}
