/** Where the runs lie in a folder that a user points at: run folders, other tools' JSON lines, TensorBoard's event folders at any depth. */
import type { Dirent } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../../backend/errors.ts';
import { eventFiles } from '../../backend/formats/tfevents.ts';

/** Files of one run: JSON lines, or the folder of event files. */
export interface RunFiles {
  kind: 'lines' | 'events';
  path: string;
}

const maxDepth = 6, maxRuns = 200, maxFolders = 5000;
const passedOver = new Set(['node_modules', 'checkpoints', '__pycache__']);
const eventFile = /^events\.out\.tfevents\./;
const runMetrics = 'metrics.jsonl';
/** Logs of MAE and DINO, among others, are JSON lines under this name; so is anyone's plain text. */
const otherLog = 'log.txt';

/** The runs at and below the path, in the order of their names. Throws InputError where it does not exist. */
export async function discoverRuns(path: string): Promise<RunFiles[]> {
  let status;
  try {
    status = await stat(path);
  } catch {
    throw new InputError(`${path} does not exist: choose another folder`);
  }
  if (status.isFile()) return [eventFile.test(basename(path)) ? { kind: 'events', path: dirname(path) } : { kind: 'lines', path }];
  const found: RunFiles[] = [];
  const folders = [{ folder: path, depth: 0 }];
  for (let k = 0; k < folders.length && k < maxFolders && found.length < maxRuns; k++) {
    const { folder, depth } = folders[k]!;
    const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
    found.push(...(await runsOf(folder, entries.filter((entry) => entry.isFile()).map(({ name }) => name).sort())));
    if (depth >= maxDepth) continue;
    for (const entry of entries) if (entry.isDirectory() && !entry.name.startsWith('.') && !passedOver.has(entry.name)) folders.push({ folder: join(folder, entry.name), depth: depth + 1 });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1)).slice(0, maxRuns);
}

/** A folder's own runs: its metrics.jsonl, or each file of JSON lines, and else its event files. */
async function runsOf(folder: string, names: string[]): Promise<RunFiles[]> {
  if (names.includes(runMetrics)) return [{ kind: 'lines', path: join(folder, runMetrics) }];
  const lines = names.filter((name) => name.endsWith('.jsonl'));
  if (names.includes(otherLog) && (await firstByte(join(folder, otherLog))) === '{') lines.push(otherLog);
  const files: RunFiles[] = lines.map((name) => ({ kind: 'lines', path: join(folder, name) }));
  if (files.length === 0 && names.some((name) => eventFile.test(name)) && (await eventFiles(folder)).length > 0) files.push({ kind: 'events', path: folder });
  return files;
}

async function firstByte(path: string): Promise<string> {
  const handle = await open(path, 'r').catch(() => null);
  if (!handle) return '';
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
