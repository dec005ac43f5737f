export interface SizedCacheOptions {
  /** What is kept is at most so large, as of the last time that something was put in; what was used longest ago goes first. */
  maxBytes: number | (() => number);
  /** Values that are older are gone; they stay for as long as there is room by default. */
  maxAgeMs?: number;
  /** Milliseconds, never going back. */
  now?: () => number;
}

interface Entry<Value> {
  value: Value;
  bytes: number;
  group: string;
  madeAt: number;
}

/** Values by key, bounded by bytes and age. Each belongs to a group, which can be dropped as a whole. */
export class SizedCache<Value> {
  readonly #maxBytes: () => number;
  readonly #maxAgeMs: number;
  readonly #now: () => number;
  /** Those used last at the end. */
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #groups = new Map<string, Set<string>>();
  #bytes = 0;

  constructor({ maxBytes, maxAgeMs = Infinity, now = () => performance.now() }: SizedCacheOptions) {
    this.#maxBytes = typeof maxBytes === 'number' ? () => maxBytes : maxBytes;
    this.#maxAgeMs = maxAgeMs;
    this.#now = now;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (this.#now() - entry.madeAt > this.#maxAgeMs) {
      this.#forget(key, entry);
      return undefined;
    }
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** What is larger than the whole cache is not kept. */
  set(key: string, value: Value, bytes: number, group = ''): void {
    this.delete(key);
    const maxBytes = this.#maxBytes();
    if (bytes > maxBytes) return;
    this.#entries.set(key, { value, bytes, group, madeAt: this.#now() });
    this.#bytes += bytes;
    const keys = this.#groups.get(group);
    if (keys === undefined) this.#groups.set(group, new Set([key]));
    else keys.add(key);
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#forget(key, entry);
  }

  dropGroup(group: string): void {
    for (const key of [...(this.#groups.get(group) ?? [])]) this.delete(key);
  }

  #forget(key: string, { bytes, group }: Entry<Value>): void {
    this.#bytes -= bytes;
    const keys = this.#groups.get(group);
    keys?.delete(key);
    if (keys?.size === 0) this.#groups.delete(group);
  }
}
