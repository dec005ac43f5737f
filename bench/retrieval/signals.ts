import type { RankingWeights } from '../../core/rank/weights.ts';

const allEqual: RankingWeights['prior'] = {
  source: 1,
  test: 1,
  docs: 1,
  example: 1,
  generated: 1,
  config: 1,
  vendored: 1,
};

/** Each signal of the ranking as the weights that take it away. */
const without: Readonly<Record<string, Partial<RankingWeights>>> = {
  'stems (whole words only)': { exact: 1 },
  'whole words (stems only)': { exact: 0 },
  'related stems': { near: 0, pathNear: 0 },
  'names defined in a range': { name: 0 },
  'whole names': { wholeName: 0 },
  'exact definitions': { definition: 0 },
  'joined words': { pair: 0 },
  'scope lines': { scope: 0 },
  comments: { comment: 0 },
  'words of the path': { path: 0, stem: 0, covers: 0 },
  'the file’s own name': { stem: 0, covers: 0 },
  'scope of a change message': { inScope: 0 },
  'first line before later ones': { later: 1 },
  'words of change': { change: 1 },
  'next best ranges of a file': { support: 0 },
  'coverage of the query': { coverage: 0 },
  'prior of roles': { prior: allEqual },
  'prior of declarations': { declaration: 1 },
  'tests by name': { tests: 0 },
  'tests by what they use': { testVoice: 0 },
  imports: { importNear: 0 },
  calls: { callNear: 0 },
  folders: { folderNear: 0 },
  'all neighbours': { importNear: 0, callNear: 0, folderNear: 0 },
  centrality: { central: 0 },
  meaning: { meaning: 0, meaningFile: 0 },
  'meaning of files': { meaningFile: 0 },
};

export const signals = Object.entries(without).map(([name, changed]) => ({ name, changed }));
