import { AppError } from '../../core/errors.ts';
import type { ModelSpec } from './types.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const standardHub = 'https://huggingface.co';

/**
 * The hub that models are fetched from: CONTEXTKIT_MODEL_URL, else the setting, else HF_ENDPOINT (which the hub's own
 * programs read), else huggingface.co.
 */
export function hubAddress(env: Environment, setting = ''): URL {
  const named = env['CONTEXTKIT_MODEL_URL'] || setting || env['HF_ENDPOINT'] || standardHub;
  if (URL.canParse(named)) {
    const url = new URL(named);
    if (/^https?:$/.test(url.protocol) && url.search === '' && url.hash === '') return url;
  }
  throw new AppError('invalid_config', `the address of the model hub is not an http(s) URL: ${named}`, {
    hint: 'Write it like https://hub.example.',
  });
}

const encoded = (file: string): string => file.split('/').map(encodeURIComponent).join('/');

/** Where a file of a model lies on the hub: `<hub>/<owner>/<name>/resolve/<revision>/<file>`. */
export function fileAddress(hub: URL, { repository, revision }: NonNullable<ModelSpec['source']>, file: string): URL {
  const base = hub.href.replace(/\/+$/, '');
  return new URL(`${base}/${encoded(repository)}/resolve/${encodeURIComponent(revision)}/${encoded(file)}`);
}

/** Unencrypted, anybody on the way may give another file; only a known digest would tell. */
export function isSafeWithoutDigest({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
