/** TensorBoard event files of a run: written as training goes, read back with what a resumed run has superseded left out. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { AppendFile } from './appendFile.ts';
import { openSource, readAt } from './positioned.ts';
import { decodeEvent, encodeEvent, unframe } from './tfeventsRecords.ts';
import type { TfEvent } from './tfeventsRecords.ts';

export type { TfEvent } from './tfeventsRecords.ts';

const fileName = /^events\.out\.tfevents\.(\d+)\./;

/** The folder's event files in TensorBoard's order, which is that of their names. */
export async function eventFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => fileName.test(name)).sort();
}

export class TfEventsWriter {
  readonly path: string;
  private readonly file: AppendFile;

  private constructor(file: AppendFile) {
    this.file = file;
    this.path = file.path;
  }

  /**
   * Starts a new event file in the folder, later in TensorBoard's order than all before it (a run never writes into an
   * older one, whose tail may be torn). With `purgeStep`, TensorBoard drops what was logged before at that step or later.
   */
  static async open(folder: string, purgeStep: number | null = null): Promise<TfEventsWriter> {
    const wallTime = Date.now() / 1000;
    const isFirst = (await eventFiles(folder)).length === 0;
    const file = await createAfter(folder, Math.floor(wallTime));
    await file.append(encodeEvent({ wallTime, step: 0, fileVersion: 'brain.Event:2' }));
    // TensorBoard takes a run's first session start for its beginning, and only the later ones for restarts.
    const startStep = purgeStep ?? (isFirst ? 0 : null);
    if (startStep !== null) await file.append(encodeEvent({ wallTime, step: startStep, sessionStart: true }));
    return new TfEventsWriter(file);
  }

  /** Logs the values of one step by their tags; NaN and infinities are kept, as float32. Rejects with RunError where the disk does not take it. */
  scalars(step: number, values: Readonly<Record<string, number>>, wallTime = Date.now() / 1000): Promise<void> {
    return this.file.append(encodeEvent({ wallTime, step, scalars: Object.entries(values).map(([tag, value]) => ({ tag, value })) }));
  }

  /** Makes the records survive a power loss. */
  flush(): Promise<void> {
    return this.file.flush();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** Creates the folder's next event file. Names hold seconds, in ten digits so that they sort; a clock set back does not count. */
async function createAfter(folder: string, now: number): Promise<AppendFile> {
  for (;;) {
    const latest = Math.max(0, ...(await eventFiles(folder)).map((name) => Number(fileName.exec(name)![1])));
    const seconds = String(Math.max(now, latest + 1)).padStart(10, '0');
    try {
      return await AppendFile.create(join(folder, `events.out.tfevents.${seconds}.siamscope`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Records are read in pieces of this size; a longer record (somebody's images) is read whole up to the maximum. */
const chunkBytes = 2 ** 21, maxRecordBytes = 2 ** 28;

/** Follows an event file that is being written: each read gives the events completed since the last. */
export class TfEventsReader {
  private readonly path: string;
  private position = 0;
  private size = 0;
  /** Records with a wrong checksum or without an event in them: left out, counted. */
  damaged = 0;
  /** Why nothing more can be read from the file, or null. */
  problem: string | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** Bytes read so far, and of the file when it was last opened. */
  get progress(): { read: number; size: number } {
    return { read: this.position, size: this.size };
  }

  /** The new whole events, in order; one still being written waits. Throws InputError where there is no file. */
  async read(): Promise<TfEvent[]> {
    const events: TfEvent[] = [];
    for await (const piece of this.pieces()) for (const event of piece) events.push(event);
    return events;
  }

  /** As `read`, piece by piece: a long file is never in memory as a whole. */
  async *pieces(): AsyncGenerator<TfEvent[]> {
    const source = await openSource(this.path);
    this.size = source.size;
    try {
      let wanted = chunkBytes;
      while (this.problem === null && this.position < source.size) {
        const length = Math.min(wanted, source.size - this.position);
        const bytes = Buffer.from((await readAt(source, this.position, length)).buffer);
        const events: TfEvent[] = [];
        const needed = this.take(bytes, events);
        yield events;
        // The rest of the record is not in the file yet.
        if (this.position + needed > source.size) break;
        wanted = Math.max(chunkBytes, needed);
      }
    } finally {
      await source.handle.close();
    }
  }

  /** Reads the whole records of `bytes`, which begin at `position`; gives the bytes that the next one needs. */
  private take(bytes: Buffer, events: TfEvent[]): number {
    for (let at = 0; ; ) {
      const record = unframe(bytes.subarray(at));
      if (record === 'lost' || ('more' in record && record.more > maxRecordBytes)) {
        this.problem = `${this.path}: no record begins at byte ${this.position}; what follows is left out`;
        return 0;
      }
      if ('more' in record) return record.more;
      at += record.bytes;
      this.position += record.bytes;
      const event = record.data && eventOrNull(record.data);
      if (event) events.push(event);
      else this.damaged++;
    }
  }
}

function eventOrNull(data: Uint8Array): TfEvent | null {
  try {
    return decodeEvent(data);
  } catch {
    return null;
  }
}

export interface ScalarPoint {
  step: number;
  value: number;
  wallTime: number;
}

/**
 * The run's curves by tag, in the order of steps, one value a step: as in TensorBoard, a session's start drops what was
 * logged before at its step or later, and a step logged twice keeps the later value. Throws InputError without event files.
 */
export async function readScalars(folder: string): Promise<Map<string, ScalarPoint[]>> {
  const names = await eventFiles(folder);
  if (names.length === 0) throw new InputError(`${folder} has no TensorBoard event files: give the folder of a run`);
  const curves = new Map<string, Map<number, ScalarPoint>>();
  for (const name of names) {
    for (const { step, wallTime, scalars = [], sessionStart } of await new TfEventsReader(join(folder, name)).read()) {
      if (sessionStart) for (const points of curves.values()) for (const logged of points.keys()) if (logged >= step) points.delete(logged);
      for (const { tag, value } of scalars) {
        const points = curves.get(tag) ?? new Map<number, ScalarPoint>();
        points.set(step, { step, value, wallTime });
        curves.set(tag, points);
      }
    }
  }
  return new Map([...curves].map(([tag, points]) => [tag, [...points.values()].sort((a, b) => a.step - b.step)]));
}
