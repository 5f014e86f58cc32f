/** A file that only grows, by whole records: what could not be written in full is taken back, so that the next record starts clean. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { RunError } from '../errors.ts';

export class AppendFile {
  readonly path: string;
  private readonly handle: FileHandle;
  /** Bytes up to the end of the last whole record. */
  private length: number;
  /** Whether a part of a record may lie beyond that. */
  private torn = false;
  /** Writes go one after the other, in the order of the calls. */
  private last: Promise<void> = Promise.resolve();

  private constructor(path: string, handle: FileHandle, length: number) {
    this.path = path;
    this.handle = handle;
    this.length = length;
  }

  /** Opens or creates the file and cuts it to its first `length` bytes (null: as it is). */
  static async open(path: string, length: number | null = null): Promise<AppendFile> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      if (length !== null) await handle.truncate(length);
      return new AppendFile(path, handle, (await handle.stat()).size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Creates the file. Rejects with EEXIST where there is one. */
  static async create(path: string): Promise<AppendFile> {
    return new AppendFile(path, await open(path, 'wx'), 0);
  }

  /** Appends the record, whole or not at all. Rejects with RunError where the disk does not take it; a later append tries afresh. */
  append(record: Uint8Array): Promise<void> {
    return this.inOrder(async () => {
      let written = 0;
      try {
        await this.cutTorn();
        while (written < record.length) written += (await this.handle.write(record, written, record.length - written, this.length + written)).bytesWritten;
      } catch (error) {
        this.torn = true;
        // Where this fails too, the next append does it.
        await this.cutTorn().catch(() => undefined);
        throw this.failure(error);
      }
      this.length += written;
    });
  }

  /** Makes what was appended survive a power loss. */
  flush(): Promise<void> {
    return this.inOrder(async () => {
      try {
        await this.handle.datasync();
      } catch (error) {
        throw this.failure(error);
      }
    });
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.handle.close();
    }
  }

  private async cutTorn(): Promise<void> {
    if (!this.torn) return;
    await this.handle.truncate(this.length);
    this.torn = false;
  }

  private inOrder(action: () => Promise<void>): Promise<void> {
    const result = this.last.then(action);
    this.last = result.catch(() => undefined);
    return result;
  }

  private failure(error: unknown): RunError {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    return new RunError(`${this.path} cannot be written (${code})${code === 'ENOSPC' || code === 'EDQUOT' ? ': free some space on its disk' : ''}`, { cause: error });
  }
}
