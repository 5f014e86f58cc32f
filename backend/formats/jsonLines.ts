/**
 * metrics.jsonl: one JSON object a line, appended whole. JSON has no NaN or infinities, so these are written as the
 * strings "NaN", "Infinity" and "-Infinity", and read back as numbers.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { open } from 'node:fs/promises';
import { AppendFile } from './appendFile.ts';
import { writeAtomically } from './atomic.ts';
import { LinesFollower } from './lines.ts';

export type JsonRow = Record<string, unknown>;

const lineFeed = 0x0a;
/** The end of the file is searched in pieces of this size. */
const chunkBytes = 2 ** 20;

export class JsonLinesWriter {
  private readonly file: AppendFile;

  private constructor(file: AppendFile) {
    this.file = file;
  }

  /**
   * Opens or creates the file. A last line without its line feed, left by a crash, is cut off. With `keep`, rows that it
   * refuses (those beyond the step that a run resumes from) are dropped first, by rewriting the file beside and renaming it.
   */
  static async open(path: string, keep?: (row: JsonRow) => boolean): Promise<JsonLinesWriter> {
    const file = await AppendFile.open(path, await wholeLinesLength(path));
    if (!keep) return new JsonLinesWriter(file);
    await file.close();
    await dropRows(path, keep);
    return new JsonLinesWriter(await AppendFile.open(path));
  }

  /** Appends the row as one line in one write. Rejects with RunError where the disk does not take it. */
  append(row: JsonRow): Promise<void> {
    return this.file.append(Buffer.from(`${encodeRow(row)}\n`));
  }

  /** Makes the rows survive a power loss. */
  flush(): Promise<void> {
    return this.file.flush();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** Follows a file that is being written: each read gives the rows completed since the last. */
export class JsonLinesReader {
  private readonly lines: LinesFollower;
  private unreadable = 0;

  constructor(path: string) {
    this.lines = new LinesFollower(path);
  }

  /** How often the file was replaced by a rewritten one (on resuming): the rows read before then no longer count. */
  get replaced(): number {
    return this.lines.replaced;
  }

  /** Whole lines that are not JSON objects: left out, counted. */
  get damaged(): number {
    return this.unreadable + this.lines.oversized;
  }

  /** The new whole rows, in order; a line still being written waits for its line feed. Throws InputError where there is no file. */
  async read(): Promise<JsonRow[]> {
    const rows: JsonRow[] = [];
    for await (const piece of this.lines.read()) this.parse(piece.toString('utf8'), rows);
    return rows;
  }

  private parse(text: string, rows: JsonRow[]): void {
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue;
      const row = decodeRow(line);
      if (row) rows.push(row);
      else this.unreadable++;
    }
  }
}

const nonFinite: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity };

const encodeRow = (row: JsonRow): string => JSON.stringify(row, (_key, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value));

/** What Python's json writes bare, as its values. */
const bareNonFinite = /(?<=[:[,]\s*)(-?Infinity|NaN)(?=\s*[,}\]])/g;

/** The row of a line as other tools may have written it, with NaN and Infinity as bare words; null where it is no JSON object. */
export const decodeForeignRow = (line: string): JsonRow | null => decodeRow(line) ?? (/NaN|Infinity/.test(line) ? decodeRow(line.replace(bareNonFinite, '"$1"')) : null);

/** The row of a line, or null where the line is not a JSON object. */
function decodeRow(line: string): JsonRow | null {
  try {
    const row: unknown = JSON.parse(line, (_key, value: unknown) => (typeof value === 'string' && Object.hasOwn(nonFinite, value) ? nonFinite[value] : value));
    return typeof row === 'object' && row !== null && !Array.isArray(row) ? (row as JsonRow) : null;
  } catch {
    return null;
  }
}

/** Bytes of the file up to its last line feed; null where there is no file. */
async function wholeLinesLength(path: string): Promise<number | null> {
  let handle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { size } = await handle.stat();
    for (let end = size; end > 0; end -= chunkBytes) {
      const start = Math.max(0, end - chunkBytes);
      const { buffer } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
      const at = buffer.lastIndexOf(lineFeed);
      if (at >= 0) return start + at + 1;
    }
    return 0;
  } finally {
    await handle.close();
  }
}

/** Rewrites the file without the rows that `keep` refuses, and without damaged lines. */
async function dropRows(path: string, keep: (row: JsonRow) => boolean): Promise<void> {
  await writeAtomically(path, async (temporary) => {
    const kept = await AppendFile.create(temporary);
    try {
      for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
        const row = decodeRow(line);
        if (row && keep(row)) await kept.append(Buffer.from(`${line}\n`));
      }
    } finally {
      await kept.close();
    }
  });
}
