import type { VectorStatus } from '../../server/engine/index.ts';
import { holdText } from '../../protocol/index.ts';
import { counted, printable } from './terminal.ts';

const words: Record<VectorStatus['state'], string> = {
  off: 'switched off',
  starting: 'not looked for yet',
  no_model: 'no model',
  embedding: 'being made',
  paused: 'paused',
  ready: 'ready',
  stopped: 'stopped',
  failed: 'failed',
};

/** What the status says of search by meaning. */
export function vectorLines(status: VectorStatus): string[] {
  const { state, model, reason, nextStep, embedded, chunks, failed, hold } = status;
  if (state === 'off') return ['Vectors    switched off; search is by words'];
  const share = chunks === 0 ? '' : `: ${embedded.toLocaleString('en-US')} of ${counted(chunks, 'chunk')}`;
  const isPartial = state === 'starting' && model !== null;
  return [
    `Vectors    ${model === null ? '' : `${printable(model)}, `}${isPartial ? 'embedded' : words[state]}${share}${failed > 0 ? `, ${counted(failed, 'chunk')} failed` : ''}`,
    ...(hold === null ? [] : [`           ${holdText(hold)}`]),
    ...(reason === null ? [] : [`           ${printable(reason)}`]),
    ...(nextStep === null ? [] : [`           ${nextStep} Search by words works without it.`]),
  ];
}
