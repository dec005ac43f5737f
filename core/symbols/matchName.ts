/** How a name was found, best first. */
export type NameMatch = 'exact' | 'case' | 'prefix' | 'humps' | 'part' | 'typo' | 'letters';

const quality: Record<NameMatch, number> = { exact: 0, case: 1, prefix: 2, humps: 3, part: 4, typo: 5, letters: 6 };

/** Lower is better. */
export const rankOfMatch = (match: NameMatch): number => quality[match];

/** Offsets where a word of the name begins: `getURLParts` → 0, 3, 6; `get_url` → 0, 4. */
function humpStarts(name: string): number[] {
  const starts: number[] = [];
  for (let i = 0; i < name.length; i++) {
    const character = name[i]!;
    if (!/[A-Za-z0-9]/.test(character)) continue;
    const before = name[i - 1] ?? '_';
    const after = name[i + 1] ?? '';
    const isUpper = /[A-Z]/.test(character);
    const begins =
      !/[A-Za-z0-9]/.test(before) ||
      (isUpper && (!/[A-Z]/.test(before) || /[a-z]/.test(after))) ||
      (/\d/.test(character) && !/\d/.test(before));
    if (begins) starts.push(i);
  }
  return starts;
}

/**
 * Whether the asked letters are beginnings of the name's words, in order, the first word included: `gUP`, `gup` and
 * `getPar` for `getUrlParts`. A capital letter begins a word or goes on in capitals.
 */
function matchesHumps(asked: string, name: string): boolean {
  const starts = humpStarts(name);
  const lower = name.toLowerCase();
  const fits = (at: number, from: number): boolean => {
    if (at === asked.length) return true;
    const letter = asked[at]!.toLowerCase();
    // Go on within the word, or jump to a later one.
    const mustBegin = /[A-Z]/.test(asked[at]!);
    const goesOn = mustBegin ? name[from] === asked[at] : lower[from] === letter;
    if (at > 0 && goesOn && fits(at + 1, from + 1)) return true;
    return starts.some(
      (start) => start >= from && (at > 0 || start === starts[0]) && lower[start] === letter && fits(at + 1, start + 1),
    );
  };
  return asked.length > 1 && asked.length <= 40 && fits(0, 0);
}

/** Letters in order, not further apart than three times their number. */
function hasLetters(asked: string, name: string): boolean {
  let at = name.indexOf(asked[0]!);
  const first = at;
  for (let i = 1; i < asked.length && at >= 0; i++) at = name.indexOf(asked[i]!, at + 1);
  return at >= 0 && asked.length > 2 && at - first < asked.length * 3;
}

/** Optimal string alignment distance: insertions, deletions, substitutions, neighbours swapped; `most + 1` if above. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let [before, previous] = [new Array<number>(b.length + 1).fill(0), Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(row[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    if (Math.min(...row) > most) return most + 1;
    [before, previous] = [previous, row];
  }
  return previous[b.length]!;
}

const typosAllowed = (length: number): number => (length < 4 ? 0 : length < 8 ? 1 : 2);

/** How a name answers what was asked; null if it does not. */
export function matchName(asked: string, name: string): NameMatch | null {
  if (name === asked) return 'exact';
  const [lowerAsked, lowerName] = [asked.toLowerCase(), name.toLowerCase()];
  if (lowerName === lowerAsked) return 'case';
  if (lowerName.startsWith(lowerAsked)) return 'prefix';
  if (matchesHumps(asked, name)) return 'humps';
  if (lowerName.includes(lowerAsked)) return 'part';
  const typos = typosAllowed(asked.length);
  if (typos > 0 && distance(lowerAsked, lowerName, typos) <= typos) return 'typo';
  return hasLetters(lowerAsked, lowerName) ? 'letters' : null;
}
