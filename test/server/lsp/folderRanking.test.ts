import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSettings } from '../../../protocol/index.ts';
import { readRanking } from '../../../server/lsp/folderRanking.ts';
import { createFolderSession } from '../../../server/lsp/folderSession.ts';

describe('The ranking weights of a workspace folder', function () {
  this.timeout(20_000);
  let root: string;
  let logged: string[];
  const log = (_event: string, { message }: Record<string, unknown>): void => void logged.push(String(message));
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };

  beforeEach(() => {
    logged = [];
    root = mkdtempSync(path.join(tmpdir(), 'contextkit-folder-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('are none without a file', async () => {
    assert.deepEqual(await readRanking(root, log), {});
    assert.deepEqual(logged, []);
  });

  it('are read beside keys that are none of its business', async () => {
    write('.contextkit/config.yaml', 'ranking:\n  path: 0.9\nmaxFileKb: many\n');
    assert.deepEqual(await readRanking(root, log), { path: 0.9 });
  });

  for (const [text, fault] of [
    ['ranking:\n  path: 99\n', /ranking\.path: /],
    ['ranking:\n  paths: 1\n', /ranking\.paths: unknown key/],
    ['ranking: 3\n', /ranking: /],
    ['ranking: [\n', /./],
  ] as const)
    it(`are not taken from ${JSON.stringify(text)}, which is told`, async () => {
      write('.contextkit/config.yaml', text);
      assert.deepEqual(await readRanking(root, log), {});
      assert.equal(logged.length, 1);
      assert.match(logged[0]!, fault);
    });

  it('rule the answers of its session', async () => {
    write('src/lens.ts', 'export const lens = 1;\n');
    write('docs/lens.md', '# lens\n\nlens lens lens\n');
    const best = async (): Promise<string> => {
      const { settings } = readSettings({});
      const session = createFolderSession({
        name: 'f',
        root,
        settings,
        client: 'a test',
        clientWatches: true,
        embeddings: () => Promise.resolve(undefined),
        onProgress() {},
        onState() {},
        log,
      });
      try {
        await session.index({ force: false, signal: undefined });
        return (await (await session.engine()).rank('lens'))[0]!.path;
      } finally {
        await session.close();
      }
    };
    assert.equal(await best(), 'src/lens.ts');
    write('.contextkit/config.yaml', 'ranking:\n  docsPrior: 2\n');
    assert.equal(await best(), 'docs/lens.md');
  });
});
