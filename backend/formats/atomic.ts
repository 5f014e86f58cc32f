/** Files that are either the old one or the whole new one, whatever happens in between: written beside, synced, renamed. */
import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const temporaryName = /^\..+\.[0-9a-f]{12}\.partial$/;

/**
 * Writes `path` so that a reader, a crash or a power loss sees either what was there before or all of the new content.
 * `content` is the text or the bytes, or writes the temporary file whose path it gets. Gives what `content` gave.
 * Whatever fails, the temporary file is removed and `path` is as it was.
 */
export async function writeAtomically(path: string, content: string | Uint8Array): Promise<void>;
export async function writeAtomically<T>(path: string, content: (temporary: string) => Promise<T>): Promise<T>;
export async function writeAtomically<T>(path: string, content: string | Uint8Array | ((temporary: string) => Promise<T>)): Promise<T | void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);
  try {
    const result = typeof content === 'function' ? await content(temporary) : await writeFile(temporary, content);
    await fsyncFile(temporary);
    await replace(temporary, path);
    await fsyncDirectory(dirname(path));
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes what was written to the file survive a power loss. */
export async function fsyncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes names that were created, renamed or removed in the folder survive a power loss. Windows does that by itself, and cannot be asked. */
export async function fsyncDirectory(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what an interrupted `writeAtomically` left in the folder; to be called where no other process writes there. */
export async function sweepTemporaryFiles(folder: string): Promise<string[]> {
  const left = (await readdir(folder)).filter((name) => temporaryName.test(name));
  for (const name of left) await rm(join(folder, name), { force: true });
  return left;
}

/** Renames over an existing file. On Windows a virus scanner or indexer may hold the target for a moment. */
async function replace(from: string, to: string): Promise<void> {
  const patience = process.platform === 'win32' ? 20 : 0;
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (attempt >= patience || !['EPERM', 'EACCES', 'EBUSY'].includes(code)) throw error;
      await setTimeout(50);
    }
  }
}
