import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigurationError, readMigration, readSelfHosted } from '../../../cloud/node/configuration.ts';

const plain = {
  DATABASE_URL: 'postgres://login:pass@db/contextkit',
  REDIS_URL: 'redis://redis:6379',
  S3_ENDPOINT: 'https://s3.example.com',
  S3_BUCKET: 'contextkit',
  S3_ACCESS_KEY_ID: 'id',
  S3_SECRET_ACCESS_KEY: 'secret',
  QDRANT_API_KEY: 'of-qdrant',
  OPENAI_API_KEY: 'of-openai',
  METRICS_TOKEN: '0123456789abcdef',
};
const secrets = [
  'DATABASE_URL',
  'REDIS_URL',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'QDRANT_API_KEY',
  'OPENAI_API_KEY',
  'METRICS_TOKEN',
] as const;

describe('The environment of the platform', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'contextkit-secrets-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function fileOf(name: string, text: string): string {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  }
  function without(...names: string[]): Record<string, string> {
    return Object.fromEntries(Object.entries(plain).filter(([name]) => !names.includes(name)));
  }
  function faultsOf(work: () => unknown): string[] {
    try {
      work();
    } catch (error) {
      assert.ok(error instanceof ConfigurationError, String(error));
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim());
    }
    return [];
  }

  it('takes every secret from a file, without the line break at its end', () => {
    const files = secrets.map((name, index) => {
      const end = ['\n', '\r\n', ''][index % 3]!;
      return [`${name}_FILE`, fileOf(name, `${plain[name]}${end}`)] as const;
    });
    const configuration = readSelfHosted({ ...without(...secrets), ...Object.fromEntries(files) });
    for (const name of secrets) assert.equal(configuration[name], plain[name]);
    const migration = readMigration({
      DATABASE_URL: plain.DATABASE_URL,
      MIGRATION_DATABASE_URL_FILE: fileOf('owner', 'postgres://owner@db/contextkit\n'),
    });
    assert.equal(migration.MIGRATION_DATABASE_URL, 'postgres://owner@db/contextkit');
  });

  it('cuts off one line break, and nothing else: a secret may end with a blank', () => {
    const file = fileOf('blank', 'secret \n\n');
    const { S3_SECRET_ACCESS_KEY: found } = readSelfHosted({
      ...without('S3_SECRET_ACCESS_KEY'),
      S3_SECRET_ACCESS_KEY_FILE: file,
    });
    assert.equal(found, 'secret \n');
  });

  it('names every file that is missing, empty or beside a value, and repeats no secret', () => {
    const faults = faultsOf(() =>
      readSelfHosted({
        ...without('DATABASE_URL', 'OPENAI_API_KEY', 'METRICS_TOKEN', 'S3_ACCESS_KEY_ID'),
        DATABASE_URL_FILE: path.join(folder, 'nowhere'),
        OPENAI_API_KEY_FILE: fileOf('empty', '\n'),
        S3_ACCESS_KEY_ID_FILE: folder,
        METRICS_TOKEN_FILE: fileOf('short', 'too-short'),
        QDRANT_API_KEY_FILE: fileOf('twice', 'other'),
      }),
    );
    assert.deepEqual(faults.sort(), [
      'DATABASE_URL_FILE names a file that cannot be read (ENOENT)',
      'METRICS_TOKEN, as its file has it, must have 16 characters or more',
      'OPENAI_API_KEY_FILE names a file that is empty',
      'QDRANT_API_KEY and QDRANT_API_KEY_FILE are both set: only one of them may be',
      'S3_ACCESS_KEY_ID_FILE names a file that cannot be read (EISDIR)',
    ]);
  });

  it('does not look at the secrets of another command', () => {
    const env = { ...plain, MIGRATION_DATABASE_URL_FILE: path.join(folder, 'nowhere') };
    assert.deepEqual(
      faultsOf(() => readSelfHosted(env)),
      [],
    );
    assert.equal(faultsOf(() => readMigration(env)).length, 1);
  });

  it('takes an empty variable for one that was not set', () => {
    assert.equal(readSelfHosted({ ...plain, QDRANT_API_KEY: '', QDRANT_API_KEY_FILE: '' }).QDRANT_API_KEY, undefined);
  });
});
