/** The study file's JSON Schema, as editors complete, document and check from it; what is laid over recipes is the run file's own schema. */
import { z } from 'zod';
import { choice } from '../choice.ts';
import { document, runPartSchema, type Node } from '../train/jsonSchema.ts';
import { studySchema } from './studyFile.ts';

/** What an empty study file becomes by one completion. */
const snippet = (preset: string): Node => ({
  label: 'A study of SiamScope',
  description: 'Rows that are compared, over seeds, on the same images.',
  body: { name: '${1:name}', seeds: [0, 1, 2], run: { data: { train: '${2:images/train}', test: '${3:images/test}' } }, rows: [{ id: 'untrained', name: 'Untrained', preset: `\${4:${preset}}`, trained: false }, { id: '${5:row}', name: '${6:What the table calls it}', preset: `\${4:${preset}}` }] },
});

/** The JSON Schema (draft 2020-12); `presets` are the recipes by name, with a line about each. */
export function studyJsonSchema(presets: Readonly<Record<string, string>>): Record<string, unknown> {
  const schema = z.toJSONSchema(studySchema.describe('A study of SiamScope: runs that are compared in one table.'), { io: 'input' }) as Node & { properties: Record<string, Node> };
  const row = schema.properties.rows!.items as { properties: Record<string, Node> };
  const part = (node: Node): Node => ({ $ref: '#/$defs/run', ...(node.description === undefined ? {} : { description: node.description }) });
  row.properties.preset = { ...(z.toJSONSchema(choice(presets)) as Node), description: row.properties.preset!.description };
  row.properties.run = part(row.properties.run!);
  schema.properties.run = part(schema.properties.run!);
  document(schema);
  schema.properties.$schema!.doNotSuggest = true;
  return { ...schema, $id: 'siamscope-study.schema.json', title: 'SiamScope study file', $defs: { run: runPartSchema() }, defaultSnippets: [snippet(Object.keys(presets)[0]!)] };
}
