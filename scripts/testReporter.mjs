import { writeFileSync } from 'node:fs';
import path from 'node:path';

const slowMs = 2000;
const print = (line) => process.stdout.write(`${line}\n`);

/** What went wrong, with the difference that assert found; frames of the test runner left out. */
function describeError(error) {
  const text = error?.stack ?? error?.message ?? String(error);
  return text
    .split('\n')
    .filter((line) => !/node_modules\/mocha|\(node:internal/.test(line))
    .map((line) => `    ${line}`)
    .join('\n');
}

function printFile({ name, passed, failed, ms, slow }) {
  const mark = failed > 0 ? '✗' : '✓';
  const failures = failed > 0 ? `, ${failed} failed` : '';
  print(`${mark} ${name}  ${passed} passed${failures}  ${Math.round(ms)} ms`);
  for (const line of slow) print(`    slow: ${line}`);
}

/**
 * One line a test file, then every failure in full. The counts go to the file named by CONTEXTKIT_TEST_COUNTS
 * as they grow: scripts/test.mjs prints the last line from it even if this process dies.
 */
export default class TestReporter {
  #counts = { passed: 0, failed: 0 };
  #failures = [];
  #file;

  constructor(runner) {
    runner.on('pass', (test) => this.#pass(test));
    runner.on('fail', (test, error) => this.#fail(test, error));
    runner.once('end', () => this.#end());
  }

  #pass(test) {
    const file = this.#open(test);
    const ms = test.duration ?? 0;
    this.#counts.passed += 1;
    file.passed += 1;
    file.ms += ms;
    if (ms > slowMs) file.slow.push(`${test.title} (${Math.round(ms)} ms)`);
  }

  #fail(test, error) {
    this.#open(test).failed += 1;
    this.#counts.failed += 1;
    this.#failures.push({ title: test.fullTitle(), error });
    // At once as well: a run that hangs later has said what it knew.
    print(`failed: ${test.fullTitle()}`);
  }

  #open(test) {
    const name = test.file === undefined ? '(no file)' : path.relative(process.cwd(), test.file);
    if (this.#file?.name !== name) {
      this.#flush();
      this.#file = { name, passed: 0, failed: 0, ms: 0, slow: [] };
    }
    return this.#file;
  }

  #flush() {
    if (this.#file !== undefined) printFile(this.#file);
    const target = process.env['CONTEXTKIT_TEST_COUNTS'];
    if (target !== undefined) writeFileSync(target, JSON.stringify(this.#counts));
  }

  #end() {
    this.#flush();
    for (const { title, error } of this.#failures) print(`\n✗ ${title}\n${describeError(error)}`);
  }
}
