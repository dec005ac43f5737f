import type { EmbeddingHold } from './lsp.ts';

const reasons: Record<EmbeddingHold['reason'], string> = {
  user: 'by you',
  battery: 'on battery',
  typing: 'while typing is slow',
  memory: 'too little memory is free',
};

/** e.g. `paused: on battery` */
export function holdText({ reason, level }: EmbeddingHold): string {
  return `${level === 'pause' ? 'paused' : 'slowed down'}: ${reasons[reason]}`;
}
