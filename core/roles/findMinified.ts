/** Formats whose lines are short when a person writes them. Prose and data have long lines by nature. */
const codeEndings = new Set(
  (
    'js mjs cjs jsx ts mts cts tsx css scss less html htm svelte vue php py rb go rs java kt kts c h cc cpp cxx hpp cs ' +
    'swift scala dart lua zig ex exs hs sh bash'
  ).split(' '),
);

/** Below this a file costs nothing even when it is one line. */
const minLength = 2_000;
const maxMeanLineLength = 500;
/** Hand-written code may embed a long literal, but not hold most of its text in one line of this length. */
const hugeLine = 5_000;

/** Says why a source file looks minified, or null. */
export function findMinified(path: string, text: string): string | null {
  const ending = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase();
  if (ending === undefined || !codeEndings.has(ending) || text.length < minLength) return null;
  let lines = 1;
  let longest = 0;
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    longest = Math.max(longest, end - start);
    start = end + 1;
    lines++;
  }
  longest = Math.max(longest, text.length - start);
  const mean = Math.round(text.length / lines);
  if (mean > maxMeanLineLength) return `${mean} characters a line on average`;
  if (longest > hugeLine && longest > text.length * 0.8) return `one line of ${longest} characters`;
  return null;
}
