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

/** While another model answers: how far the change is, or why it does not go on. */
function changeLine({ state, model, embedded, chunks, failed }: VectorStatus): string {
  const done = chunks === 0 ? 0 : Math.floor((100 * (embedded + failed)) / chunks);
  const how = { embedding: '', starting: '', no_model: ', no model' } as Partial<Record<VectorStatus['state'], string>>;
  const share = state === 'no_model' ? '' : `: ${done} % of ${counted(chunks, 'chunk')} embedded`;
  return `Vectors    changing to ${printable(model ?? 'another model')}${how[state] ?? `, ${words[state]}`}${share}${failed > 0 ? `, ${counted(failed, 'chunk')} failed` : ''}`;
}

/** What the status says of search by meaning. */
export function vectorLines(status: VectorStatus): string[] {
  const { state, model, answering, reason, nextStep, embedded, chunks, failed, hold } = status;
  if (state === 'off') return ['Vectors    switched off; search is by words'];
  if (answering !== null)
    return [
      changeLine(status),
      `           ${printable(answering)} goes on answering meanwhile`,
      ...(hold === null ? [] : [`           ${holdText(hold)}`]),
      ...(reason === null ? [] : [`           ${printable(reason)}`]),
      ...(nextStep === null ? [] : [`           ${nextStep}`]),
    ];
  const share = chunks === 0 ? '' : `: ${embedded.toLocaleString('en-US')} of ${counted(chunks, 'chunk')}`;
  const isPartial = state === 'starting' && model !== null;
  return [
    `Vectors    ${model === null ? '' : `${printable(model)}, `}${isPartial ? 'embedded' : words[state]}${share}${failed > 0 ? `, ${counted(failed, 'chunk')} failed` : ''}`,
    ...(hold === null ? [] : [`           ${holdText(hold)}`]),
    ...(reason === null ? [] : [`           ${printable(reason)}`]),
    ...(nextStep === null ? [] : [`           ${nextStep} Search by words works without it.`]),
  ];
}
