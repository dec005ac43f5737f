const maxLength = 63;

/** `Web Shop (new)` → `web-shop-new`; letters with marks lose them, and a name without any letter or digit is `project`. */
function plainSlug(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, maxLength)
    .replace(/^-+|-+$/g, '');
  return plain === '' ? 'project' : plain;
}

/** The first free one of `web-shop`, `web-shop-2`, `web-shop-3`, … */
export function slugFor(name: string, taken: ReadonlySet<string>): string {
  const plain = plainSlug(name);
  // What looks like an id would be taken for one.
  const isId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(plain);
  const base = isId ? `project-${plain}` : plain;
  if (!taken.has(base)) return base;
  for (let count = 2; ; count++) {
    const suffix = `-${count}`;
    const slug = base.slice(0, maxLength - suffix.length).replace(/-+$/, '') + suffix;
    if (!taken.has(slug)) return slug;
  }
}
