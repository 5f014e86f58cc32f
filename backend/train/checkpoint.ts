/**
 * Checkpoints: folders that are whole or not there. A checkpoint is written beside, every file synced, its manifest (state.json,
 * with the size and sha256 of each file) last, and then renamed into place; what is found damaged is set aside, never deleted.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { fsyncDirectory } from '../formats/atomic.ts';
import { indexEnding } from '../formats/shards.ts';
import type { FileDigest } from '../protocol.ts';

export const checkpointFolder = 'checkpoints';

export interface CheckpointState {
  version: 1;
  /** Optimizer steps that were finished. */
  step: number;
  epoch: number;
  /** Training time so far. */
  elapsedSeconds: number;
  /** Of the dataset: with another number, samples come in another order. */
  images: number;
  engine: string;
  /** ISO 8601. */
  saved: string;
  files: Record<string, FileDigest>;
}

/** A checkpoint that has been read through and is as it was written. */
export interface Checkpoint {
  folder: string;
  state: CheckpointState;
}

const temporaryName = /^\.\d+\.[0-9a-f]{12}\.partial$/;
const temporary = (folder: string, step: number): string => join(folder, `.${step}.${randomBytes(6).toString('hex')}.partial`);
const manifest = 'state.json';
const manifestBytes = 2 ** 20;

/** The manifest's text, with its own checksum: a single changed byte shows. */
function encodeState(state: CheckpointState): string {
  const checksum = createHash('sha256').update(JSON.stringify(state)).digest('hex');
  return `${JSON.stringify({ ...state, checksum }, null, 2)}\n`;
}

/**
 * Saves `folder`/`state.step`: `write` writes and syncs the files into the folder it is given. Afterwards only the `keep`
 * newest are kept. Whatever fails, what was there before is still there, and nothing half-written is.
 */
export async function saveCheckpoint(folder: string, state: Omit<CheckpointState, 'files' | 'version' | 'saved'>, keep: number, write: (temporaryFolder: string) => Promise<Record<string, FileDigest>>): Promise<string> {
  await mkdir(folder, { recursive: true });
  const target = join(folder, String(state.step));
  const beside = temporary(folder, state.step);
  try {
    await mkdir(beside);
    const files = await write(beside);
    const handle = await open(join(beside, manifest), 'wx');
    try {
      await handle.writeFile(encodeState({ version: 1, ...state, saved: new Date().toISOString(), files }));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fsyncDirectory(beside);
    await rename(beside, target);
    await fsyncDirectory(folder);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
  await dropOld(folder, keep);
  return target;
}

/** A folder is renamed before it is emptied, so that no half-deleted one is ever listed. */
async function dropOld(folder: string, keep: number): Promise<void> {
  for (const { step, folder: old } of (await listCheckpoints(folder)).slice(keep)) {
    const beside = temporary(folder, step);
    await rename(old, beside);
    await rm(beside, { recursive: true, force: true });
  }
}

/** The finished checkpoints of a run's `checkpoints` folder, newest first; not read through. */
export async function listCheckpoints(folder: string): Promise<{ step: number; folder: string }[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => /^\d{1,10}$/.test(name)).map((name) => ({ step: Number(name), folder: join(folder, name) })).sort((a, b) => b.step - a.step);
}

/** Removes what interrupted saves left; to be called by the process that holds the run's lock. */
export async function sweepCheckpoints(folder: string): Promise<string[]> {
  const left = (await readdir(folder).catch(() => [])).filter((name) => temporaryName.test(name));
  for (const name of left) await rm(join(folder, name), { recursive: true, force: true });
  return left;
}

/** Reads a checkpoint through. Throws InputError where a byte differs from what was written. */
export async function verifyCheckpoint(folder: string): Promise<Checkpoint> {
  const state = await readState(join(folder, manifest));
  for (const [name, { sha256, bytes }] of Object.entries(state.files)) {
    const path = join(folder, name);
    const found = await digest(path);
    if (found === null) throw new InputError(`${path} is missing`);
    if (found.bytes !== bytes) throw new InputError(`${path} has ${found.bytes} bytes, not the ${bytes} that were written`);
    if (found.sha256 !== sha256) throw new InputError(`${path} is not what was written: its sha256 differs`);
  }
  return { folder, state };
}

async function readState(path: string): Promise<CheckpointState> {
  const size = await stat(path).then((info) => info.size, () => null);
  if (size === null) throw new InputError(`${path} is missing: the checkpoint was not finished`);
  const text = size > manifestBytes ? '' : await readFile(path, 'utf8');
  try {
    const { checksum: _checksum, ...state } = JSON.parse(text) as CheckpointState & { checksum: string };
    // The whole text is compared, spaces included.
    if (encodeState(state) === text && state.version === 1 && Object.keys(state.files).every((name) => /^\w+\.safetensors$/.test(name))) return state;
  } catch {
    // Said below.
  }
  throw new InputError(`${path} is damaged`);
}

async function digest(path: string): Promise<FileDigest | null> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/**
 * The newest checkpoint that is whole, or null where there is none. Damaged ones newer than it are set aside under the name
 * STEP.damaged, and `onDamaged` is told.
 */
export async function newestCheckpoint(folder: string, onDamaged: (message: string) => void): Promise<Checkpoint | null> {
  for (const { folder: candidate } of await listCheckpoints(folder)) {
    try {
      return await verifyCheckpoint(candidate);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      onDamaged(`the checkpoint ${candidate} is damaged: ${error.message}. It is kept as ${await setAside(candidate)}`);
    }
  }
  return null;
}

async function setAside(folder: string): Promise<string> {
  for (let i = 1; ; i++) {
    const aside = `${folder}.damaged${i === 1 ? '' : `-${i}`}`;
    if (await stat(aside).then(() => true, () => false)) continue;
    await rename(folder, aside);
    return aside;
  }
}

/** The tensor file that a path stands for: itself, a checkpoint's model, or that of a run's newest checkpoint. Throws InputError where a folder is neither. */
export async function modelFileOf(path: string): Promise<string> {
  const isFolder = await stat(path).then((info) => info.isDirectory(), () => false);
  if (!isFolder) return path;
  const newest = (await listCheckpoints(join(path, checkpointFolder)))[0]?.folder ?? path;
  for (const name of ['model.safetensors', `model.safetensors${indexEnding}`]) {
    const model = join(newest, name);
    if (await stat(model).then(() => true, () => false)) return model;
  }
  throw new InputError(`${path} is neither a checkpoint nor a run that has one: give a .safetensors or .pth file`);
}
