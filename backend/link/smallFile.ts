/** Reads a file of a folder that anyone may have written: never more than is allowed, and never a pipe or device that would not answer. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** The text of the file; null where there is none, it may not be read, is not a plain file, or has more than `most` bytes. */
export async function readSmallFile(path: string, most: number): Promise<string | null> {
  let handle;
  try {
    // Opening a named pipe for reading would wait for its writer.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const info = await handle.stat();
    if (!info.isFile() || info.size > most) return null;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(most), 0, most, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return null;
  } finally {
    await handle?.close();
  }
}
