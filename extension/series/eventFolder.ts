/** A folder of TensorBoard event files as a run's metrics. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { eventFiles, TfEventsReader } from '../../backend/formats/tfevents.ts';
import type { TfEvent } from '../../backend/formats/tfevents.ts';
import type { Follower } from './follower.ts';
import type { RunSeries } from './runSeries.ts';

interface EventFile {
  reader: TfEventsReader;
  /** As of the last reading. */
  size: number;
}

export class EventFolder implements Follower {
  readonly folder: string;
  grown: number | null = null;
  /** Steps at which a later session went on. */
  readonly resumes: number[] = [];
  private readonly run: RunSeries;
  private readonly files = new Map<string, EventFile>();
  private start = NaN;

  constructor(folder: string, run: RunSeries) {
    this.folder = folder;
    this.run = run;
  }

  get read(): number {
    let read = 0, size = 0;
    for (const { reader } of this.files.values()) {
      read += reader.progress.read;
      size += reader.progress.size;
    }
    return size === 0 ? 1 : read / size;
  }

  get notes(): string[] {
    const readers = [...this.files.values()].map(({ reader }) => reader);
    const damaged = readers.reduce((sum, reader) => sum + reader.damaged, 0);
    return [...(damaged > 0 ? [`${damaged.toLocaleString('en-US')} ${damaged === 1 ? 'record is' : 'records are'} damaged and left out`] : []), ...readers.flatMap(({ problem }) => (problem === null ? [] : [problem]))];
  }

  async update(onPiece: () => void): Promise<boolean> {
    let changed = false;
    for (const name of await eventFiles(this.folder)) {
      const path = join(this.folder, name);
      const { size, mtimeMs } = await stat(path);
      let file = this.files.get(name);
      if (file?.size === size) continue;
      if (file && size < file.size) {
        // Event files only grow; one that shrank is another file, and what came after it cannot be told from what it had.
        this.files.clear();
        this.run.clear();
        this.resumes.length = 0;
        return this.update(onPiece);
      }
      if (!file) this.files.set(name, (file = { reader: new TfEventsReader(path), size: 0 }));
      for await (const events of file.reader.pieces()) {
        for (const event of events) this.take(event);
        onPiece();
      }
      file.size = size;
      this.grown = Math.max(this.grown ?? 0, mtimeMs);
      changed = true;
    }
    return changed;
  }

  private take({ step, wallTime, scalars, sessionStart }: TfEvent): void {
    if (sessionStart) {
      if (step > 0) this.resumes.push(step);
      for (const series of this.run.metrics.values()) series.truncateAt(step);
    }
    if (!scalars || !Number.isFinite(step)) return;
    if (Number.isNaN(this.start)) this.start = wallTime;
    for (const { tag, value } of scalars) this.run.series(tag)?.append(step, value, wallTime - this.start);
  }
}
