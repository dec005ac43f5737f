/** The XML of S3, as far as it is needed: elements without attributes, whose names do not stand in one another. */

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const plain = (text: string): string =>
  text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/gi,
    (_, hex?: string, ten?: string, name?: string) =>
      name === undefined ? String.fromCodePoint(hex === undefined ? Number(ten) : parseInt(hex, 16)) : entities[name]!,
  );

function* elements(xml: string, name: string): Generator<string> {
  for (const [, content] of xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))) yield content!;
}

function textOf(xml: string, name: string): string | undefined {
  const [content] = elements(xml, name);
  return content === undefined ? undefined : plain(content);
}

/** What is inside the outermost element; undefined for a text that is not such a document. */
function inside(xml: string, root: string): string | undefined {
  const document = xml.replace(/^\uFEFF?\s*(<\?xml[^>]*\?>)?\s*/, '').trimEnd();
  const [, content] =
    new RegExp(`^<${root}(?:\\s[^>]*)?(?:/>|>(.*)</${root}>)$`, 's').exec(document) ??
    ([undefined, undefined] as const);
  return content ?? (new RegExp(`^<${root}(\\s[^>]*)?/>$`).test(document) ? '' : undefined);
}

export interface Listing {
  objects: { key: string; bytes: number }[];
  /** Null at the end. */
  continuation: string | null;
}

/** Undefined for what is no ListBucketResult of version 2. */
export function parseListing(xml: string): Listing | undefined {
  const content = inside(xml, 'ListBucketResult');
  if (content === undefined) return undefined;
  const objects: Listing['objects'] = [];
  for (const object of elements(content, 'Contents')) {
    const [key, size] = [textOf(object, 'Key'), textOf(object, 'Size')];
    if (key === undefined || size === undefined || !/^\d{1,15}$/.test(size)) return undefined;
    objects.push({ key, bytes: Number(size) });
  }
  const isTruncated = textOf(content, 'IsTruncated');
  const continuation = textOf(content, 'NextContinuationToken');
  if (isTruncated === 'true') return continuation === undefined ? undefined : { objects, continuation };
  return isTruncated === 'false' || isTruncated === undefined ? { objects, continuation: null } : undefined;
}

export interface RefusedDeletion {
  key: string;
  code: string;
}

/** The deletions that were refused; undefined for what is no DeleteResult. */
export function parseDeleteResult(xml: string): RefusedDeletion[] | undefined {
  const content = inside(xml, 'DeleteResult');
  if (content === undefined) return undefined;
  return [...elements(content, 'Error')].map((error) => ({
    key: textOf(error, 'Key') ?? '',
    code: textOf(error, 'Code') ?? '',
  }));
}

/** The code of an error, as `NoSuchKey`; undefined for what is no document of S3. */
export function parseErrorCode(xml: string): string | undefined {
  const code = textOf(inside(xml, 'Error') ?? '', 'Code');
  return code !== undefined && /^[A-Za-z0-9]{1,64}$/.test(code) ? code : undefined;
}
