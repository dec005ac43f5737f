import type { PackedFile } from '../pack/types.ts';

/** Renders a file once: a pack that still grows is rendered again and again, and most of its files stay as they are. */
export function oncePerFile(render: (file: PackedFile) => string): (file: PackedFile) => string {
  const rendered = new WeakMap<PackedFile, string>();
  return (file) => {
    let text = rendered.get(file);
    if (text === undefined) rendered.set(file, (text = render(file)));
    return text;
  };
}
