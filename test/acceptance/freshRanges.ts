import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A range as answers give it. */
export interface AnsweredRange {
  path: string;
  startLine: number;
  endLine: number;
  content: string;
}

/** There are some, and none differs from the file as it is now. */
export function assertFresh(root: string, ranges: readonly AnsweredRange[]): void {
  assert.ok(ranges.length > 0, 'nothing was found');
  for (const { path: file, startLine, endLine, content } of ranges) {
    const lines = readFileSync(path.join(root, file), 'utf8')
      .split('\n')
      .slice(startLine - 1, endLine);
    assert.equal(content.trimEnd(), lines.join('\n').trimEnd(), `${file}:${startLine}`);
  }
}
