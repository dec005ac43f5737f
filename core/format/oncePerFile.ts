import type { PackedFile } from '../pack/types.ts';

/** Renders a file once: a pack that still grows is rendered again and again, and most of its files stay as they are. */
export function oncePerFile<Rendered>(render: (file: PackedFile) => Rendered): (file: PackedFile) => Rendered {
  const known = new WeakMap<PackedFile, Rendered>();
  return (file) => {
    let rendered = known.get(file);
    if (rendered === undefined) known.set(file, (rendered = render(file)));
    return rendered;
  };
}
