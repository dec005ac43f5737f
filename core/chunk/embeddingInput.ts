/**
 * The text of a chunk that its vector stands for: its scope line (`Server › listen`) and its lines. The path is left
 * out: it brings nothing (measured), and so a moved file keeps its vectors.
 */
export function chunkText(scope: string, content: string): string {
  return scope === '' ? content : `${scope}\n${content}`;
}

/**
 * A text as the model is given it: names taken apart (`getUserName`, `get_user_name` → `get user name`), what code has
 * of signs left out. Models read words: they know little of `getusername` and its pieces, and signs take up 40 % of
 * their tokens. Measured: vectors alone find more, and embedding takes two thirds of the time.
 */
export function modelText(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])(?=[A-Z][a-z])/g, '$1 ')
    .replace(/[^\p{L}\p{M}\p{N}.?!:'"-]+/gu, ' ')
    .replace(/[-:.'"]{2,}/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
}

/**
 * A question as the model is given it: without addresses, numbers of issues and the scope of a change message
 * (`fix(router): …`), which are found by words.
 */
export function questionText(query: string): string {
  const plain = query
    .replace(/https?:\S+/g, ' ')
    .replace(/#\d+/g, ' ')
    .replace(/^[\w-]+(?:\([^)\n]*\))?!?:\s/, '');
  return modelText(plain) || modelText(query);
}

/** Raised when `chunkText` or `modelText` change: part of every digest, so that older vectors are not found. */
export const embeddingInputVersion = 1;

/** Bytes of the digest of such a text, by which its vector is kept. */
export const digestBytes = 16;
