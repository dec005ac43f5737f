import assert from 'node:assert/strict';
import { cleanMessage } from '../../../core/history/cleanMessage.ts';

const cases: { name: string; message: string; text: string }[] = [
  {
    name: 'the subject stays',
    message: 'Match routes with a trailing slash\n',
    text: 'Match routes with a trailing slash',
  },
  {
    name: 'numbers of pull requests go',
    message: 'fix(router): keep params (#1234)',
    text: 'fix(router): keep params',
  },
  {
    name: 'what closes an issue goes',
    message: 'Keep params\n\nFixes #12, closes owner/repo#34',
    text: 'Keep params\n\n,',
  },
  { name: 'a line of its own that closes an issue goes', message: 'Keep params\n\nFixes: #12\n', text: 'Keep params' },
  {
    name: 'trailers go',
    message: 'Keep params\n\nBody.\n\nSigned-off-by: A <a@b>\nCo-authored-by: C <c@d>\nChange-Id: I0123',
    text: 'Keep params\n\nBody.',
  },
  { name: 'URLs go', message: 'Keep params, see https://example.org/a?b=c for why', text: 'Keep params, see for why' },
  { name: 'ids of commits go', message: 'Undo part of 0a1b2c3d4e in the cache', text: 'Undo part of in the cache' },
  {
    name: 'words of the letters a to f stay',
    message: 'The decade facade is defaced',
    text: 'The decade facade is defaced',
  },
  {
    name: 'code fences go',
    message: 'Keep params\n\n```ts\nconst a = 1;\n```\nafter',
    text: 'Keep params\n\nafter',
  },
  {
    name: 'a fence that is never closed ends with the message',
    message: 'Keep params\n\n```\ncode',
    text: 'Keep params',
  },
  { name: 'paths and names stay', message: 'Use parseUrl in src/url.ts', text: 'Use parseUrl in src/url.ts' },
  { name: 'Windows line breaks are line breaks', message: 'One\r\n\r\nTwo', text: 'One\n\nTwo' },
];

describe('cleanMessage', () => {
  for (const { name, message, text } of cases) it(name, () => assert.equal(cleanMessage(message), text));
});
