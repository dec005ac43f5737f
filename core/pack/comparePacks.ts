import type { PackPart } from './packParts.ts';

export interface PackDifference {
  /** In the order of the second pack. */
  added: PackPart[];
  /** In the order of the first pack. */
  removed: PackPart[];
  /** The same place with other text. */
  changed: { before: PackPart; after: PackPart }[];
  /** The same text at another place of the file, or in another role. */
  moved: { before: PackPart; after: PackPart }[];
  same: number;
}

const overlaps = (a: PackPart, b: PackPart): boolean => a.startLine <= b.endLine && b.startLine <= a.endLine;
const isSignature = ({ kind }: PackPart): boolean => kind === 'signature';

/** Takes the first part of the list for which `fits` holds out of it. */
function take(parts: PackPart[], fits: (part: PackPart) => boolean): PackPart | undefined {
  const at = parts.findIndex(fits);
  return at < 0 ? undefined : parts.splice(at, 1)[0];
}

/** How the second pack differs from the first. Text is told apart by digest. */
export function comparePacks(first: readonly PackPart[], second: readonly PackPart[]): PackDifference {
  const before = new Map<string, PackPart[]>();
  for (const part of first) before.set(part.path, [...(before.get(part.path) ?? []), part]);
  const rest = (part: PackPart): PackPart[] => before.get(part.path) ?? [];
  let same = 0;
  let open = second.filter((part) => {
    const equal = take(
      rest(part),
      ({ hash, startLine, kind }) =>
        hash === part.hash && startLine === part.startLine && (kind === 'signature') === isSignature(part),
    );
    if (equal !== undefined) same++;
    return equal === undefined;
  });
  const pairs = (fits: (a: PackPart, b: PackPart) => boolean): PackDifference['changed'] => {
    const found: PackDifference['changed'] = [];
    open = open.filter((after) => {
      const match = take(rest(after), (each) => fits(each, after));
      if (match !== undefined) found.push({ before: match, after });
      return match === undefined;
    });
    return found;
  };
  const moved = pairs((a, b) => a.hash === b.hash);
  const changed = pairs((a, b) => overlaps(a, b));
  const left = new Set([...before.values()].flat());
  return { added: open, removed: first.filter((part) => left.has(part)), changed, moved, same };
}
