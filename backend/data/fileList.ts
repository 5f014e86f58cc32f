/** A list of images as text: on each line a path, absolute or relative to the list, and optionally a class. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import type { DatasetIndex } from './dataset.ts';
import { isImageName, numberClasses } from './labels.ts';

const maxListBytes = 1024 ** 3 / 2;

/** Reads a list. Empty lines and lines that begin with # are passed over. Throws InputError where no line names an image. */
export async function openFileList(list: string): Promise<DatasetIndex> {
  if ((await stat(list)).size > maxListBytes) throw new InputError(`the list ${list} is larger than ${maxListBytes} bytes: split it`);
  const names: string[] = [];
  const classes: (string | null)[] = [];
  const lines = (await readFile(list, 'utf8')).split(/\r?\n/);
  lines.forEach((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const [name, className] = parseLine(line);
    if (!isImageName(name)) throw new InputError(`line ${i + 1} of ${list} names no image: "${line.slice(0, 200)}". A line is a path, then optionally a tab or space and a class`);
    names.push(name.replaceAll('\\', '/'));
    classes.push(className);
  });
  if (names.length === 0) throw new InputError(`the list ${list} names no image: write one path a line, relative to the list, optionally with a class behind it`);
  const folder = dirname(list);
  return { names, ...numberClasses(classes), locate: (i) => ({ path: resolve(folder, names[i]!), offset: 0, length: -1 }) };
}

/** A path and a class: split at the last tab, else at the last space behind which no image's name ends. */
function parseLine(line: string): [name: string, className: string | null] {
  const text = line.trim();
  if (isImageName(text)) return [text, null];
  const at = text.includes('\t') ? text.lastIndexOf('\t') : text.lastIndexOf(' ');
  return at < 0 ? [text, null] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}
