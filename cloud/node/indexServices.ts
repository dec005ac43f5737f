import path from 'node:path';
import { diskBlobStore } from '../adapters/diskBlobStore/diskBlobStore.ts';
import { nodeAnalyzer } from '../adapters/nodeAnalyzer/nodeAnalyzer.ts';
import { openAiEmbedder } from '../adapters/openAiEmbedder/openAiEmbedder.ts';
import { pgvectorStore } from '../adapters/pgvectorStore/pgvectorStore.ts';
import { qdrantVectorStore } from '../adapters/qdrantVectorStore/qdrantVectorStore.ts';
import { s3BlobStore } from '../adapters/s3BlobStore/s3BlobStore.ts';
import type { BlobStore } from '../ports/blobStore.ts';
import type { Database } from '../ports/database.ts';
import type { Embedder } from '../ports/embedder.ts';
import type { Log } from '../ports/log.ts';
import type { SourceAnalyzer } from '../ports/sourceAnalyzer.ts';
import type { VectorStore } from '../ports/vectorStore.ts';
import type { EmbeddedConfiguration, SelfHostedConfiguration } from './configuration.ts';

export interface AnalyzerOptions {
  /** Where the programs of the threads lie; grammars lie in the folder above. */
  programFolder: string;
  configuration: EmbeddedConfiguration;
  log: Log;
}

export const openAnalyzer = ({ programFolder, configuration, log }: AnalyzerOptions): SourceAnalyzer =>
  nodeAnalyzer({
    workerFile: path.join(programFolder, 'analyzeWorker.cjs'),
    assetsFolder: path.dirname(programFolder),
    threads: configuration.ANALYZER_THREADS,
    log,
  });

/** Undefined where nobody has named a key for one. */
export function openEmbedder(configuration: EmbeddedConfiguration): Embedder | undefined {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl, EMBEDDING_MODEL: model } = configuration;
  return apiKey === undefined ? undefined : openAiEmbedder({ baseUrl, apiKey, model });
}

/** What the configuration names of the two. */
export function openBlobs(configuration: SelfHostedConfiguration): BlobStore {
  const { BLOB_FOLDER: folder } = configuration;
  if (folder !== undefined) return diskBlobStore({ root: path.resolve(folder) });
  return s3BlobStore({
    endpoint: configuration.S3_ENDPOINT!,
    region: configuration.S3_REGION,
    bucket: configuration.S3_BUCKET!,
    accessKeyId: configuration.S3_ACCESS_KEY_ID!,
    secretAccessKey: configuration.S3_SECRET_ACCESS_KEY!,
  });
}

export function openVectors(configuration: SelfHostedConfiguration, database: Database): VectorStore {
  const { QDRANT_URL: url, QDRANT_API_KEY: apiKey } = configuration;
  return url === undefined
    ? pgvectorStore({ database })
    : qdrantVectorStore({ url, ...(apiKey === undefined ? {} : { apiKey }) });
}
