/** Shapes at every border. */
export * from './settings.ts';
export * from './config.ts';
