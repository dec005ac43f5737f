import * as z from 'zod';
import { editorNames, settingNames, settings, type Applies } from './settings.ts';

const appliesText: Record<Applies, string> = {
  live: 'acts at once',
  reindex: 'acts after the index process has restarted by itself and indexed again',
  restart: 'the index process restarts by itself',
};

/** JSON schema of a setting as the editor's manifest wants it. */
function manifestSchema(schema: z.ZodType): Record<string, unknown> {
  const made: Record<string, unknown> = { ...z.toJSONSchema(schema, { io: 'input' }) };
  delete made['$schema'];
  return made;
}

/** `contributes.configuration` of the manifest. */
export function manifestSettings(): Record<string, unknown> {
  const properties = Object.fromEntries(
    editorNames.map((name, order) => {
      const { schema, says, ofMachine } = settings[name];
      const scope = ofMachine ? 'machine' : 'window';
      return [`contextkit.${name}`, { ...manifestSchema(schema), order, scope, markdownDescription: says }];
    }),
  );
  return { title: 'ContextKit', properties };
}

/** Settings that an untrusted workspace cannot set, as the manifest names them. */
export function machineSettings(): string[] {
  return editorNames.filter((name) => settings[name].ofMachine).map((name) => `contextkit.${name}`);
}

/** docs/settings.md */
export function settingsReference(): string {
  const rows = settingNames.map((name) => {
    const { schema, says, apply, inConfig, inEditor } = settings[name];
    const { type, enum: values, minimum, maximum } = manifestSchema(schema);
    const range = typeof minimum === 'number' && typeof maximum === 'number' ? ` ${minimum} to ${maximum}` : '';
    const kind = Array.isArray(values) ? values.join(', ') : `${typeof type === 'string' ? type : ''}${range}`;
    const standard = JSON.stringify(schema.parse(undefined));
    return `| ${inEditor ? `\`contextkit.${name}\`` : ''} | ${kind} | \`${standard}\` | ${inConfig ? `\`${name}\`` : ''} | ${says} (${appliesText[apply]}) |`;
  });
  return [
    '# Settings',
    '',
    'Made by `npm run generate` from `protocol/settings.ts`.',
    '',
    'In VS Code under "ContextKit"; those with a key in the third column also in `.contextkit/config.yaml`, which the command line reads. `ranking` and `model` belong to the repository: they stand in that file alone, and the editor reads them there, too (`model` only in a trusted workspace). Folders and addresses are the user\'s to set, never a repository\'s.',
    '',
    '| Setting | Values | Default | config.yaml | What it does |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
