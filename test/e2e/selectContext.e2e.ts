import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeSmallModel } from '../server/embedding/runnableModel.ts';
import { openEditor, waitUntil, type Editor, type Frame } from './editor.ts';

const sources: Record<string, string> = {
  'src/router.ts': `/** Finds the handler of a path. */\nexport class Router {\n  readonly routes = new Map<string, () => string>();\n\n  /** Matches a request path against all known routes. */\n  matchRoute(requestPath: string): (() => string) | undefined {\n    return this.routes.get(requestPath);\n  }\n}\n`,
  'src/cache.ts': `/** Keeps answers for a while. */\nexport function invalidateCache(key: string): void {\n  console.log('dropping', key);\n}\n`,
  'lib/retry.py': `def retry_with_backoff(action, attempts=3):\n    """Runs an action again after a failure, waiting longer each time."""\n    for attempt in range(attempts):\n        try:\n            return action()\n        except OSError:\n            wait(2 ** attempt)\n`,
  'cmd/main.go': `package main\n\n// parseFlags reads the command line.\nfunc parseFlags(args []string) map[string]string {\n\treturn nil\n}\n`,
  'README.md': '# Sample\n\nA workspace with several languages.\n',
  '.gitignore': 'ignored/\n',
  'ignored/secret.ts': 'export const unseen = 1;\n',
};

function makeWorkspace(): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'contextkit-workspace-')));
  for (const [file, text] of Object.entries(sources)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  }
  mkdirSync(path.join(folder, '.git'));
  writeFileSync(path.join(folder, '.git/HEAD'), 'ref: refs/heads/main\n');
  return folder;
}

