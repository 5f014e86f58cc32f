/** The run file's JSON Schema, as editors complete, document and check from it: zod's own, with what editors show and what presets supply. */
import { z } from 'zod';
import { runSchema } from './config.ts';
import { choice } from '../choice.ts';

export type Node = Record<string, unknown>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);
const childNodes = (node: Node): Node[] => Object.values(node).flatMap((value): unknown[] => (Array.isArray(value) ? value : [value])).filter(isNode);

const defaultText = (value: unknown): string | null => (value === undefined || value === null || isNode(value) ? null : `Default: \`${JSON.stringify(value)}\`.`);

/** Whole numbers have a greatest one in JSON, which says nothing about the key. */
const limit = (value: unknown): number | null => (typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : null);

function rangeText({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Node): string | null {
  if (type !== 'number' && type !== 'integer') return null;
  const bounds = [limit(minimum) !== null && `from ${String(minimum)}`, limit(exclusiveMinimum) !== null && `above ${String(exclusiveMinimum)}`, limit(maximum) !== null && `to ${String(maximum)}`, limit(exclusiveMaximum) !== null && `below ${String(exclusiveMaximum)}`].filter((text) => text !== false);
  return `${type === 'integer' ? 'A whole number' : 'A number'}${bounds.length > 0 ? ` ${bounds.join(' ')}` : ''}.`;
}

/** Puts default and range behind each description: editors show neither by themselves. */
export function document(node: Node): void {
  const parts = [node.description, [rangeText(node), defaultText(node.default)].filter((text) => text !== null).join(' ')].filter((text) => text !== undefined && text !== '');
  if (node.description !== undefined && parts.length > 1) node.markdownDescription = parts.join('\n\n');
  for (const child of childNodes(node)) document(child);
}

/** What an empty run file becomes by one completion. */
const snippet = (preset: string): Node => ({
  label: 'A run of SiamScope',
  description: 'A recipe, the images, and how long to train.',
  body: { preset: `\${1:${preset}}`, name: '${2:name}', data: { train: '${3:images}' }, schedule: { epochs: '^${4:100}' } },
});

/** The JSON Schema (draft 2020-12); `presets` are the recipes by name, with a line about each. */
export function runJsonSchema(presets: Readonly<Record<string, string>>): Record<string, unknown> {
  const schema = z.toJSONSchema(runSchema.extend({ preset: choice(presets).optional().describe('The recipe that this file is laid over: what it leaves out comes from there.') }).describe('A training run of SiamScope.'), { io: 'input' }) as Node & { properties: Record<string, Node>; required: string[] };
  document(schema);
  schema.properties.$schema!.doNotSuggest = true;
  // With a preset, the schedule may come from there, and a method's options may be given without its name.
  const { method } = schema.properties;
  const { oneOf, ...rest } = method!;
  schema.properties.method = { ...rest, anyOf: (oneOf as Node[]).map(({ required: _required, ...option }) => option) };
  return {
    ...schema, $id: 'siamscope-run.schema.json', title: 'SiamScope run file', required: schema.required.filter((key) => key !== 'schedule'),
    if: { not: { required: ['preset'] } }, then: { required: ['schedule'] },
    defaultSnippets: [snippet(Object.keys(presets)[0]!)],
  };
}

/** The schema of a part of a run file, of which every key may be left out; without presets, which only whole files have. */
export function runPartSchema(): Node {
  const { properties: { $schema: _schema, preset: _preset, ...properties } } = runJsonSchema({ none: '' }) as { properties: Node };
  return { type: 'object', additionalProperties: false, properties: withoutRequired(properties) };
}

function withoutRequired(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRequired);
  if (!isNode(value)) return value;
  // A key may itself be called "required": lists alone are what the schema asks for.
  return Object.fromEntries(Object.entries(value).filter(([key, inner]) => !(key === 'required' && Array.isArray(inner))).map(([key, inner]) => [key, withoutRequired(inner)]));
}
