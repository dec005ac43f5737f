import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HostBytes } from '../ports/hostBytes.ts';

const pack = promisify(gzip);

/** Nearly as small as the default, 6, in two thirds of its time. */
const level = 4;

export const nodeBytes: HostBytes = {
  sha256: (text) => createHash('sha256').update(text).digest('hex'),
  gzip: (text) => pack(text, { level }),
};
