import { createPauses, createTypingPauses, type Hold } from '../embedding/index.ts';
import { powerEveryMs, readPowerSource, type PowerOptions, type PowerSource } from '../system/powerSource.ts';

/** What embedding does on battery. */
export type OnBattery = 'pause' | 'slow' | 'continue';

export interface PolitenessOptions {
  onBattery: OnBattery;
  power?: PowerOptions | undefined;
  /** How often the source of power is asked for, in ms. */
  everyMs?: number | undefined;
  /** Whether anything waits to be embedded: otherwise nobody asks for the source of power. */
  isWanted: () => boolean;
  onHold: (hold: Hold | null) => void;
  log: (event: string, fields: Record<string, unknown>) => void;
}

/** Knows why embedding should hold back: the user, the battery, the keyboard, the memory. */
export interface Politeness {
  readonly hold: Hold | null;
  /** The user wants it to stop. */
  pause(): void;
  /** The user wants it to go on: also on battery, until the machine is next taken from the mains. */
  resume(): void;
  /** An editor got no processor for so many ms of a second in which somebody typed. */
  typing(starvedMs: number): void;
  memory(isShort: boolean): void;
  /** Follows the source of power from now on. */
  follow(): void;
  close(): void;
}

export function createPoliteness(options: PolitenessOptions): Politeness {
  const { onBattery, power, everyMs = powerEveryMs(power?.platform), isWanted, onHold, log } = options;
  const pauses = createPauses((hold) => {
    log('embedding held', { reason: hold?.reason ?? null, level: hold?.level ?? null });
    onHold(hold);
  });
  const pauseForTyping = createTypingPauses();
  let source: PowerSource | null = null;
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function look(): Promise<void> {
    const now = await readPowerSource(power);
    if (closed || now === source) return;
    log('source of power', { source: now });
    source = now;
    // Only when it changes: what the user has lifted stays lifted.
    pauses.set('battery', now === 'battery' && onBattery !== 'continue' ? onBattery : null);
  }

  function lookOnce(): void {
    looking ??= look()
      .catch((error: unknown) => log('source of power not known', { message: String(error) }))
      .finally(() => (looking = undefined));
  }

  return {
    get hold() {
      return pauses.hold;
    },
    pause: () => pauses.set('user', 'pause'),
    resume() {
      for (const reason of ['user', 'battery', 'typing'] as const) pauses.set(reason, null);
    },
    typing(starvedMs) {
      const forMs = pauseForTyping(starvedMs);
      if (forMs !== null) pauses.set('typing', 'pause', forMs);
    },
    memory: (isShort) => pauses.set('memory', isShort ? 'pause' : null),
    follow() {
      if (closed || onBattery === 'continue' || timer !== undefined) return;
      lookOnce();
      timer = setInterval(() => {
        if (isWanted() || pauses.hold !== null) lookOnce();
      }, everyMs).unref();
    },
    close() {
      closed = true;
      clearInterval(timer);
      pauses.close();
    },
  };
}
