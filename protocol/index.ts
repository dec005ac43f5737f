/** Shapes at every border. */
export * from './serverArguments.ts';
export * from './settings.ts';
export * from './config.ts';
export * from './lsp.ts';
export * from './mcp.ts';
export * from './webview.ts';
export * from './holdText.ts';
