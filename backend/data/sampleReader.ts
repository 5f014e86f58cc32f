/** Reads samples' bytes inside a worker, synchronously: the thread has nothing else to do. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { maxFileBytes, type SampleLocation } from './dataset.ts';

const maxOpenArchives = 64;
/** Without blocking: a named pipe in a list of files would be waited for forever. Windows has neither. */
const readOnly = constants.O_RDONLY | (process.platform === 'win32' ? 0 : constants.O_NONBLOCK);

export class SampleReader {
  /** Descriptors of archives, the least recently used first. */
  private readonly archives = new Map<string, number>();

  /** The encoded bytes of a sample. Throws an Error that says why where they cannot be read. */
  read({ path, offset, length }: SampleLocation): Buffer {
    if (length >= 0) return readExactly(this.archive(path), offset, length);
    const file = openSync(path, readOnly);
    try {
      const info = fstatSync(file);
      if (!info.isFile()) throw new Error('it is no regular file');
      return readExactly(file, offset, info.size - offset);
    } finally {
      closeSync(file);
    }
  }

  private archive(path: string): number {
    const file = this.archives.get(path) ?? openSync(path, readOnly);
    this.archives.delete(path);
    this.archives.set(path, file);
    if (this.archives.size > maxOpenArchives) {
      const [oldest, descriptor] = this.archives.entries().next().value!;
      this.archives.delete(oldest);
      closeSync(descriptor);
    }
    return file;
  }
}

function readExactly(file: number, offset: number, length: number): Buffer {
  if (length > maxFileBytes) throw new Error(`${length} bytes are beyond the limit of ${maxFileBytes}`);
  const buffer = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const count = readSync(file, buffer, done, length - done, offset + done);
    if (count === 0) throw new Error(`the file ends after ${done} of ${length} bytes`);
    done += count;
  }
  return buffer;
}
