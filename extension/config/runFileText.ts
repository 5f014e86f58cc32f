/** Reads a run file's text as it is being typed: where keys are, the run's name and folder, and single values; never more than the editor's own JSON parser finds. */
import { findNodeAtLocation, parseTree, type Node } from 'jsonc-parser';
import { dirname, join } from 'node:path';

export const runFileEnding = '.siam.json';
export const isRunFile = (path: string): boolean => path.endsWith(runFileEnding);
export const studyFileEnding = '.study.json';
export const isStudyFile = (path: string): boolean => path.endsWith(studyFileEnding);

export interface Span {
  offset: number;
  length: number;
}

/** Where a problem at a path of keys is shown: the key, or the value of a list's item, or the nearest key around it that is there; else the start. */
export function spanOf(text: string, path: readonly (string | number)[]): Span {
  const root = parseTree(text);
  for (let length = path.length; root && length > 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length));
    // A property's key says which one it is; its value may be many lines.
    const shown = node?.parent?.type === 'property' ? node.parent.children?.[0] : node;
    if (shown) return { offset: shown.offset, length: shown.length };
  }
  return { offset: root?.offset ?? 0, length: root ? 1 : 0 };
}

const valueAt = (root: Node | undefined, path: string[]): unknown => (root && (findNodeAtLocation(root, path)?.value as unknown)) ?? undefined;

/** The value at a path, where it is a text, a number or a truth. */
export function plainValue(text: string, path: string[]): string | number | boolean | undefined {
  const value = valueAt(parseTree(text), path);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

/** The folder of the run that a file names: runs/NAME beside it. Null where it names none that could be a folder. */
export function runFolderOf(file: string, text: string): string | null {
  const name = plainValue(text, ['name']);
  return typeof name === 'string' && /^[\p{L}\p{N}_][\p{L}\p{N}_. -]{0,99}$/u.test(name) ? join(dirname(file), 'runs', name) : null;
}

/** `flowers` for the first free name: flowers, flowers-2, flowers-3, ... */
export function freeName(wanted: string, isTaken: (name: string) => boolean): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    if (!isTaken(name)) return name;
  }
}

/** A folder's name as a run's: what no run may be named is left out. */
export const runNameOf = (folderName: string): string => folderName.normalize('NFC').replace(/[^\p{L}\p{N}_. -]+/gu, '-').replace(/^[^\p{L}\p{N}_]+|[. -]+$/gu, '').slice(0, 60) || 'run';
