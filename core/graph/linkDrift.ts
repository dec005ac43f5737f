/** Files whose links may be resolved one by one, before all are resolved anew. */
const leastDrift = 50;
const driftShare = 0.02;

/** Whether so many changed files are a share of all that makes links of others doubtful, too. */
export const isLargeShare = (changed: number, files: number): boolean => changed > files * driftShare;

/**
 * What others define may have moved, too: after so many changes since all files were resolved, they are resolved again.
 */
export const isDriftLarge = (changed: number, files: number): boolean =>
  changed > Math.max(leastDrift, files * driftShare);
