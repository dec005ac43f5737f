/** What pure code needs to be stoppable; an `AbortSignal` fits. */
export interface Cancel {
  throwIfAborted(): void;
}

export const neverCancel: Cancel = { throwIfAborted: () => undefined };
