import type { SelectMetadata } from '../../server/engine/index.ts';
import { counted } from './terminal.ts';

/** What a pack holds and what it leaves out. */
export function packLines({
  tokensUsed,
  budget,
  filesIncluded,
  leftOut,
  refreshed,
  held,
  packId,
}: SelectMetadata): string[] {
  const more = leftOut > 0 ? `, ${counted(leftOut, 'more match', 'more matches')} left out` : '';
  const had = held > 0 ? `, ${counted(held, 'range')} had already` : '';
  return [
    `${counted(filesIncluded, 'file')}, ${tokensUsed.toLocaleString('en-US')} of ${budget.toLocaleString('en-US')} tokens${more}${had}; pack ${packId}`,
    ...(refreshed.length > 0
      ? [`Changed since they were indexed and taken as they are now: ${refreshed.join(', ')}`]
      : []),
  ];
}
