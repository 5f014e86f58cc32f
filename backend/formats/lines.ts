/** Follows a file of lines that is being written, in pieces of whole lines, from where the last reading ended. */
import { openSource, readAt } from './positioned.ts';

const lineFeed = 0x0a;
/** Read at once; small enough that an editor's other work waits little for what is done with a piece. */
const pieceBytes = 2 ** 19;
/** A longer line is left out: nobody's metrics, and it would have to be held whole. */
const maxLineBytes = 2 ** 26;

export class LinesFollower {
  private readonly path: string;
  private identity = '';
  /** Within a line that is left out for its length. */
  private skipping = false;
  /** Bytes taken so far: all that lies before is read. */
  position = 0;
  /** Bytes of the file when it was last opened. */
  size = 0;
  /** How often the file was replaced by a rewritten or shorter one: what was read before then no longer counts. */
  replaced = 0;
  /** Lines left out for their length. */
  oversized = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** The new whole lines, in pieces that end with a line feed; a line still being written waits for its own. Throws InputError where there is no file. */
  async *read(): AsyncGenerator<Buffer> {
    const source = await openSource(this.path);
    // The next piece is read while what is done with the last one is computed.
    let coming: Promise<Uint8Array<ArrayBuffer>> | null = null;
    try {
      this.follow(source.identity, source.size);
      const next = (wanted: number): Promise<Uint8Array<ArrayBuffer>> | null => {
        if (this.position >= source.size) return null;
        const reading = readAt(source, this.position, Math.min(wanted, source.size - this.position));
        // An error is met where the piece is waited for, which may be later.
        reading.catch(() => undefined);
        return reading;
      };
      coming = next(pieceBytes);
      for (let wanted = pieceBytes; coming; ) {
        const bytes = Buffer.from((await coming).buffer);
        const end = bytes.lastIndexOf(lineFeed) + 1;
        const last = this.position + bytes.length >= source.size;
        if (end > 0) {
          const start = this.skipping ? bytes.indexOf(lineFeed) + 1 : 0;
          this.skipping = false;
          this.position += end;
          wanted = pieceBytes;
          coming = last ? null : next(wanted);
          if (start < end) yield bytes.subarray(start, end);
        } else {
          if (bytes.length >= maxLineBytes || this.skipping) {
            if (!this.skipping) this.oversized++;
            this.skipping = true;
            this.position += bytes.length;
          } else if (last) return;
          else wanted *= 2;
          coming = next(wanted);
        }
      }
    } finally {
      await coming?.catch(() => undefined);
      await source.handle.close();
    }
  }

  private follow(identity: string, size: number): void {
    if (this.identity !== '' && (identity !== this.identity || size < this.position)) {
      this.position = 0;
      this.skipping = false;
      this.replaced++;
    }
    this.identity = identity;
    this.size = size;
  }
}
