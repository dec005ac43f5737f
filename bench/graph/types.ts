/** What a language server says of one call. */
export interface TrueCall {
  path: string;
  /** Line of the name that is called, from 1. */
  line: number;
  name: string;
  /** Where it is defined inside the project, `path:line`; several for overloads; none when it lies outside. */
  targets: string[];
}
