/**
 * What has been found out about files, for as long as it is likely to be asked for again: whoever works through all
 * files asks mostly about the one at hand and its neighbours. When there are too many, the older half is forgotten.
 */
export class RecentFiles<Key, Value> {
  readonly #most: number;
  readonly #make: (key: Key) => Value;
  readonly #values = new Map<Key, Value>();

  constructor(most: number, make: (key: Key) => Value) {
    this.#most = most;
    this.#make = make;
  }

  of(key: Key): Value {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = this.#make(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#most) this.#dropOlder();
    return value;
  }

  clear(): void {
    this.#values.clear();
  }

  #dropOlder(): void {
    let drop = this.#values.size >>> 1;
    for (const key of this.#values.keys()) {
      if (drop-- === 0) break;
      this.#values.delete(key);
    }
  }
}
