/** e.g. `3.4 MB, the limit is 1024 KB` */
export function tooLargeDetail(size: number, maxFileKb: number): string {
  const shown = size < 1024 * 1024 ? `${Math.ceil(size / 1024)} KB` : `${(size / 1024 / 1024).toFixed(1)} MB`;
  return `${shown}, the limit is ${maxFileKb} KB`;
}

/** The system's error in words that need no manual. */
export function describeSystemError(error: NodeJS.ErrnoException): string {
  const words: Record<string, string> = {
    EACCES: 'no permission',
    EPERM: 'no permission',
    ENOENT: 'it is gone',
    ENAMETOOLONG: 'the path is too long',
    EMFILE: 'too many open files',
    EIO: 'the disk reports an error',
  };
  return words[error.code ?? ''] ?? String(error.code);
}
