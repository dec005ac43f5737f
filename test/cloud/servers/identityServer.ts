import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface IdentityServer {
  url: string;
  /** By their token. */
  accounts: Map<string, { id: number; emails: object[] }>;
  close(): void;
}

/** GitHub as far as a sign-in sees it. */
export function startIdentityServer(): Promise<IdentityServer> {
  const accounts: IdentityServer['accounts'] = new Map();
  const server = createServer((request, response) => {
    const account = accounts.get((request.headers.authorization ?? '').replace('Bearer ', ''));
    const body = request.url === '/user' ? { id: account?.id, name: 'A person', avatar_url: '' } : account?.emails;
    response.writeHead(account === undefined ? 401 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? { message: 'Bad credentials' }));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        accounts,
        close: () => server.close(),
      });
    });
  });
}
