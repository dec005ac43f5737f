import { createApp } from '../http/app.ts';
import type { AppParts } from '../http/appTypes.ts';
import { apiDocument as documentOf, type ApiDocument } from '../http/openApi.ts';

/** The document of this version's API. Routes are described when the app is made; no request is ever served by it. */
export function apiDocument(version: string): ApiDocument {
  const unused = new Proxy({} as AppParts, {
    get: (_, name) => (name === 'version' ? version : undefined),
  });
  return documentOf(createApp(unused), version);
}
