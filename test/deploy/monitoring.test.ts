import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { promMetrics } from '../../cloud/adapters/promMetrics/promMetrics.ts';

const folder = path.resolve(import.meta.dirname, '../../deploy');
const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}
const { groups } = parse(read('prometheus/contextkit.rules.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

interface Board {
  panels: { id: number; title: string; targets: { expr: string; legendFormat: string }[] }[];
}
const board = JSON.parse(read('grafana/contextkit.json')) as Board;

/** What the platform exports once everything has happened: names of measures, and the labels of each. */
async function exported(): Promise<Map<string, Set<string>>> {
  const metrics = promMetrics({ databaseLoad: () => ({ active: 1, waiting: 0, max: 2 }) });
  metrics.request('GET /v1/me', 200, 0.01, 'org');
  metrics.queryTokens('org', 1);
  metrics.indexOperation('org');
  metrics.storage('org', 1);
  metrics.limited('rate');
  metrics.jobEnded('failed');
  metrics.jobQueue({ waiting: 1, running: 1, later: 1, oldestSeconds: 1 });
  metrics.dependency('database', true);
  metrics.ready(true);
  const { text } = await metrics.expose();
  const found = new Map<string, Set<string>>([['up', new Set(['job', 'instance'])]]);
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
    // Prometheus itself adds whom it asked.
    const known = found.get(name) ?? new Set(['job', 'instance']);
    for (const [, label = ''] of labels.matchAll(/([a-z_]+)="/g)) known.add(label);
    found.set(name, known);
  }
  return found;
}

interface Question {
  names: string[];
  labels: string[];
  isWhole: boolean;
}

/** By the grammar of Prometheus's own editor. */
function parseQuestion(expr: string): Question {
  const names: string[] = [];
  const labels: string[] = [];
  let isWhole = true;
  parser.parse(expr).iterate({
    enter: (node) => {
      const text = expr.slice(node.from, node.to);
      if (node.type.isError) isWhole = false;
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector') names.push(text);
      if (node.name === 'LabelName') labels.push(text);
    },
  });
  return { names, labels, isWhole };
}

/** Faults of an expression, in words. */
function faultsOf(expr: string, known: Map<string, Set<string>>): string[] {
  const { names, labels, isWhole } = parseQuestion(expr);
  const allowed = new Set(names.flatMap((name) => [...(known.get(name) ?? [])]));
  return [
    ...(isWhole ? [] : ['cannot be parsed']),
    ...(names.length > 0 ? [] : ['asks for no measure']),
    ...names.filter((name) => !known.has(name)).map((name) => `there is no measure ${name}`),
    ...labels.filter((label) => !allowed.has(label)).map((label) => `there is no label ${label}`),
  ];
}

/** On the PATH of few; Debian's package prometheus has it. */
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

describe('The monitoring', () => {
  let known: Map<string, Set<string>>;
  before(async () => {
    known = await exported();
  });

  it('is held against what there is: a wrong name, label or parenthesis is a fault', () => {
    assert.deepEqual(faultsOf('rate(api_requests_total{status="429"}[5m])', known), []);
    assert.deepEqual(faultsOf('sum(api_request_total)', known), ['there is no measure api_request_total']);
    assert.deepEqual(faultsOf('sum by (code) (api_requests_total)', known), ['there is no label code']);
    assert.deepEqual(faultsOf('api_requests_total{path="/"}', known), ['there is no label path']);
    assert.ok(faultsOf('sum(rate(api_requests_total[5m])', known).includes('cannot be parsed'));
  });

  it('has rules that ask for what the platform exports', () => {
    const faults = rules.flatMap(({ alert, expr }) => faultsOf(expr, known).map((fault) => `${alert}: ${fault}`));
    assert.deepEqual(faults, []);
  });

  it('has a board that asks for what the platform exports', () => {
    const questions = board.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));
    assert.ok(questions.length >= board.panels.length);
    assert.deepEqual(
      questions.flatMap(({ title, expr }) => faultsOf(expr, known).map((fault) => `${title}: ${fault}`)),
      [],
    );
    assert.equal(new Set(board.panels.map(({ id }) => id)).size, board.panels.length);
  });

  it('leaves out no measure that the platform exports', () => {
    const asked = new Set(
      [...rules, ...board.panels.flatMap(({ targets }) => targets)].flatMap(({ expr }) => parseQuestion(expr).names),
    );
    const unasked = [...known.keys()].filter((name) => !asked.has(name) && !/_(sum|count)$/.test(name));
    assert.deepEqual(unasked, []);
  });

  it('says with each alert how bad it is and what to do', () => {
    assert.ok(rules.length > 0);
    for (const { alert, labels, annotations } of rules) {
      assert.match(labels.severity, /^(critical|warning)$/, alert);
      assert.ok(annotations.summary.length > 10 && annotations.runbook.length > 40, alert);
    }
  });

  if (hasPromtool) {
    it('passes the tests of the rules (promtool)', function () {
      this.timeout(30_000);
      const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'contextkit.test.yml'], {
        cwd: path.join(folder, 'prometheus'),
        encoding: 'utf8',
      });
      assert.equal(status, 0, `${stdout}${stderr}`);
    });
  } else console.log('not run: the tests of the alert rules (need promtool: Debian’s package prometheus)');
});
