/** Reads what signatures and receivers say about types. All of it is text: what cannot be read is ''. */

/** Position after the bracket that closes the one at `open`; the text's length if none does. */
export function afterBracket(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if ('([{<'.includes(text[i]!)) depth++;
    // `=>` and `->` close nothing.
    else if (')]}'.includes(text[i]!) || (text[i] === '>' && text[i - 1] !== '=' && text[i - 1] !== '-')) depth--;
    if (depth === 0) return i + 1;
  }
  return text.length;
}

/** A type without what wraps it: `Promise<Foo | null>` → Foo, `*Foo` → Foo, `Foo[]` → Foo. */
export function plainType(written: string): string {
  let type = written
    .trim()
    .replace(/^[:\s]+/, '')
    .replace(/^["']|["']$/g, '');
  for (let before = ''; before !== type;) {
    before = type;
    type = type
      .replace(/^(?:readonly|const|mut|dyn|impl|struct|static|final|typeof|async|asserts \w+ is|\w+ is)\s+/, '')
      .replace(/^(?:&(?:'\w+\s+)?(?:mut\s+)?|\*+|\?|\[\])\s*/, '')
      .replace(/(?:\[\]|\?|!|\*+|&+)$/, '')
      .replace(
        /^(?:Promise|Readonly|Partial|Required|Awaited|NonNullable|Pick|Omit|Optional|Type|type|Option|Box|Rc|Arc|Result|Future|Task|shared_ptr|unique_ptr|std::\w+_ptr)\s*[<[]([^,]*?)(?:,[^]*)?[>\]]$/,
        '$1',
      )
      .replace(/\s*\|\s*(?:null|undefined|None)\b/g, '')
      .replace(/^(?:null|undefined|None)\s*\|\s*/, '')
      .trim();
  }
  return type.replace(/\s*[<[({][^]*$/, '').trim();
}

/** The type that a function's signature says it returns. */
export function returnTypeOf(signature: string, language: string): string {
  if (['java', 'csharp', 'c', 'cpp', 'dart', 'objc'].includes(language)) {
    const before = /^((?:[^()]|\([^()]*\))*?)([\w$~:]+)\s*\(/.exec(signature)?.[1] ?? '';
    return plainType(
      before
        .replace(
          /@\w+(?:\([^)]*\))?\s*|\b(?:public|private|protected|internal|static|final|abstract|virtual|override|async|synchronized|inline|extern|const|default|sealed|partial)\b\s*/g,
          '',
        )
        .replace(/^<[^>]*>\s*/, ''),
    );
  }
  const open = signature.indexOf('(');
  if (open < 0) return '';
  let end = afterBracket(signature, open);
  // Go: the first parentheses of a method hold its receiver.
  if (language === 'go') {
    if (/^func\s*\(/.test(signature)) end = afterBracket(signature, Math.max(0, signature.indexOf('(', end)));
    const results = signature.slice(end).trim();
    return plainType(
      results.startsWith('(')
        ? results
            .slice(1)
            .split(/[,)]/)[0]!
            .replace(/^\w+\s+(?=[*\w[])/, '')
        : results,
    );
  }
  const rest = signature.slice(end);
  const arrow =
    /^\s*->\s*([^]+?)(?:\s+where\b[^]*)?$/.exec(rest)?.[1] ?? /^\s*:\s*([^]+?)(?:\s*=>?[^]*)?$/.exec(rest)?.[1];
  return arrow === undefined ? '' : plainType(arrow);
}

/** Parts of a list, cut at the commas outside of all brackets. */
function listed(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if ('([{<'.includes(text[i]!)) i = afterBracket(text, i) - 1;
    else if (text[i] === ',') {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)].map((part) => part.trim()).filter((part) => part !== '');
}

/**
 * The written type of a parameter of a TypeScript signature or function type, from 0: that of the rest parameter for one
 * beyond it; '' where none is written.
 */
export function parameterType(signature: string, place: number): string {
  let open = 0;
  for (; open < signature.length && signature[open] !== '('; open++)
    if (signature[open] === '<') open = afterBracket(signature, open) - 1;
  if (open >= signature.length) return '';
  const parameters = listed(signature.slice(open + 1, afterBracket(signature, open) - 1));
  const last = parameters.at(-1);
  const isRest = last?.startsWith('...') === true && place >= parameters.length - 1;
  const parameter = isRest ? last : parameters[place];
  const type = /^(?:\.\.\.)?[\w$]+\??\s*:\s*([^]+)$/.exec(parameter ?? '')?.[1]?.trim() ?? '';
  return isRest ? type.replace(/\[\]$/, '') : type;
}

/** The parameters of a function type and what follows, of a union the first: `A | ((b: B) => C)` → `(b: B) => C)`; '' if none. */
export function functionType(type: string): string {
  return /(?:^|[|(&]\s*)((?:<[^>]*>)?\((?:\.\.\.)?(?:[\w$]+\??\s*[:,)]|\)|\{|\[)[^]*=>[^]*)$/.exec(type)?.[1] ?? '';
}

/** Without what stands in angle brackets, nested ones included; `=>` closes none. */
function withoutGenerics(text: string): string {
  let depth = 0;
  let plain = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '<') depth++;
    if (depth === 0) plain += text[i];
    if (text[i] === '>' && text[i - 1] !== '=' && depth > 0) depth--;
  }
  return plain;
}

/** Names of the types that a class's signature says it extends or implements, as written. */
export function basesOf(written: string, language: string): string[] {
  const signature = language === 'ruby' ? written : withoutGenerics(written);
  const list = (text: string | undefined): string[] =>
    (text ?? '')
      .split(/,|\bwith\b|&/)
      .map((each) => plainType(each.replace(/\([^]*$/, '').replace(/^(?:public|private|protected|virtual)\s+/, '')))
      .filter((each) => /^[\w$.:\\]+$/.test(each));
  switch (language) {
    case 'python':
      return list(/^class\s+\w+(?:\[[^\]]*\])?\s*\(([^]*)\)/.exec(signature)?.[1]?.replace(/\w+\s*=[^,]*/g, ''));
    case 'ruby':
      return list(/<\s*([\w:]+)/.exec(signature)?.[1]);
    case 'cpp':
    case 'csharp':
    case 'kotlin':
    case 'swift':
      return list(/^[^:]*(?:\([^)]*\)[^:]*)?:(?!:)([^]*)$/.exec(signature)?.[1]);
    case 'solidity':
      return list(/\bis\s+([^]*)$/.exec(signature)?.[1]);
    default:
      return [
        ...list(/\bextends\s+([^]*?)(?:\bimplements\b|\bpermits\b|\{|$)/.exec(signature)?.[1]),
        ...list(/\bimplements\s+([^]*?)(?:\{|$)/.exec(signature)?.[1]),
      ];
  }
}

/** The type whose method this is, where the signature and not the nesting says so. */
export function receiverTypeOf(signature: string, language: string): string {
  if (language !== 'go') return '';
  return /^func\s*\(\s*(?:\w+\s+)?\*?\s*(\w+)/.exec(signature)?.[1] ?? '';
}

/** One step of a receiver: a name, or what a call of that name gives. */
export interface ReceiverStep {
  name: string;
  called: boolean;
}

/**
 * `this.app.get("/x").run` → this, app, get(), run. Null for what is no chain of names, e.g. an operator or an index:
 * its type cannot be known from text.
 */
export function receiverSteps(receiver: string): ReceiverStep[] | null {
  let text = receiver
    .trim()
    .replace(/^\(\s*(?:await\s+)?([\w$.]+)\s*\)$/, '$1')
    .replace(/^await\s+/, '');
  const constructed = /^\(?\s*new\s+([\w$.]+)/.exec(text);
  if (constructed !== null) {
    const open = text.indexOf('(', constructed[0].length);
    const end = open < 0 ? text.length : afterBracket(text, open);
    return [
      { name: `new ${constructed[1]!}`, called: false },
      ...(stepsAfter(text.slice(end).replace(/^\)/, '')) ?? []),
    ];
  }
  text = text.replace(/^[&*]+/, '');
  const first = /^[@$]?[A-Za-z_$][\w$]*/.exec(text)?.[0];
  if (first === undefined) return null;
  return stepsFrom(first.replace(/^[@$]/, ''), text.slice(first.length));
}

function stepsFrom(name: string, rest: string): ReceiverStep[] | null {
  let after = rest.replace(/^\s*(?:::)?<[^()<>]*>(?=\()/, '').replace(/^[!?]+(?=\.|$)/, '');
  const called = after.startsWith('(');
  if (called) after = after.slice(afterBracket(after, 0)).replace(/^[!?]+(?=\.|$)/, '');
  const next = stepsAfter(after);
  return next === null ? null : [{ name, called }, ...next];
}

function stepsAfter(rest: string): ReceiverStep[] | null {
  const text = rest.trim();
  if (text === '') return [];
  const step = /^(?:\?\.|\.|::|->|\\|:)\s*([#@$]?[A-Za-z_$][\w$]*)/.exec(text);
  return step === null ? null : stepsFrom(step[1]!.replace(/^[@$]/, ''), text.slice(step[0].length));
}
