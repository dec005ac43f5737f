import * as library from '@huggingface/tokenizers';
import { AppError } from '../../core/errors.ts';

export interface TokenizedText {
  /** With what the model wants around a text, `[CLS]` and `[SEP]`; at most `maxTokens`. */
  ids: number[];
  /** There was more of the text than fits. */
  truncated: boolean;
}

export interface TextTokenizer {
  encode(text: string): TokenizedText;
  /** The highest id that it can give. */
  readonly maxId: number;
  /** For filling up shorter texts of a batch; masked out. */
  readonly padId: number;
}

/** What of the library is used; its own types cannot be resolved by this compiler's rules for modules. */
interface LibraryTokenizer {
  encode(text: string, options?: { add_special_tokens?: boolean }): { ids: number[] };
  token_to_id(token: string): number | undefined;
}

const { Tokenizer } = library as unknown as { Tokenizer: new (json: object, config: object) => LibraryTokenizer };

interface AddedToken {
  id: number;
  content: string;
  special?: boolean;
}

interface TokenizerJson {
  model: { type?: string; vocab?: Record<string, number> };
  pre_tokenizer: { type?: string } | null;
  added_tokens: AddedToken[];
  truncation?: unknown;
  padding?: unknown;
}

/** Texts longer than this many characters a token are tokenized piece by piece, until there is enough. */
const charactersPerToken = 8;

function unusable(message: string, cause?: unknown): AppError {
  return new AppError('model_unusable', `the tokenizer of the embedding model cannot be used: ${message}`, {
    hint: 'Fetch or import the model again.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function parse(text: string, name: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw unusable(`${name} is not JSON`, error);
  }
  throw unusable(`${name} holds no object`);
}

/** The end of the piece that begins at `start`: before white space, where BERT's words never run on. */
function pieceEnd(text: string, start: number, length: number): number {
  if (start + length >= text.length) return text.length;
  const white = /[ \n\t]/g;
  white.lastIndex = start + length;
  return white.exec(text)?.index ?? text.length;
}

/**
 * The tokenizer of a BERT-like model, from the texts of its tokenizer.json and tokenizer_config.json. Truncation and
 * padding that stand in there are not used (published files disagree with their models); `maxTokens` counts.
 *
 * Special tokens that stand in a text, such as a literal `[SEP]` in source, are text: they become `[`, `sep`, `]`, so
 * that no text can end itself or mask a part of itself. All other texts get the ids that the usual tokenizers give.
 */
export function createTokenizer(tokenizerJson: string, configJson: string, maxTokens: number): TextTokenizer {
  const json = parse(tokenizerJson, 'tokenizer.json') as TokenizerJson;
  const config = parse(configJson, 'tokenizer_config.json');
  let framed: LibraryTokenizer;
  let plain: LibraryTokenizer;
  try {
    framed = new Tokenizer(json, config);
    plain = new Tokenizer(
      { ...json, added_tokens: json.added_tokens.filter(({ special }) => special !== true) },
      config,
    );
  } catch (error) {
    throw unusable((error as Error).message, error);
  }
  const { before, after } = frameOf(framed, plain);
  const room = maxTokens - before.length - after.length;
  const atSpaces = json.pre_tokenizer?.type === 'BertPreTokenizer';

  function contentIds(text: string): number[] {
    const encode = (piece: string): number[] => plain.encode(piece, { add_special_tokens: false }).ids;
    const length = maxTokens * charactersPerToken;
    if (!atSpaces || text.length <= length) return encode(text);
    const ids: number[] = [];
    for (let start = 0; start < text.length && ids.length <= room;) {
      const end = pieceEnd(text, start, length);
      for (const id of encode(text.slice(start, end))) ids.push(id);
      start = end;
    }
    return ids;
  }

  return {
    encode(text) {
      const ids = contentIds(text);
      return { ids: [...before, ...ids.slice(0, room), ...after], truncated: ids.length > room };
    },
    maxId: Math.max(...Object.values(json.model.vocab ?? {}), ...json.added_tokens.map(({ id }) => id)),
    padId: framed.token_to_id('[PAD]') ?? 0,
  };
}

/** What stands around each text: the ids that come with special tokens and not without. */
function frameOf(framed: LibraryTokenizer, plain: LibraryTokenizer): { before: number[]; after: number[] } {
  const probe = 'a';
  const inner = plain.encode(probe, { add_special_tokens: false }).ids;
  const whole = framed.encode(probe).ids;
  const start = whole.findIndex((_, at) => inner.every((id, i) => whole[at + i] === id));
  if (inner.length === 0 || start < 0 || !whole.every(Number.isInteger))
    throw unusable('it gives no ids for plain text');
  return { before: whole.slice(0, start), after: whole.slice(start + inner.length) };
}
