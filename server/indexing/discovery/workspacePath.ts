import nodePath from 'node:path';
import { AppError } from '../../../core/errors.ts';

/** `path.posix` or `path.win32`; tests run both on any machine. */
type PathRules = Pick<typeof nodePath, 'sep' | 'resolve' | 'relative' | 'isAbsolute' | 'join'>;

/** Names that Windows gives to devices, with or without an ending. */
const reservedName = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$/i;

/**
 * The absolute path of a workspace-relative one ('/' between parts).
 * Throws invalid_input for an absolute path, for `..` and for what Windows could not hold.
 */
export function toOsPath(root: string, relativePath: string, rules: PathRules = nodePath): string {
  const parts = relativePath.split('/').filter((part) => part !== '' && part !== '.');
  if (relativePath.startsWith('/')) throw outside(relativePath);
  for (const part of parts) {
    if (part === '..') throw outside(relativePath);
    if (part.includes('\0')) throw invalidName(relativePath);
    if (rules.sep === '\\' && (/[\\:*?"<>|]|[. ]$/.test(part) || reservedName.test(part)))
      throw invalidName(relativePath);
  }
  return parts.length === 0 ? root : joined(root, parts, rules);
}

function joined(root: string, parts: string[], rules: PathRules): string {
  const base = root.endsWith(rules.sep) ? root : root + rules.sep;
  return base + parts.join(rules.sep);
}

const outside = (path: string): AppError =>
  new AppError('invalid_input', `the path lies outside the workspace folder: ${path}`, {
    hint: 'Give a path inside the workspace folder.',
  });

const invalidName = (path: string): AppError =>
  new AppError('invalid_input', `no file can have this path here: ${JSON.stringify(path)}`);

/**
 * The workspace-relative form, '/' between parts, of a path as the system or a user writes it: absolute, or relative
 * to the root. '' is the root itself; null lies outside it. Windows drives and folders compare in any letter case,
 * and `\\?\` prefixes are dropped; the letters of the part inside the root stay as they are.
 */
export function toWorkspacePath(root: string, osPath: string, rules: PathRules = nodePath): string | null {
  const base = rules.resolve(withoutLongPrefix(root, rules));
  const relative = rules.relative(base, rules.resolve(base, withoutLongPrefix(osPath, rules)));
  if (relative === '') return '';
  if (rules.isAbsolute(relative)) return null;
  const parts = relative.split(rules.sep);
  return parts[0] === '..' ? null : parts.join('/');
}

function withoutLongPrefix(path: string, rules: PathRules): string {
  if (rules.sep !== '\\') return path;
  return path.replace(/^\\\\\?\\UNC\\/i, '\\\\').replace(/^\\\\\?\\/, '');
}
