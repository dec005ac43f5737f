import { isAppError } from '../../core/errors.ts';
import type { Settings } from '../../protocol/index.ts';
import { openEmbeddings, type Embeddings } from '../engine/index.ts';
import type { HostModel } from './hostModel.ts';

/** The embeddings of this host; undefined when they are switched off, or the settings of the model are at fault. */
export async function openHostEmbeddings(
  settings: Settings,
  model: HostModel,
  log: (event: string, fields: Record<string, unknown>) => void,
): Promise<Embeddings | undefined> {
  if (settings.embeddings === 'off') return undefined;
  try {
    return openEmbeddings({
      ...(await model.settings()),
      processes: settings.embeddingProcesses,
      cpuPercent: settings.embeddingCpuPercent,
      onBattery: settings.embeddingOnBattery,
      memoryMb: settings.embeddingMemoryMb,
      cacheMb: settings.embeddingCacheMb,
      log,
    });
  } catch (error) {
    if (!isAppError(error)) throw error;
    // The status of the model says so as well; search by words goes on.
    log('embeddings not opened', { message: error.message });
    return undefined;
  }
}
