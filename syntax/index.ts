/** Source text to chunks and symbols, with tree-sitter. */
export { createRecordAnalyzer, roleOfText, type RecordAnalyzer, type RecordAnalyzerParts } from './analyzeRecord.ts';
export { analyzesAlike, analyzeText, type AnalyzeOptions, type TextAnalysis } from './analyzeText.ts';
export { findOccurrences, type OccurrenceOptions } from './findOccurrences.ts';
export { languageOf, languages } from './languages.ts';
export type { Language } from './languageTypes.ts';
export { openSyntax, type Syntax, type SyntaxOptions } from './parser.ts';
