import assert from 'node:assert/strict';
import { isExcepted, proxyFor } from '../../../server/embedding/proxyFor.ts';

const https = 'https://hub.example/model';
const http = 'http://hub.example/model';

describe('The proxy for an address', () => {
  const table: [says: string, url: string, env: Record<string, string>, configured: string, proxy: string | null][] = [
    ['is none without settings', https, {}, '', null],
    ['is that of https', https, { HTTPS_PROXY: 'http://one:8080' }, '', 'http://one:8080/'],
    ['is that of http', http, { HTTPS_PROXY: 'http://one:8080', HTTP_PROXY: 'http://two:1' }, '', 'http://two:1/'],
    ['is not that of the other scheme', http, { HTTPS_PROXY: 'http://one:8080' }, '', null],
    [
      'is named in small letters first',
      https,
      { https_proxy: 'http://small', HTTPS_PROXY: 'http://big' },
      '',
      'http://small/',
    ],
    ['is the one for all', https, { ALL_PROXY: 'http://all:3128' }, '', 'http://all:3128/'],
    ['may lack its scheme', https, { HTTPS_PROXY: 'one.example:8080' }, '', 'http://one.example:8080/'],
    ['may be encrypted itself', https, { HTTPS_PROXY: 'https://one:8443' }, '', 'https://one:8443/'],
    ['is the one of the settings first', https, { HTTPS_PROXY: 'http://one' }, 'http://set:1', 'http://set:1/'],
    ['is none where NO_PROXY says so', https, { HTTPS_PROXY: 'http://one', NO_PROXY: 'hub.example' }, '', null],
    ['is none, also for that of the settings', https, { no_proxy: '.example' }, 'http://set:1', null],
    ['is none where it is empty', https, { HTTPS_PROXY: '' }, '', null],
  ];
  for (const [says, url, env, configured, proxy] of table) {
    it(says, () => assert.equal(proxyFor(new URL(url), env, configured)?.href ?? null, proxy));
  }

  for (const [address, message] of [
    ['socks5://one:1080', /proxies of the kind socks5: are not supported/],
    ['http://', /not a URL/],
  ] as const) {
    it(`is refused as ${address}`, () => {
      assert.throws(() => proxyFor(new URL(https), { HTTPS_PROXY: address }), { code: 'invalid_config', message });
    });
  }
});

describe('NO_PROXY', () => {
  const table: [noProxy: string, url: string, excepted: boolean][] = [
    ['*', https, true],
    ['', https, false],
    ['example', https, true],
    ['.example', https, true],
    ['*.example', https, true],
    ['b.example', https, false],
    ['other, hub.example', https, true],
    ['other hub.example', https, true],
    ['HUB.example', https, true],
    ['hub.example:443', https, true],
    ['hub.example:443', http, false],
    ['hub.example:8080', 'http://hub.example:8080/', true],
    ['10.0.0.0/8', 'http://10.1.2.3/', true],
    ['10.0.0.0/8', 'http://11.1.2.3/', false],
    ['10.0.0.0/99', 'http://10.1.2.3/', false],
    ['127.0.0.1', 'http://127.0.0.1:3000/', true],
    ['::1', 'http://[::1]:3000/', true],
    ['[::1]:3000', 'http://[::1]:3000/', true],
    ['[::1]:3001', 'http://[::1]:3000/', false],
    ['fd00::/8', 'http://[fd12::1]/', true],
    ['fd00::/8', 'http://10.0.0.1/', false],
  ];
  for (const [noProxy, url, excepted] of table) {
    it(`"${noProxy}" ${excepted ? 'excepts' : 'does not except'} ${url}`, () => {
      assert.equal(isExcepted(new URL(url), noProxy), excepted);
    });
  }
});
