import { BlockList, isIP } from 'node:net';
import { AppError } from '../../core/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Both spellings are in use; the small one wins, as in curl. */
function variable(env: Environment, name: string): string {
  return env[name.toLowerCase()] || env[name.toUpperCase()] || '';
}

const portOf = (url: URL): string => (url.port !== '' ? url.port : url.protocol === 'https:' ? '443' : '80');

/** `10.0.0.0/8` and its like. */
function isInSubnet(host: string, subnet: string): boolean {
  const [base = '', bits = ''] = subnet.split('/');
  const family = isIP(base);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(base, Number(bits), type);
  return list.check(host, type);
}

/** One entry of NO_PROXY: a host with everything below it, an address, a subnet, each with or without a port. */
function excepts(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInSubnet(host, entry);
  const [, bracketed, bracketedPort] = /^\[(.+)\](?::(\d+))?$/.exec(entry) ?? [];
  if (bracketed !== undefined) return bracketed === host && (bracketedPort ?? port) === port;
  if (isIP(entry) === 6) return entry === host;
  const [, name = '', only = port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  const domain = name.replace(/^\*?\./, '');
  return domain !== '' && only === port && (host === domain || host.endsWith(`.${domain}`));
}

/** Does NO_PROXY say that this address is reached without a proxy? Entries are separated by commas or white space. */
export function isExcepted(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const entries = noProxy.toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => entry !== '' && excepts(entry, host, portOf(url)));
}

/** The address of a proxy for people: without its password. */
export function shownProxy(proxy: URL): string {
  return `${proxy.protocol}//${proxy.host}`;
}

function parseProxy(text: string): URL {
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(address) ? new URL(address) : null;
  if (proxy !== null && /^https?:$/.test(proxy.protocol) && proxy.hostname !== '') return proxy;
  throw new AppError(
    'invalid_config',
    proxy === null
      ? 'the address of the proxy is not a URL'
      : `proxies of the kind ${proxy.protocol} are not supported`,
    { hint: 'Write it like http://proxy.example:8080, in HTTPS_PROXY or in the settings.' },
  );
}

/**
 * The proxy through which an address is reached, null for none. A proxy of the settings stands above HTTPS_PROXY,
 * HTTP_PROXY and ALL_PROXY; NO_PROXY holds for all of them.
 */
export function proxyFor(url: URL, env: Environment, configured = ''): URL | null {
  const named =
    configured || variable(env, url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') || variable(env, 'ALL_PROXY');
  if (named === '' || isExcepted(url, variable(env, 'NO_PROXY'))) return null;
  return parseProxy(named);
}
