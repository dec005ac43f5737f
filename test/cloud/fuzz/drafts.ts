import fc from 'fast-check';
import { hintsFor } from './hints.ts';
import type { Operation } from './operations.ts';
import { hostileValue, mutate, mutation, validValue } from './schemaValues.ts';

/** What a request says, before it is known whose things it names. */
export interface Draft {
  path: Record<string, unknown>;
  query: Record<string, unknown>;
  body: unknown;
}

const absent = fc.constant(undefined);

function draftOf(operation: Operation, valueOf: (place: 'path' | 'query' | 'body') => ValueOf): fc.Arbitrary<Draft> {
  const inPlace = (place: 'path' | 'query') => {
    const parameters = operation.parameters.filter((parameter) => parameter.in === place);
    return fc.record(Object.fromEntries(parameters.map(({ name, schema }) => [name, valueOf(place)(schema, name)])), {
      requiredKeys: parameters.filter(({ required }) => required).map(({ name }) => name),
      noNullPrototype: true,
    }) as fc.Arbitrary<Record<string, unknown>>;
  };
  return fc.record({
    path: inPlace('path'),
    query: inPlace('query'),
    body: operation.body === undefined ? absent : valueOf('body')(operation.body, 'body'),
  });
}

type ValueOf = (schema: Parameters<typeof validValue>[0], name: string) => fc.Arbitrary<unknown>;

/** Right by the schema; sound: right in every way. */
export const validDraft = (operation: Operation, isSound: boolean): fc.Arbitrary<Draft> => {
  const hint = hintsFor(operation, isSound);
  return draftOf(operation, () => (schema, name) => validValue(schema, name, hint));
};

export function anyDraft(operation: Operation): fc.Arbitrary<Draft> {
  const valid = validDraft(operation, false);
  const mutated = fc.tuple(valid, mutation).map(([draft, change]) => {
    // The three places stay: it is their content that is wrong.
    const { path = {}, query = {}, body } = (mutate(draft, change) ?? {}) as Partial<Draft>;
    const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
    return { path: isRecord(path) ? path : {}, query: isRecord(query) ? query : {}, body };
  });
  const junk = draftOf(operation, () => () => hostileValue);
  return fc.oneof({ weight: 5, arbitrary: valid }, { weight: 5, arbitrary: mutated }, { weight: 1, arbitrary: junk });
}

/** Percent signs for everything, half surrogates included, which `encodeURIComponent` refuses. */
const encode = (text: string): string =>
  [...text].map((each) => (/\p{Surrogate}/u.test(each) ? '%ED%A0%80' : encodeURIComponent(each))).join('');

/** What is no text comes as JSON; nothing at all as the word that careless clients make of it. */
const toText = (value: unknown): string => (typeof value === 'string' ? value : String(JSON.stringify(value)));

/** Addresses are cut below what a server takes for its headers as a whole. */
const mostOfAnAddress = 9_000;
const cut = (text: string): string => text.slice(0, mostOfAnAddress).replace(/%.?$/, '');

/** Path and query of the draft, whose things are resolved by now. */
export function addressOf({ path: pattern }: Operation, { path, query }: Draft): string {
  const filled = pattern.replace(/\{(\w+)\}/g, (_, name: string) => encode(toText(path[name])));
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const pairs = given.flatMap(([name, value]) =>
    (Array.isArray(value) && value.length < 20 ? value : [value]).map(
      (each) => `${encode(name)}=${encode(toText(each))}`,
    ),
  );
  return cut(`${filled}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`);
}
