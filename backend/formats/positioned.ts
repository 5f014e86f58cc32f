/** Positioned reads that end in all the bytes or an error that names the file. */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { DamagedFileError } from './damage.ts';

/** One read call takes at most 2^31 - 1 bytes on every platform; stay well below. */
const chunkBytes = 2 ** 28;

export interface SourceFile {
  path: string;
  handle: FileHandle;
  /** Bytes when it was opened. */
  size: number;
  /** Tells the file from another that was renamed into its place. */
  identity: string;
}

/** Opens `path` for reading. Throws InputError, saying why, where that is impossible. */
export async function openSource(path: string): Promise<SourceFile> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === 'ENOENT') throw new InputError(`${path} does not exist: check the path`);
    throw new InputError(`${path} cannot be opened (${code}): check its permissions`);
  }
  const status = await handle.stat();
  if (status.isFile()) return { path, handle, size: status.size, identity: `${status.dev}:${status.ino}` };
  await handle.close();
  throw new InputError(`${path} is not a file: give the file itself`);
}

/** `length` bytes from `offset`. Throws InputError where the file ends before that. */
export async function readAt(source: SourceFile, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await source.handle.read(bytes, done, Math.min(chunkBytes, length - done), offset + done);
    if (bytesRead === 0) throw new DamagedFileError(`${source.path} ended at byte ${offset + done}, while reading ${length} bytes from byte ${offset}: it was cut short while open, copy it again`, offset + done);
    done += bytesRead;
  }
  return bytes;
}
