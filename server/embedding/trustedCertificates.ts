import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { AppError } from '../../core/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Of newer Nodes than the oldest that we run on. */
type CertificateSource = (kind: 'default' | 'system') => string[];

/** The certificates in a PEM file. */
function readCertificates(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new AppError('invalid_config', `the certificate file ${file} cannot be read (${codeOf(error)})`, {
      hint: 'Give a file in PEM form.',
      cause: error,
    });
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (found !== null) return found;
  throw new AppError('invalid_config', `there is no certificate in ${file}`, { hint: 'Give a file in PEM form.' });
}

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code);

/** What Node trusts by itself: its own list, and NODE_EXTRA_CA_CERTS, which a list of our own would push aside. */
function defaults(source: CertificateSource | undefined, env: Environment): string[] {
  if (source !== undefined) return source('default');
  const extra = env['NODE_EXTRA_CA_CERTS'] ?? '';
  return [...tls.rootCertificates, ...(extra === '' ? [] : readCertificates(extra))];
}

/**
 * Certificates by which a server is judged: Node's own, those of the system where Node can read them (it can from 22.15
 * on; companies that look into traffic put theirs there), and those of a file that is named. Undefined where Node's own
 * are all there is.
 */
export function trustedCertificates(caFile: string, env: Environment): string[] | undefined {
  const source = (tls as { getCACertificates?: CertificateSource }).getCACertificates;
  if (caFile === '' && source === undefined) return undefined;
  return [
    ...defaults(source, env),
    ...(source === undefined ? [] : source('system')),
    ...(caFile === '' ? [] : readCertificates(caFile)),
  ];
}
