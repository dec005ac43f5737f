import assert from 'node:assert/strict';
import path from 'node:path';
import { createConfig, lint } from '@redocly/openapi-core';

const document = path.resolve(import.meta.dirname, '../../api/openapi.yaml');

describe('The API document', () => {
  it('has no fault by the rules that its linter recommends, and a description of every parameter', async () => {
    // Recommended rules are faults here, not warnings; none is turned off.
    const config = await createConfig({
      extends: ['recommended-strict'],
      rules: { 'parameter-description': 'error' },
    });
    const problems = await lint({ ref: document, config });
    const faults = problems.map(
      ({ ruleId, message, location }) => `${location[0]?.pointer ?? ''}: ${ruleId}: ${message}`,
    );
    assert.deepEqual(faults, []);
  });

  it('is looked at by the linter', async () => {
    const config = await createConfig({ extends: ['recommended-strict'] });
    const problems = await lint({ ref: path.join(import.meta.dirname, '../fixtures/api/faulty.yaml'), config });
    const rules = new Set(problems.map(({ ruleId }) => ruleId));
    for (const rule of [
      'operation-4xx-response',
      'security-defined',
      'no-unused-components',
      'operation-operationId',
    ]) {
      assert.ok(rules.has(rule), rule);
    }
  });
});
