/** `Signed-off-by: …` and its like, each on a line of its own. */
const trailer =
  /^(?:[A-Za-z]+(?:-[A-Za-z]+)*-by|cc|change-id|fixes|closes|resolves|refs?|references|related|see(?:[- ]also)?|link|bug|issue|ticket|reviewers?|differential revision|git-svn-id|release-notes?|pr|pull request)\s*:.*$/gim;
const codeFence = /^[ \t]*(```|~~~)[^\n]*\n[\s\S]*?(?:^[ \t]*\1[^\n]*$|(?![\s\S]))/gm;
const url = /\b(?:https?|ftp|git|ssh):\/\/[^\s<>)\]]+/gi;
/** (#12), owner/repo#12, GH-12, and the "fixes" and "closes" that stand before them. */
const reference =
  /\(?\b(?:(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?|refs?|see|pr|issue|ticket)\s+)?(?:[\w.-]+\/[\w.-]+)?#\d+\)?|\(?(?:[\w.-]+\/[\w.-]+)?#\d+\)?|\bGH-\d+\b/gi;
/** At least one digit, so that no word of the letters a to f is taken for one. */
const commitId = /\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b/gi;

/**
 * A commit message as a question: without code fences, trailers, URLs, numbers of issues and pull requests, and ids of
 * commits. Paths and names of code stay.
 */
export function cleanMessage(message: string): string {
  return message
    .replace(/\r\n?/g, '\n')
    .replace(codeFence, '')
    .replace(url, '')
    .replace(trailer, '')
    .replace(reference, '')
    .replace(commitId, '')
    .replace(/\(\s*\)|\[\s*\]/g, '')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ +| +$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
