import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { serve as listen, type HttpBindings } from '@hono/node-server';
import { createApp } from '../http/app.ts';
import type { Log } from '../ports/log.ts';
import type { EmbeddedConfiguration } from './configuration.ts';
import { startJobRunner } from './jobRunner.ts';
import { nodeBytes } from './nodeBytes.ts';
import type { Stack } from './stack.ts';

export interface ServeOptions {
  stack: Stack;
  configuration: EmbeddedConfiguration;
  version: string;
  log: Log;
}

export interface RunningServer {
  /** `http://127.0.0.1:4680` */
  address: string;
  /** Takes no new connections, waits for the requests that run, then closes the stack. */
  drain(): Promise<void>;
}

/** A client that sends its headers or its body more slowly is dropped. */
const headersTimeoutMs = 15_000;
const requestTimeoutMs = 120_000;
/** Longer than load balancers keep a connection that is idle (a minute, mostly): else they send into a closed one. */
const keepAliveTimeoutMs = 75_000;

/**
 * A name or an address, and a port. Addresses are put together with it: a `#` in it would cut off the path, and another
 * route would answer than the one that was asked.
 */
const isHost = (host: string): boolean => /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i.test(host);

function addressOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function started(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
}

/** Resolves when the last request has its reply, or the time is up: then those that are left are cut off. */
async function stop(server: Server, seconds: number, log: Log): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  const timer = setTimeout(() => {
    log('warn', 'server.cut_off', { after_seconds: seconds });
    server.closeAllConnections();
  }, seconds * 1000);
  await closed;
  clearTimeout(timer);
  clearInterval(idle);
}

/** Answers requests until it is drained. */
export async function startServer({ stack, configuration, version, log }: ServeOptions): Promise<RunningServer> {
  const { HOST: host, PORT: port, CONTEXTKIT_ENVIRONMENT: environment, DRAIN_SECONDS: seconds } = configuration;
  let isDraining = false;
  const garbageAfterMs = configuration.GARBAGE_MINUTES * 60_000;
  const runner = await startJobRunner({
    parts: { ...stack, log, garbageAfterMs },
    workers: configuration.INDEX_WORKERS,
    isAlone: stack.isAlone,
  });
  const app = createApp({
    ...stack,
    bytes: nodeBytes,
    version,
    environment,
    log,
    isDraining: () => isDraining,
    maxBodyBytes: configuration.MAX_BODY_MB * 1024 * 1024,
    maxIndexBodyBytes: configuration.MAX_INDEX_BODY_MB * 1024 * 1024,
    garbageAfterMs,
    wakeWorkers: runner.wake,
    metricsToken: configuration.METRICS_TOKEN,
  });
  const server = listen({
    fetch: (request, env) =>
      isHost((env as HttpBindings).incoming.headers.host ?? '')
        ? app.fetch(request, env)
        : new Response(null, { status: 400 }),
    hostname: host,
    port,
    serverOptions: {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: 5_000,
    },
  }) as Server;
  try {
    await started(server);
  } catch (error) {
    await runner.drain();
    throw error;
  }
  const address = addressOf(server, host);
  log('info', 'server.start', { address, version });
  return {
    address,
    drain: async () => {
      isDraining = true;
      log('info', 'server.drain');
      await Promise.all([stop(server, seconds, log), runner.drain()]);
      await stack.close();
      log('info', 'server.end');
    },
  };
}
