import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { asBase64, vectorFor } from './syntheticVectors.ts';

export interface EmbeddingServer {
  /** With `/v1`. */
  baseUrl: string;
  /** Texts that were embedded. */
  texts: number;
  close(): void;
}

/** `POST /v1/embeddings` as OpenAI has it, without a model behind it. */
export async function startEmbeddings(): Promise<EmbeddingServer> {
  const listener = http.createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { input, model } = JSON.parse(Buffer.concat(pieces).toString()) as { input: string[]; model: string };
      server.texts += input.length;
      const data = input.map((text, index) => ({
        object: 'embedding',
        index,
        embedding: asBase64(vectorFor(text)),
      }));
      const usage = { prompt_tokens: input.length, total_tokens: input.length };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ object: 'list', data, model, usage }));
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const server: EmbeddingServer = {
    baseUrl: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/v1`,
    texts: 0,
    close: () => {
      listener.close();
      listener.closeAllConnections();
    },
  };
  return server;
}
