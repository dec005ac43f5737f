import net from 'node:net';

/** What becomes of connections. */
export type NetworkState =
  | 'fine'
  /** Connections are refused, those that were there are cut. */
  | 'down'
  /** Connections are made, and nothing comes back. */
  | 'silent'
  /** Whatever is asked, the answer is bytes of no protocol. */
  | 'garbage';

/** A port that leads to a server, over a line with faults. */
export interface FaultyNetwork {
  port: number;
  set(state: NetworkState): Promise<void>;
  /** Cuts what is connected; whoever connects anew gets through. */
  cut(): void;
  /** Each piece of an answer comes so much later. */
  delay(ms: number): void;
  close(): Promise<void>;
}

const garbage = Buffer.from('\u0000\u0001?? 200 perhaps\n<html>no</html>\r\n\r\n');

export async function startFaultyNetwork(targetPort: number): Promise<FaultyNetwork> {
  let state: NetworkState = 'fine';
  let delayMs = 0;
  const sockets = new Set<net.Socket>();

  function keep(socket: net.Socket): void {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // The other end goes too: see below.
    socket.on('error', () => socket.destroy());
  }

  function cutAll(): void {
    for (const socket of sockets) socket.destroy();
  }

  const server = net.createServer((client) => {
    keep(client);
    if (state === 'garbage') client.on('data', () => client.write(garbage));
    if (state === 'silent') client.resume();
    if (state !== 'fine') return;
    const target = net.connect(targetPort, '127.0.0.1');
    keep(target);
    client.on('data', (bytes) => {
      if (state === 'garbage') client.write(garbage);
      if (state === 'fine') target.write(bytes);
    });
    target.on('data', (bytes) => {
      const pass = (): void => {
        if (state === 'fine' && !client.destroyed) client.write(bytes);
      };
      if (delayMs > 0) setTimeout(pass, delayMs);
      else pass();
    });
    client.once('close', () => target.destroy());
    target.once('close', () => setTimeout(() => client.destroy(), delayMs));
  });

  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      if (!server.listening) return resolve();
      server.close(() => resolve());
      cutAll();
    });

  await listen(0);
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    async set(next) {
      // What was connected while nothing came back would go on so.
      if (state !== 'fine') cutAll();
      state = next;
      if (next === 'down') await stop();
      else if (!server.listening) await listen(port);
    },
    cut: cutAll,
    delay: (ms) => void (delayMs = ms),
    close: stop,
  };
}

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
