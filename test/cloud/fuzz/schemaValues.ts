import fc from 'fast-check';
import { dereference, type Schema } from './operations.ts';

/** What values of that name should be, where the schema alone says too little: ids of things that exist, say. */
export type Hint = (name: string, schema: Schema) => HintedValues | undefined;

export interface HintedValues {
  values: fc.Arbitrary<unknown>;
  /** Nothing else is wanted; otherwise now and then any value of the schema. */
  only: boolean;
}

const known = new Set(
  (
    '$ref type format pattern enum const minLength maxLength minimum maximum minItems maxItems items properties ' +
    'additionalProperties required anyOf oneOf description examples default title'
  ).split(' '),
);

/** Longer ones are made by mutations. */
const usualLength = 60;
const usualItems = 3;

const formats: Record<string, () => fc.Arbitrary<string>> = {
  uuid: () => fc.uuid(),
  email: () => fc.emailAddress(),
  'date-time': () =>
    fc
      .date({ min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
};

function textOf({ format, pattern, minLength = 0, maxLength = Infinity }: Schema): fc.Arbitrary<string> {
  if (format !== undefined) {
    const make = formats[format];
    if (make === undefined) throw new Error(`no texts of the format ${format} can be made yet`);
    return make();
  }
  const most = Math.max(minLength, Math.min(maxLength, usualLength));
  if (pattern === undefined) return fc.string({ minLength, maxLength: most, unit: 'grapheme' });
  // What is made knows no look-ahead: it is held against the whole pattern afterwards.
  const whole = new RegExp(pattern);
  const made = fc.stringMatching(new RegExp(pattern.replace(/\(\?![^)]*\)/g, '')), { maxLength: 300 });
  return made.filter((text) => whole.test(text) && text.length >= minLength && text.length <= maxLength);
}

function objectOf({ properties = {}, required = [] }: Schema, hint: Hint): fc.Arbitrary<unknown> {
  const values = Object.entries(properties).map(([name, schema]) => [name, validValue(schema, name, hint)] as const);
  return fc.record(Object.fromEntries(values), { requiredKeys: required, noNullPrototype: true });
}

function ofType(type: string, schema: Schema, name: string, hint: Hint): fc.Arbitrary<unknown> {
  switch (type) {
    case 'string':
      return textOf(schema);
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000_000 });
    case 'number':
      return fc.double({ min: schema.minimum ?? -10, max: schema.maximum ?? 10, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array': {
      const { minItems = 0, maxItems = usualItems, items = {} } = schema;
      const maxLength = Math.max(minItems, Math.min(maxItems, usualItems));
      return fc.array(validValue(items, name, hint), { minLength: minItems, maxLength });
    }
    case 'object':
      return objectOf(schema, hint);
    default:
      throw new Error(`no values of the type ${type} can be made yet`);
  }
}

function valueOf(schema: Schema, name: string, hint: Hint): fc.Arbitrary<unknown> {
  const shape = dereference(schema);
  const unknown = Object.keys(shape).filter((key) => !known.has(key));
  if (unknown.length > 0) throw new Error(`${name}: no values can be made for ${unknown.join(', ')} yet`);
  if (shape.const !== undefined) return fc.constant(shape.const);
  if (shape.enum !== undefined) return fc.constantFrom(...shape.enum);
  const either = shape.anyOf ?? shape.oneOf;
  if (either !== undefined) return fc.oneof(...either.map((each) => validValue(each, name, hint)));
  if (shape.type === undefined) return fc.jsonValue();
  return fc.oneof(...[shape.type].flat().map((type) => ofType(type, shape, name, hint)));
}

/** Values that the schema allows. */
export function validValue(schema: Schema, name: string, hint: Hint): fc.Arbitrary<unknown> {
  const meant = hint(name, schema);
  if (meant === undefined) return valueOf(schema, name, hint);
  if (meant.only) return meant.values;
  return fc.oneof({ weight: 4, arbitrary: meant.values }, { weight: 1, arbitrary: valueOf(schema, name, hint) });
}

