/** Puts changed views into a run file's text: single values where they stand, the whole pipeline where the file has none of its own; everything else stays as it was written. */
import { applyEdits, findNodeAtLocation, modify, parseTree, type JSONPath } from 'jsonc-parser';
import type { LabView } from '../../backend/protocol.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

interface Change {
  path: JSONPath;
  /** undefined: the key is removed. */
  value: unknown;
}

/** What turns one value into the other, as deep inside as may be. */
export function changesOf(before: unknown, after: unknown, path: JSONPath = []): Change[] {
  if (isObject(before) && isObject(after) && before.kind === after.kind && before.op === after.op) return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => changesOf(before[key], after[key], [...path, key]));
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) return before.flatMap((item, i) => changesOf(item, after[i], [...path, i]));
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, value: after }];
}

/** Stands for a value until it is printed in our own way: the editor's would give each number a line. */
const placeholder = '@siamscope-value@';
const lineLength = 150;

/** Short values on one line, longer ones an item a line. */
function printed(value: Json, indent: string): string {
  const line = oneLine(value);
  if (indent.length + line.length <= lineLength || typeof value !== 'object' || value === null) return line;
  const inner = `${indent}  `;
  const items = Array.isArray(value) ? value.map((item) => printed(item, inner)) : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${printed(item, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${items.map((item) => `${inner}${item}`).join(',\n')}\n${indent}${close}`;
}

const oneLine = (value: Json): string =>
  Array.isArray(value) ? `[${value.map(oneLine).join(', ')}]`
  : typeof value === 'object' && value !== null ? `{ ${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${oneLine(item)}`).join(', ')} }`
  : JSON.stringify(value);

function withChange(text: string, { path, value }: Change): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const formattingOptions = { insertSpaces: !/^\t/m.test(text), tabSize: /^( +)\S/m.exec(text)?.[1]?.length ?? 2, eol };
  if (value === undefined || typeof value !== 'object' || value === null) return applyEdits(text, modify(text, path, value, { formattingOptions }));
  const marked = applyEdits(text, modify(text, path, placeholder, { formattingOptions }));
  const at = marked.indexOf(`"${placeholder}"`);
  const indent = /^[ \t]*/.exec(marked.slice(marked.lastIndexOf('\n', at) + 1))![0];
  return marked.slice(0, at) + printed(value as Json, indent).replaceAll('\n', eol) + marked.slice(at + placeholder.length + 2);
}

/** The text with `after` as its views; `before` is what they are now, defaults filled in. How many values change. */
export function withViews(text: string, before: readonly LabView[], after: readonly LabView[]): { text: string; changed: number } {
  const changes = changesOf(before, after, ['augment']);
  if (changes.length === 0) return { text, changed: 0 };
  const root = parseTree(text);
  const own = root && findNodeAtLocation(root, ['augment']);
  if (own?.type !== 'array') return { text: withChange(text, { path: ['augment'], value: after }), changed: changes.length };
  let changed = text;
  for (const change of changes) changed = withChange(changed, change);
  return { text: changed, changed: changes.length };
}

/** The smallest stretch of a text whose replacement makes the other of it. */
export function differenceOf(before: string, after: string): { offset: number; length: number; text: string } {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  return { offset: start, length: before.length - start - end, text: after.slice(start, after.length - end) };
}
