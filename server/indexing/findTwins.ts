import type { FileStamp, KnownFile } from '../store/types.ts';
import type { Twin } from './parseProtocol.ts';

/** So many files of the same size are looked at; more of them means that they are next to empty. */
const mostTwins = 32;

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const endingOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

/** How likely a file is the other one, moved: a move keeps time and inode, a checkout of a move mostly the name. */
function likeness(file: { path: string } & FileStamp, other: KnownFile): number {
  const isSameFile = other.inode === file.inode && other.mtimeMs === file.mtimeMs;
  const isSameName = nameOf(other.path) === nameOf(file.path);
  const isSameKind = endingOf(other.path) === endingOf(file.path);
  return (isSameFile ? 4 : 0) + (isSameName ? 2 : 0) + (isSameKind ? 1 : 0);
}

/** Finds the files of an index that a new one may be a copy of, by its size: a file that was moved is among them. */
export function createTwinFinder(known: Iterable<KnownFile>): (file: { path: string } & FileStamp) => Twin[] {
  let bySize: Map<number, KnownFile[]> | undefined;
  return (file) => {
    if (bySize === undefined) {
      bySize = new Map();
      for (const each of known) {
        const others = bySize.get(each.size);
        if (others === undefined) bySize.set(each.size, [each]);
        else others.push(each);
      }
    }
    return (bySize.get(file.size) ?? [])
      .filter(({ path }) => path !== file.path)
      .map((other) => ({ other, likeness: likeness(file, other) }))
      .sort((a, b) => b.likeness - a.likeness)
      .slice(0, mostTwins)
      .map(({ other: { path, hash } }) => ({ path, hash }));
  };
}
