/** What ids are of. A project stands in requests by its id or its slug, `projectId` by its id alone. */
export const thingKinds = ['project', 'projectId', 'key', 'member', 'invitation', 'job', 'snapshot'] as const;
export type ThingKind = (typeof thingKinds)[number];

export type KnownKind =
  | ThingKind
  | 'cursor'
  | 'session'
  | 'organization'
  | 'name'
  | 'email'
  | 'word'
  | 'path'
  | 'hash'
  | 'entry'
  | 'content'
  | 'source';

/** Stands in a request for something that the organization has when the request is sent. */
export class Known {
  readonly kind: KnownKind;
  readonly index: number;
  /** Of a cursor: the path of its list. */
  readonly list: string;

  constructor(kind: KnownKind, index: number, list = '') {
    this.kind = kind;
    this.index = index;
    this.list = list;
  }

  toString(): string {
    return `${this.kind} ${this.index}`;
  }
}

/** The value with what `pick` finds in place of all that is known. */
export function resolveKnown(value: unknown, pick: (known: Known) => unknown): unknown {
  if (value instanceof Known) return pick(value);
  if (Array.isArray(value)) {
    const all = value.map((each) => resolveKnown(each, pick));
    // Different ones may come to the same thing, which may not stand there twice.
    if (!value.every((each) => each instanceof Known)) return all;
    return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, resolveKnown(each, pick)]));
}

/** Whether it is an id or a slug, and no text. */
export const isReference = ({ kind }: Known): boolean =>
  kind === 'organization' || (thingKinds as readonly string[]).includes(kind);

/** Whether an id or a slug stands in it. */
export function namesThings(value: unknown): boolean {
  if (value instanceof Known) return isReference(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(namesThings);
}
