/** What is in a tensor file, from its header alone: as data, and as a table for a terminal. */
import { stat } from 'node:fs/promises';
import { elementCount } from './dtypes.ts';
import { openTensorFile } from './tensorFile.ts';
import type { TensorFile, TensorInfo } from './tensorFile.ts';

/** JSON-able. */
export interface Inspection {
  path: string;
  format: TensorFile['format'];
  /** The whole file's. */
  bytes: number;
  tensors: TensorInfo[];
  metadata: Record<string, unknown>;
  warnings: string[];
}

/** Reads the header of a safetensors or .pth file. Throws InputError as `openTensorFile` does. */
export async function inspectTensorFile(path: string): Promise<Inspection> {
  const file = await openTensorFile(path);
  await file.close();
  const { format, tensors, metadata, warnings } = file;
  return { path, format, bytes: (await stat(path)).size, tensors, metadata, warnings };
}

const formatNames: Record<TensorFile['format'], string> = { safetensors: 'safetensors', pth: 'PyTorch checkpoint' };

/** The inspection as text, no line longer than `columns` (at least 40): a summary, the tensors by group, and what else the file holds. */
export function formatInspection(inspection: Inspection, columns = 80): string {
  const { path, format, bytes, tensors, metadata, warnings } = inspection;
  const width = Math.max(40, columns);
  const lines = [
    clip(printable(path), width),
    clip(`${formatNames[format]}, ${readableBytes(bytes)}, ${count(tensors.length, 'tensor')}, ${grouped(tensors.reduce((sum, { shape }) => sum + (elementCount(shape) ?? 0), 0))} values`, width),
    '',
    ...groupTable(tensors, width),
  ];
  const rest = Object.entries(metadata);
  if (rest.length > 0) {
    const keyWidth = Math.min(24, Math.max(...rest.map(([key]) => printable(key).length)));
    lines.push('', 'Besides tensors', ...rest.map(([key, value]) => clip(`  ${clip(printable(key), keyWidth).padEnd(keyWidth)}  ${valueText(value)}`, width)));
  }
  for (const warning of warnings) lines.push('', ...wrap(`Warning: it ${warning}.`, width));
  return `${lines.join('\n')}\n`;
}

interface Group {
  name: string;
  tensors: TensorInfo[];
  /** Numbers in the second place of the names: blocks. */
  numbers: Set<number>;
}

/** Tensors by the first parts of their names; `blocks.0.*` to `blocks.11.*` are one group. */
function groupsOf(tensors: TensorInfo[]): Group[] {
  const groups = new Map<string, Group>();
  // A file of one model only, nested in one dictionary, is grouped below it.
  const roots = new Set(tensors.map(({ name }) => name.split('.')[0]!));
  const depth = tensors.length > 1 && roots.size <= 4 && tensors.every(({ name }) => name.includes('.')) ? 2 : 1;
  for (const tensor of tensors) {
    const parts = tensor.name.split('.');
    const name = parts.slice(0, depth).join('.');
    const group = groups.get(name) ?? { name, tensors: [], numbers: new Set() };
    group.tensors.push(tensor);
    if (/^\d{1,6}$/.test(parts[depth] ?? '')) group.numbers.add(Number(parts[depth]));
    groups.set(name, group);
  }
  return [...groups.values()];
}

function groupTable(tensors: TensorInfo[], width: number): string[] {
  const rows = groupsOf(tensors).map((group) => {
    const [only, ...more] = group.tensors;
    const values = group.tensors.reduce((sum, { shape }) => sum + (elementCount(shape) ?? 0), 0);
    const numbers = [...group.numbers].sort((a, b) => a - b);
    const name = group.name + (numbers.length > 1 ? `.${numbers[0]}-${numbers.at(-1)}` : '');
    const types = [...new Set(group.tensors.map(({ dtype }) => dtype))].join(', ');
    return [printable(name), more.length === 0 ? `[${only!.shape.join(', ')}]` : count(group.tensors.length, 'tensor'), types, grouped(values)] as const;
  });
  const columnWidth = (i: 0 | 1 | 2 | 3, title: string, most: number) => Math.min(most, Math.max(title.length, ...rows.map((row) => row[i].length)));
  const [shapes, types, values] = [columnWidth(1, 'Shape', 20), columnWidth(2, 'Type', 10), columnWidth(3, 'Values', 15)];
  const names = Math.min(columnWidth(0, 'Tensors', 200), Math.max(8, width - shapes - types - values - 6));
  const line = (name: string, shape: string, type: string, value: string) =>
    clip(`${clip(name, names).padEnd(names)}  ${clip(shape, shapes).padEnd(shapes)}  ${clip(type, types).padEnd(types)}  ${value.padStart(values)}`, width);
  return [line('Tensors', 'Shape', 'Type', 'Values'), ...rows.map((row) => line(...row))];
}

const grouped = (value: number): string => value.toLocaleString('en-US');

const count = (n: number, what: string): string => `${grouped(n)} ${what}${n === 1 ? '' : 's'}`;

function readableBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/** Names come from the file: what a terminal would obey is shown as its code. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u${c.codePointAt(0)!.toString(16).padStart(4, '0')}`);

const valueText = (value: unknown): string => printable(typeof value === 'string' ? value : JSON.stringify(value));

const clip = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, Math.max(0, width - 3))}...`);

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(clip(word, width));
  }
  return lines;
}
