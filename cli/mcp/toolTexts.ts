import type { McpTool } from '../../protocol/index.ts';

/** What a language model reads before it chooses. */
interface ToolText {
  title: string;
  description: string;
}

export const instructions =
  'ContextKit searches this repository by words, names, calls and meaning, in an index on this machine that is brought up to date before each answer. ' +
  'Ask select_context first, before searching with grep or reading whole files: it gives the code that answers a question or belongs to a task, best file first, within a token budget, and every range is as it is on disk. ' +
  'Then follow names with find_symbols, find_references and trace_calls. Lines are counted from 1; paths are relative to the root of the repository.';

export const toolTexts: Record<McpTool, ToolText> = {
  select_context: {
    title: 'Select context',
    description:
      'The code of this repository that answers a question or belongs to a task, packed into a token budget: whole functions and types with their places, best file first, and signatures of what is also relevant. Use it in place of grep and of reading whole files. The last lines say how much was left out and the id of the pack.',
  },
  find_symbols: {
    title: 'Find symbols',
    description:
      'Where a function, method, type, constant or other name is defined, with its kind and signature. Finds parts of names and typos, too.',
  },
  find_references: {
    title: 'Find references',
    description:
      'Every use of a definition, file by file with the line: calls, uses as a type or a value, imports. Use it before a change of something that others use.',
  },
  trace_calls: {
    title: 'Trace calls',
    description: 'Who calls a function or type, and what it calls, over as many hops as you ask for.',
  },
  check_index: {
    title: 'Check index',
    description:
      'What is indexed and what is not and why; with a path, why that file is or is not among the answers and how it ranks for a query.',
  },
};
