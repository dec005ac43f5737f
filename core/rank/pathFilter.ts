/** `**` any folders, `*` within a name, `?` one character, `[…]` a set; everything else as it is. */
function globSource(glob: string): string {
  let source = '';
  for (let i = 0; i < glob.length; i++) {
    const rest = glob.slice(i);
    const set = /^\[(!?)([^\]/]+)\]/.exec(rest);
    if (rest.startsWith('**/')) {
      source += '(?:.*/)?';
      i += 2;
    } else if (rest.startsWith('**')) {
      source += '.*';
      i += 1;
    } else if (set !== null) {
      source += `[${set[1] === '!' ? '^' : ''}${set[2]!.replace(/[\\^]/g, '\\$&')}]`;
      i += set[0].length - 1;
    } else if (glob[i] === '*') source += '[^/]*';
    else if (glob[i] === '?') source += '[^/]';
    else source += glob[i]!.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  }
  return source;
}

/**
 * Does a path lie in one of the folders, or match one of the globs? `src`, `src/`, `*.go`, `pkg/**`, `!src/gen` (later
 * entries win). A pattern without a slash matches at any depth, as in an ignore file.
 */
export function pathFilter(sources: readonly string[]): (path: string) => boolean {
  const rules = sources
    .map((source) => source.trim().replaceAll('\\', '/'))
    .filter((source) => source !== '' && source !== '!')
    .map((source) => {
      const negated = source.startsWith('!');
      const bare = (negated ? source.slice(1) : source).replace(/^\.\//, '').replace(/\/+$/, '');
      const anchored = bare.includes('/');
      const glob = globSource(bare.replace(/^\//, ''));
      return {
        negated,
        pattern: new RegExp(`^${anchored ? '' : '(?:.*/)?'}${bare === '.' ? '.*' : glob}(?:/.*)?$`, 's'),
      };
    });
  const onlyNegated = rules.every((rule) => rule.negated);
  return (path) => {
    let accepted = onlyNegated;
    for (const { negated, pattern } of rules) if (pattern.test(path)) accepted = !negated;
    return accepted;
  };
}