/** Beside everything that fast-check thinks of itself. */
const hostileTexts = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'half \udfff of a pair',
  '🦊🏳️‍🌈',
  '\u202eevil',
  'İıſK',
  '\r\nx-injected: 1',
  "' OR 1=1; DROP TABLE projects; --",
  '%00',
  '%',
  '..',
  '../../etc/passwd',
  'a/../b',
  'C:\\windows',
  'c:/windows',
  '/etc/passwd',
  '\\\\host\\share',
  'a//b/./c/',
  `${'d/'.repeat(2_000)}x`,
  'x'.repeat(4_096),
  '🦊'.repeat(3_000),
  '***/**/{a,b',
  '!(',
  '[z-a]',
  '(a+)+$',
  '0',
  '-1',
  '1e309',
  'NaN',
  'null',
  'true',
  '__proto__',
  'constructor',
  '00000000-0000-0000-0000-000000000000',
  '0'.repeat(64),
  '0000-01-01T00:00:00Z',
  '+275760-09-13T00:00:00.000Z',
  '2026-13-45T99:99:99Z',
  '9999-12-31T23:59:59.999Z',
  '2026-02',
  '2099-12',
  'WyJwcm9qZWN0cyIsIlx1MDAwMCJd',
];

const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, -0, -1, 1, 0.5, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, -(2 ** 63), 2 ** 64, 1e308, 5e-324),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const nested = (depth: number): unknown => (depth === 0 ? 'deep' : [nested(depth - 1)]);

export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: hostileText },
  { weight: 3, arbitrary: hostileNumber },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null]) },
  { weight: 1, arbitrary: fc.constantFrom(200, 6_000).map((count) => Array.from({ length: count }, () => 'x')) },
  { weight: 1, arbitrary: fc.constantFrom(50, 2_000).map(nested) },
  { weight: 1, arbitrary: fc.jsonValue() },
);

type Step = string | number;

/** What is to be done to one place of a value. */
export type Mutation =
  | { kind: 'replace'; at: number; by: unknown }
  | { kind: 'remove'; at: number }
  | { kind: 'add'; at: number; name: string; value: unknown }
  | { kind: 'repeat'; at: number; times: number };

const at = fc.nat(1_000);

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('replace' as const), at, by: hostileValue }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      at,
      name: fc.constantFrom('extra', '__proto__', 'constructor', 'toString', 'id', 'org_id', 'role', ''),
      value: hostileValue,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('repeat' as const), at, times: fc.constantFrom(2, 101, 5_001) }),
  },
);

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

function placesOf(value: unknown, here: readonly Step[] = []): (readonly Step[])[] {
  const inner: [Step, unknown][] = Array.isArray(value)
    ? value.map((each, index) => [index, each as unknown])
    : isPlain(value)
      ? Object.entries(value)
      : [];
  return [here, ...inner.flatMap(([step, each]) => placesOf(each, [...here, step]))];
}

/** The value with another one in this place; `undefined` takes it away. */
function put(value: unknown, [step, ...rest]: readonly Step[], change: (before: unknown) => unknown): unknown {
  if (step === undefined) return change(value);
  if (Array.isArray(value)) {
    return value.flatMap((each: unknown, index) => {
      const after = index === step ? put(each, rest, change) : each;
      return after === undefined ? [] : [after];
    });
  }
  // By entries, so that `__proto__` is a name like others.
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([name, each]) => [
      name,
      name === step ? put(each, rest, change) : each,
    ]),
  );
}

export function mutate(value: unknown, change: Mutation): unknown {
  const places = placesOf(value);
  const place = places[change.at % places.length]!;
  return put(value, place, (before) => {
    switch (change.kind) {
      case 'replace':
        return change.by;
      case 'remove':
        return undefined;
      case 'add':
        return isPlain(before)
          ? Object.fromEntries([...Object.entries(before), [change.name, change.value]])
          : [before, change.value];
      case 'repeat':
        return Array.isArray(before)
          ? Array.from({ length: change.times }, (_, index) => before[index % Math.max(1, before.length)] as unknown)
          : typeof before === 'string'
            ? before.repeat(Math.min(change.times, Math.ceil(200_000 / Math.max(1, before.length))))
            : before;
    }
  });
}
