import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

const documents = ['.', 'docs', 'bench'].flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name)),
);

const textOf = (document: string): string => readFileSync(path.join(root, document), 'utf8');

/** `file: what` for each match of `pattern` in a document that `exists` does not know. */
function missing(pattern: RegExp, exists: (found: string, document: string) => boolean): string[] {
  return documents.flatMap((document) =>
    [...textOf(document).matchAll(pattern)]
      .map(([, found = '']) => found)
      .filter((found) => !exists(found, document))
      .map((found) => `${document}: ${found}`),
  );
}

describe('The documents', () => {
  it('are there', () => {
    const expected = [
      'README.md',
      'ARCHITECTURE.md',
      'CONTRIBUTING.md',
      'CHANGELOG.md',
      'docs/cli.md',
      'docs/settings.md',
    ];
    assert.deepEqual(
      expected.filter((document) => !documents.includes(document)),
      [],
    );
  });

  it('link to files that exist', () => {
    const linked = (link: string, document: string): boolean =>
      existsSync(path.join(root, path.dirname(document), link.replace(/#.*$/, '')));
    assert.deepEqual(missing(/\]\((?!https?:|#)([^)\s]+)\)/g, linked), []);
  });

  it('name files and folders that exist', () => {
    const known = /`((?:core|syntax|server|cli|protocol|extension|webview|bench|docs|scripts|test)\/[^`\s*<]*)`/g;
    assert.deepEqual(
      missing(known, (name) => existsSync(path.join(root, name))),
      [],
    );
  });

  it('name npm scripts that exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    assert.deepEqual(
      missing(/npm run ([a-z][a-z0-9:]*)/g, (name) => name in scripts),
      [],
    );
  });

  it('name the version of the manifest at the top of the changelog', () => {
    const { version } = JSON.parse(textOf('package.json')) as { version: string };
    const [, newest] = /^## (?!Unreleased)(\S+)/m.exec(textOf('CHANGELOG.md')) ?? [];
    assert.equal(newest, version);
  });
});
