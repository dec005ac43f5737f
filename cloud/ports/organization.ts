declare const orgBrand: unique symbol;

/**
 * The id of an organization that may be acted for: a UUID in lower case. It is made in few places: by authentication,
 * where an organization is founded, and where background work takes up what an organization had asked for.
 */
export type OrgId = string & { readonly [orgBrand]: true };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isUuid = (text: string): boolean => uuid.test(text);

/** @throws {TypeError} for what is no UUID: ids come out of the database, never out of a request. */
export function orgId(text: string): OrgId {
  if (!isUuid(text)) throw new TypeError('an organization has a UUID');
  return text as OrgId;
}
