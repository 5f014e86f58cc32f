/** An open checkpoint that is let go of when nobody reads: a run must be able to remove its old checkpoints, on every system. */
import { stat } from 'node:fs/promises';
import { InputError } from '../../backend/errors.ts';
import { openTensorFile, type TensorFile } from '../../backend/formats/tensorFile.ts';

const idleMilliseconds = 3000;

export class KeptFile {
  readonly path: string;
  private file: Promise<TensorFile> | null = null;
  /** The file that was first opened. */
  private print: string | null = null;
  private users = 0;
  private timer: NodeJS.Timeout | undefined;
  private disposed = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Opens it at need, works on it, and lets go of it soon after. Throws InputError where it cannot be opened, or is another than before. */
  async use<T>(work: (file: TensorFile) => Promise<T>): Promise<T> {
    if (this.disposed) throw new InputError(`${this.path} was closed`);
    clearTimeout(this.timer);
    this.users++;
    try {
      return await work(await (this.file ??= this.open()));
    } finally {
      if (--this.users === 0) {
        if (this.disposed) this.close();
        else this.timer = setTimeout(() => this.close(), idleMilliseconds);
      }
    }
  }

  /** Whether it is no longer the file that was opened. */
  async isChanged(): Promise<boolean> {
    return this.print !== null && (await printOf(this.path)) !== this.print;
  }

  /** Takes the file as it is now. */
  forget(): void {
    this.print = null;
    this.close();
  }

  dispose(): void {
    this.disposed = true;
    if (this.users === 0) this.close();
  }

  private async open(): Promise<TensorFile> {
    try {
      const print = await printOf(this.path);
      if (this.print !== null && print !== this.print) throw new InputError(`${this.path} is no longer the file that was read: read it again`);
      const file = await openTensorFile(this.path);
      this.print = print;
      return file;
    } catch (error) {
      this.file = null;
      throw error;
    }
  }

  private close(): void {
    clearTimeout(this.timer);
    const { file } = this;
    this.file = null;
    file?.then((opened) => opened.close()).catch(() => undefined);
  }
}

/** Tells a file from what was written in its place; null where there is none. */
const printOf = (path: string): Promise<string | null> => stat(path).then(({ dev, ino, size, mtimeMs }) => `${dev} ${ino} ${size} ${mtimeMs}`, () => null);
