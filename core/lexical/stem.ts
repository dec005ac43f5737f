type Suffix = [suffix: string, replacement: string, least: number];

/**
 * A light suffix stripper for English words in code: enough to bring validate, validator, validation and
 * validating together, without the exceptions of a full stemmer. It only ever shortens a word, and leaves
 * at least three characters.
 */
const suffixes: Suffix[] = [
  ['izations', 'iz', 3],
  ['ization', 'iz', 3],
  ['ications', '', 4],
  ['ication', '', 4],
  ['ations', '', 4],
  ['ation', '', 4],
  ['ators', '', 4],
  ['ator', '', 4],
  ['ating', '', 4],
  ['ated', '', 4],
  ['ates', '', 4],
  ['ate', '', 4],
  ['ments', '', 4],
  ['ment', '', 4],
  ['iers', '', 3],
  ['ier', '', 3],
  ['ying', '', 3],
  ['ings', '', 3],
  ['ing', '', 3],
  ['ions', '', 4],
  ['ion', '', 4],
  ['able', '', 4],
  ['ible', '', 4],
  ['ies', '', 3],
  ['ied', '', 3],
  ['ers', '', 3],
  ['ors', '', 4],
  ['er', '', 3],
  ['or', '', 4],
  ['ly', '', 4],
  ['ed', '', 3],
  ['es', '', 3],
  ['s', '', 3],
  ['e', '', 3],
  ['y', '', 3],
];

/** By their last letter: a word is compared with few of them. */
const suffixesByEnd = new Map<string, Suffix[]>();
for (const each of suffixes) {
  const end = each[0].slice(-1);
  suffixesByEnd.set(end, [...(suffixesByEnd.get(end) ?? []), each]);
}

const vowel = /[aeiouy]/;

function undouble(stem: string): string {
  const last = stem.length - 1;
  return last > 2 && stem[last] === stem[last - 1] && !'aeiouls'.includes(stem[last]!) ? stem.slice(0, last) : stem;
}

/** Stem of a lower-case term; terms with other than a–z come back unchanged. */
export function stem(term: string): string {
  if (term.length < 4 || !/^[a-z]+$/.test(term)) return term;
  if (/(ss|us|is)$/.test(term)) return term;
  for (const [suffix, replacement, least] of suffixesByEnd.get(term[term.length - 1]!) ?? []) {
    if (!term.endsWith(suffix)) continue;
    const rest = term.slice(0, term.length - suffix.length);
    if (rest.length >= least && vowel.test(rest)) return undouble(rest + replacement);
  }
  return term;
}