describe('ContextKit in VS Code', function () {
  this.timeout(90_000);
  let folder: string;
  let modelDirectory: string;
  let editor: Editor;
  let panel: Frame;

  const results = (): Promise<string[]> => panel.locator('.result .open').allTextContents();

  /** Asks in the panel until the first result says what is expected: the index follows files with a little delay. */
  async function panelFinds(query: string, expected: RegExp): Promise<void> {
    await waitUntil(`${query} → ${String(expected)}`, async () => {
      await panel.locator('#query').fill(query);
      await panel.locator('#ask').click();
      await new Promise((resolve) => setTimeout(resolve, 400));
      const [first] = await results();
      return first !== undefined && expected.test(first) ? true : undefined;
    });
  }

  before(async function () {
    this.timeout(180_000);
    folder = makeWorkspace();
    modelDirectory = mkdtempSync(path.join(tmpdir(), 'contextkit-model-'));
    writeSmallModel(modelDirectory, { config: { model_type: 'bert', max_position_embeddings: 512, hidden_size: 16 } });
    editor = await openEditor(process.env['CONTEXTKIT_VSIX']!, folder, { 'contextkit.modelDirectory': modelDirectory });
  });

  after(async () => {
    await editor?.close();
    rmSync(folder, { recursive: true, force: true });
    rmSync(modelDirectory, { recursive: true, force: true });
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await editor.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  it('indexes the folder it opens and says so in the status bar', async () => {
    await editor.page.locator('.statusbar-item', { hasText: 'ContextKit: 6 files' }).waitFor({ timeout: 60_000 });
  });

  it('answers from the palette and opens the range', async () => {
    await editor.command('ContextKit: Select Context');
    const input = editor.page.locator('.quick-input-widget input.input').first();
    await editor.page.locator('.quick-input-widget', { hasText: 'Select Context' }).waitFor();
    await input.fill('how are request paths matched against routes');
    await editor.page.keyboard.press('Enter');
    const row = editor.page.locator('.quick-input-list .monaco-list-row', { hasText: 'router.ts' }).first();
    await row.waitFor({ timeout: 30_000 });
    await editor.screenshot('quick-pick');
    assert.match((await row.textContent()) ?? '', /router\.ts:\d+-\d+.*tokens/s);
    await editor.page.keyboard.press('Enter');
    await editor.page.locator('.tab.active', { hasText: 'router.ts' }).waitFor({ timeout: 30_000 });
  });

  it('shows the same answer in the sidebar panel', async () => {
    await editor.command('ContextKit: Focus Question');
    panel = await editor.webview('#query');
    const first = await waitUntil('results in the panel', async () => (await results())[0]);
    assert.match(first, /router\.ts:\d+-\d+src.*\d+ tokens/s);
    assert.match((await panel.locator('.summary .total').textContent()) ?? '', /^\d[\d,]* of 8,000 tokens$/);
    await editor.screenshot('panel');
  });

  it('embeds the folder behind the answers and says when meanings are compared', async () => {
    await panel.locator('#index', { hasText: 'Search by words and meaning.' }).waitFor({ timeout: 30_000 });
  });

  it('asks from the panel and opens what is clicked', async () => {
    await panelFinds('run an action again after a failure', /^retry\.py:/);
    await panel.locator('.result .open').first().click();
    await editor.page.locator('.tab.active', { hasText: 'retry.py' }).waitFor({ timeout: 30_000 });
  });

  it('copies the pack', async () => {
    await panel.locator('#copyPack').click();
    const copied = await waitUntil('the clipboard', async () => {
      const text = await editor.page.evaluate<string>('navigator.clipboard.readText()');
      return text.includes('retry_with_backoff') ? text : undefined;
    });
    assert.match(copied, /^### lib\/retry\.py:1-\d+/m);
  });

  it('turns the answer into a map of signatures and back', async () => {
    await panel.locator('#mode .option', { hasText: 'Map' }).click();
    await panel.locator('.map', { hasText: 'def retry_with_backoff(action, attempts=3)' }).waitFor({ timeout: 30_000 });
    const copied = async (): Promise<string> => {
      await panel.locator('#copyPack').click();
      return editor.page.evaluate<string>('navigator.clipboard.readText()');
    };
    const map = await waitUntil('a map on the clipboard', async () => {
      const text = await copied();
      return text.includes('return action()') ? undefined : text;
    });
    assert.match(map, /def retry_with_backoff\(action, attempts=3\)/);
    await editor.screenshot('map');
    await panel.locator('#mode .option', { hasText: 'Code' }).click();
    await waitUntil('code on the clipboard', async () =>
      (await copied()).includes('return action()') ? true : undefined,
    );
  });

  it('finds text that was typed and saved in the editor', async () => {
    await editor.page.locator('.tab.active', { hasText: 'retry.py' }).click();
    await editor.page.keyboard.press('Control+End');
    await editor.page.keyboard.type('# circuitbreaker opens here');
    await editor.page.keyboard.press('Control+s');
    await panelFinds('circuitbreaker', /^retry\.py:/);
  });

  it('follows files that are created, renamed and deleted outside the editor', async () => {
    writeFileSync(path.join(folder, 'src/throttle.ts'), 'export function throttleRequests() {}\n');
    await panelFinds('throttleRequests', /^throttle\.ts:/);
    renameSync(path.join(folder, 'src/throttle.ts'), path.join(folder, 'src/limiter.ts'));
    await panelFinds('throttleRequests', /^limiter\.ts:/);
    rmSync(path.join(folder, 'src/limiter.ts'));
    await waitUntil('the deleted file is gone', async () => {
      await panel.locator('#query').fill('throttleRequests');
      await panel.locator('#ask').click();
      await new Promise((resolve) => setTimeout(resolve, 400));
      return (await results()).some((text) => text.includes('limiter.ts')) ? undefined : true;
    });
  });

  it('says what is wrong with an empty question', async () => {
    await panel.locator('#query').fill('   ');
    await panel.locator('#ask').click();
    assert.match((await panel.locator('#message').textContent()) ?? '', /Say in a few words/);
  });

  it('indexes on demand with a report', async () => {
    await editor.command('ContextKit: Index Workspace');
    await editor.page.locator('.notification-toast', { hasText: '6 files' }).waitFor({ timeout: 30_000 });
  });

  it('shows the status with what was skipped and why', async () => {
    await editor.command('ContextKit: Show Status');
    await editor.page.locator('.tab.active', { hasText: 'ContextKit Status' }).waitFor({ timeout: 30_000 });
    await editor.page.locator('.view-lines', { hasText: 'ignored/' }).first().waitFor({ timeout: 30_000 });
    await editor.page.locator('.view-lines', { hasText: 'Vectors: ready' }).first().waitFor({ timeout: 30_000 });
    await editor.screenshot('status');
  });
});
