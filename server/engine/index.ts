/** The engine's door: hosts import this module and nothing behind it. */
export type * from './types.ts';
export { openEngine } from './openEngine.ts';
