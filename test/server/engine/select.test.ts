import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { isAppError } from '../../../core/errors.ts';
import { parsePack } from '../../../core/format/parsePack.ts';
import { openEngine, type Engine, type PackFormat, type SelectResult } from '../../../server/engine/index.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
const formats: PackFormat[] = ['markdown', 'xml', 'json', 'plain'];
const tokensOf = (text: string): number => countTokens(text, { disallowedSpecial: new Set<string>() });
const folded = (text: string): string => text.replace(/\s+/g, '');

/** Real code: a part of this repository, in a folder of its own. */
function copySources(into: string): void {
  for (const folder of ['core', 'cli', 'server/store', 'server/engine']) {
    for (const name of readdirSync(path.join(repository, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const file = path.join(into, folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, readFileSync(path.join(repository, folder, name)));
    }
  }
}

describe('Engine.select', function () {
  this.timeout(60_000);
  let root: string;
  let engine: Engine;

  const write = (file: string, text: string): void => writeFileSync(path.join(root, file), text);
  const linesOf = (file: string): string[] => readFileSync(path.join(root, file), 'utf8').split('\n');
  const places = ({ chunks }: SelectResult): string[] =>
    chunks.map((chunk) => `${chunk.path}:${chunk.startLine}-${chunk.endLine}`);
  const failure = async (promise: Promise<unknown>): Promise<string> => {
    const error = await promise.then(
      () => assert.fail('it did not fail'),
      (reason: unknown) => reason,
    );
    assert.ok(isAppError(error) && error.hint !== undefined, String(error));
    return `${error.code}: ${error.message}`;
  };

  before(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'contextkit-select-'));
    copySources(root);
    mkdirSync(path.join(root, 'empty'));
    engine = await openEngine({ root });
    await engine.index();
  });
  after(async () => {
    await engine.close();
    rmSync(root, { recursive: true, force: true });
  });

  const queries = ['how is a pack fitted into the token budget', 'writer lock of the index', 'parseImports rust'];

  for (const format of formats) {
    it(`shows lines of files as they are, in ${format}, and counts its tokens truly`, async () => {
      for (const query of queries) {
        for (const budget of [500, 2_000, 9_000]) {
          const result = await engine.select({ query, budget, format, includeImports: budget > 500 });
          assert.equal(result.metadata.tokensUsed, tokensOf(result.context));
          assert.ok(result.metadata.tokensUsed <= budget && result.metadata.tokensUsed > budget / 2);
          const parts = parsePack(result.context)!;
          assert.ok(parts.length > 0);
          for (const { path: file, startLine, endLine, kind, content } of parts) {
            const shown = linesOf(file)
              .slice(startLine - 1, endLine)
              .join('\n');
            if (kind !== 'signature') assert.equal(content, shown, `${file}:${startLine}`);
          }
        }
      }
    });

    it(`fills the budget of a map within 2 %, in ${format}, with signatures that stand at their lines`, async () => {
      for (const query of ['', ...queries]) {
        for (const budget of [500, 1_500, 4_000]) {
          const { context, metadata } = await engine.select({ query, budget, format, mode: 'map' });
          assert.equal(metadata.tokensUsed, tokensOf(context));
          assert.ok(
            // A line of JSON has more tokens than 2 % of a small budget.
            metadata.tokensUsed <= budget && metadata.tokensUsed >= Math.min(0.98 * budget, budget - 16),
            `${metadata.tokensUsed} of ${budget}`,
          );
          for (const { path: file, startLine, content } of parsePack(context)!) {
            const from = folded(
              linesOf(file)
                .slice(startLine - 1, startLine + 11)
                .join(' '),
            );
            const wanted = folded(content.replace(/…$/, ''));
            assert.ok(from.includes(wanted.slice(0, 30)), `${file}:${startLine} ${content}`);
          }
        }
      }
    });
  }

  it('gives the same bytes and the same id for the same question, whatever it was asked before', async () => {
    const [query] = queries;
    const first = await engine.select({ query: query!, budget: 3_000 });
    await engine.select({ query: 'something else', budget: 9_000 });
    const again = await engine.select({ query: query!, budget: 3_000 });
    assert.equal(again.context, first.context);
    assert.equal(again.metadata.packId, first.metadata.packId);
    assert.notEqual((await engine.select({ query: query!, budget: 2_000 })).metadata.packId, first.metadata.packId);
  });

  it('puts what a map is asked for first, and leaves tests out of a map of the whole', async () => {
    mkdirSync(path.join(root, 'test'));
    write(
      'test/much.test.ts',
      "import { AppError } from '../core/errors.ts';\nexport function testOnly() { throw new AppError('x'); }\n",
    );
    await engine.index();
    const { context } = await engine.select({ query: 'compact chunk table', mode: 'map', budget: 800 });
    assert.match(context.split('\n', 1)[0]!, /chunkTable/);
    const whole = await engine.select({ query: '', mode: 'map', budget: 30_000 });
    assert.doesNotMatch(whole.context, /testOnly/);
    const asked = await engine.select({ query: '', mode: 'map', budget: 800, sources: ['test'] });
    assert.match(asked.context, /testOnly/);
  });

  it('says that a map holds everything there is', async () => {
    const { context, metadata } = await engine.select({
      query: '',
      mode: 'map',
      budget: 4_000,
      sources: ['core/graph/pageRank.ts'],
    });
    assert.equal(metadata.leftOut, 0);
    assert.match(context, /function pageRank\(/);
    assert.doesNotMatch(context, /did not fit/);
  });

  it('follows what the code uses', async () => {
    const query = 'shortened candidate';
    const without = await engine.select({ query, budget: 3_000, limit: 1, sources: ['core/pack/packer.ts'] });
    const found = await engine.select({
      query,
      budget: 3_000,
      limit: 1,
      sources: ['core/pack/packer.ts'],
      includeImports: true,
    });
    const uses = parsePack(found.context)!.filter(({ path: file }) => file !== 'core/pack/packer.ts');
    assert.ok(
      uses.some(({ path: file, content }) => file === 'core/pack/costs.ts' && content.includes('headingTokens')),
    );
    assert.doesNotMatch(without.context, /core\/pack\/costs\.ts:\d/);
  });

  it('leaves out what the conversation has, by pack, by range and by session, and names it', async () => {
    const query = 'writer lock of the index';
    const first = await engine.select({ query, budget: 1_500, session: 'chat' });
    const shown = new Set(places(first));
    for (const request of [
      { have: [first.metadata.packId] },
      { have: first.chunks.map(({ id }) => id) },
      { session: 'chat' },
    ]) {
      const next = await engine.select({ query, budget: 1_500, ...request });
      assert.ok(next.metadata.held > 0);
      assert.match(next.context, /In the conversation already, unchanged: /);
      assert.ok(next.chunks.length > 0 && places(next).every((place) => !shown.has(place)));
    }
    const third = await engine.select({ query, budget: 1_500, session: 'chat' });
    assert.ok(places(third).every((place) => !shown.has(place)));
    assert.ok(engine.packs.forget('chat'));
    assert.deepEqual(places(await engine.select({ query, budget: 1_500, session: 'chat' })), places(first));
  });

  it('knows lines that have moved, and gives what has changed again', async () => {
    write('moving.ts', 'export function wanderingLine() {\n  return "wander";\n}\n');
    await engine.index();
    const query = 'wanderingLine';
    const first = await engine.select({ query, budget: 600, sources: ['moving.ts'] });
    const have = [first.metadata.packId];
    write('moving.ts', '// pushed down\n\nexport function wanderingLine() {\n  return "wander";\n}\n');
    await engine.index();
    const moved = await engine.select({ query, budget: 600, have, sources: ['moving.ts'] });
    assert.doesNotMatch(moved.context, /return "wander"/);
    write('moving.ts', 'export function wanderingLine() {\n  return "settled";\n}\n');
    await engine.index();
    const changed = await engine.select({ query, budget: 600, have, sources: ['moving.ts'] });
    assert.match(changed.context, /return "settled"/);
    assert.match(changed.context, /Changed since the conversation got it: moving\.ts:1-3/);
    assert.equal(changed.metadata.renewed, 1);
  });

  it('compares packs by id and from files of any format', async () => {
    const query = 'writer lock of the index';
    const small = await engine.select({ query, budget: 800 });
    const large = await engine.select({ query, budget: 4_000 });
    const difference = engine.packs.compare({ id: small.metadata.packId }, { id: large.metadata.packId.slice(0, 10) });
    assert.ok(difference.added.length > 0);
    assert.equal(difference.first.id, small.metadata.packId);
    for (const format of formats) {
      const { context } = await engine.select({ query, budget: 800, format });
      const itself = engine.packs.compare({ name: 'a', text: context }, { name: 'b', text: context });
      assert.deepEqual([itself.added, itself.removed, itself.changed, itself.moved], [[], [], [], []]);
      assert.ok(itself.same > 0);
    }
  });

  it('remembers no source text', async () => {
    const { metadata } = await engine.select({ query: 'writer lock of the index', budget: 2_000 });
    const manifest = JSON.stringify(engine.packs.find(metadata.packId));
    assert.doesNotMatch(manifest, /function|writer lock/);
    assert.ok(engine.packs.list().some(({ id }) => id === metadata.packId));
  });

  describe('given bad input', () => {
    it('names ids that are none, are unknown or damaged', async () => {
      const select = (have: string[]) => failure(engine.select({ query: 'x', have }));
      assert.match(await select(['../../etc/passwd']), /invalid_input: .* neither the id of a pack nor of a range/);
      assert.match(await select(['zz']), /invalid_input/);
      assert.match(await select(['0123456789abcdef']), /not_found: no pack with the id/);
      const { metadata } = await engine.select({ query: 'damage me', budget: 900 });
      const file = path.join(root, '.contextkit/packs', `${metadata.packId}.json`);
      engine.packs.list();
      for (const damage of ['', '{', '{"version":1,"parts":[{}]}', '{"version":99}', '[]']) {
        writeFileSync(file, damage);
        assert.match(await select([metadata.packId]), /not_found: .*damaged/);
      }
      assert.ok(engine.packs.list().every(({ id }) => id !== metadata.packId));
    });

    it('names a damaged session and begins it anew when told', async () => {
      await engine.select({ query: 'lock', budget: 900, session: 'broken' });
      engine.packs.sessions();
      writeFileSync(path.join(root, '.contextkit/sessions/broken.json'), 'not json');
      assert.match(await failure(engine.select({ query: 'lock', session: 'broken' })), /"broken" holds cannot be read/);
      assert.ok(engine.packs.forget('broken'));
      await engine.select({ query: 'lock', budget: 900, session: 'broken' });
      assert.match(
        await failure(engine.select({ query: 'lock', session: '../up' })),
        /cannot be the name of a session/,
      );
    });

    it('takes a range id of a file that is gone, and one past the end, for nothing', async () => {
      const have = ['nowhere.ts:1-2@0123456789abcdef', 'core/errors.ts:90000-90009@0123456789abcdef'];
      assert.equal((await engine.select({ query: 'writer lock', have, budget: 900 })).metadata.held, 0);
    });

    it('shows nothing of a file that is deleted after it was indexed', async () => {
      write('doomed.ts', 'export function doomedToVanish() {\n  return 1;\n}\n');
      await engine.index();
      rmSync(path.join(root, 'doomed.ts'));
      for (const mode of ['full', 'map'] as const) {
        const { context, metadata } = await engine.select({ query: 'doomedToVanish', budget: 900, mode });
        assert.doesNotMatch(context, /doomed\.ts/);
        assert.ok(metadata.refreshed.includes('doomed.ts') || metadata.refreshed.length === 0);
        if (mode === 'full')
          await engine.index().then(() => write('doomed.ts', 'export function doomedToVanish() {}\n'));
      }
    });

    it('cuts the best range where not one fits', async () => {
      const lines = Array.from({ length: 60 }, (_, i) => `  stepping("stone ${i}", ${i}, { deep: [${i}, ${i}] });`);
      write('long.ts', `export function crossTheRiver() {\n${lines.join('\n')}\n}\n`);
      await engine.index();
      const { chunks, metadata } = await engine.select({ query: 'crossTheRiver', budget: 500, sources: ['long.ts'] });
      assert.ok(chunks.length > 0 && chunks[0]!.path === 'long.ts');
      assert.ok(metadata.tokensUsed <= 500 && metadata.tokensUsed > 250, String(metadata.tokensUsed));
    });

    it('maps a file with 5,000 definitions, and a folder without any', async () => {
      write(
        'crowd.ts',
        Array.from({ length: 5_000 }, (_, i) => `export function crowd${i}(a: number) { return a + ${i}; }`).join('\n'),
      );
      await engine.index();
      const { context, metadata } = await engine.select({ query: '', mode: 'map', budget: 2_000 });
      assert.ok(metadata.tokensUsed <= 2_000 && metadata.filesIncluded > 10);
      assert.ok((context.match(/function crowd\d/g) ?? []).length < 60);
      const only = await engine.select({ query: '', mode: 'map', budget: 2_000, sources: ['crowd.ts'] });
      assert.ok(only.metadata.tokensUsed >= 1_960);
      rmSync(path.join(root, 'crowd.ts'));
      const none = await engine.select({ query: '', mode: 'map', sources: ['empty'] });
      assert.equal(none.metadata.filesIncluded, 0);
    });
  });
});
