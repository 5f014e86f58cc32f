/** A file of JSON lines as a run's metrics: ours, or any logger's that writes an object of numbers a line. */
import { stat } from 'node:fs/promises';
import { LinesFollower } from '../../backend/formats/lines.ts';
import { NumberRows } from '../../backend/formats/numberRows.ts';
import type { Follower } from './follower.ts';
import type { RunSeries } from './runSeries.ts';
import type { Series } from './series.ts';

/** What loggers call the step, the first that a row has; a row without any counts by its epoch, and else by its line. */
const stepNames = ['step', 'global_step', '_step', 'iteration', 'iter', 'steps', 'n_iter', 'trainer/global_step'];
const epochName = 'epoch';
/** Seconds since the run began. */
const elapsedNames = ['elapsed_seconds', '_runtime', 'elapsed', 'runtime'];
/** Seconds (or milliseconds) since 1970. */
const clockNames = ['timestamp', '_timestamp', 'wall_time', 'time', 'created_at'];
/** A clock's milliseconds since 1970 are above this, its seconds below. */
const millisecondsAbove = 1e11;

export class MetricsFile implements Follower {
  readonly path: string;
  grown: number | null = null;
  private readonly run: RunSeries;
  private readonly lines: LinesFollower;
  private readonly isWanted: (key: string) => boolean;
  private rows = new NumberRows();
  private line = 0;
  private replaced = 0;
  private start = NaN;
  /** By the key's number: its series, and its rank among the names of steps and times (-1: none). */
  private series: (Series | null)[] = [];
  private ranks: { step: number; elapsed: number; clock: number; wanted: boolean }[] = [];

  /** Keys that are not wanted become no series; steps and times are read whatever they are called. */
  constructor(path: string, run: RunSeries, isWanted: (key: string) => boolean = () => true) {
    this.path = path;
    this.run = run;
    this.isWanted = isWanted;
    this.lines = new LinesFollower(path);
  }

  get read(): number {
    return this.lines.size === 0 ? 1 : this.lines.position / this.lines.size;
  }

  get notes(): string[] {
    const damaged = this.rows.damaged + this.lines.oversized;
    return damaged > 0 ? [`${damaged.toLocaleString('en-US')} ${damaged === 1 ? 'line is' : 'lines are'} not JSON and left out`] : [];
  }

  async update(onPiece: () => void): Promise<boolean> {
    const before = this.lines.position, { replaced } = this.lines;
    if (this.lines.size > 0) {
      const { size, mtimeMs } = await stat(this.path);
      if (size === this.lines.position && mtimeMs === this.grown) return false;
    }
    for await (const piece of this.lines.read()) {
      if (this.lines.replaced !== this.replaced) this.begin();
      this.rows.scan(piece, () => this.take());
      onPiece();
    }
    if (this.lines.replaced !== this.replaced) this.begin();
    this.grown = (await stat(this.path)).mtimeMs;
    return this.lines.position !== before || this.lines.replaced !== replaced;
  }

  /** The file is another one now: nothing read before counts. */
  private begin(): void {
    this.replaced = this.lines.replaced;
    this.run.drop(this.series.filter((series) => series != null));
    this.rows = new NumberRows();
    this.series = [];
    this.ranks = [];
    this.line = 0;
    this.start = NaN;
  }

  private take(): void {
    const { rows, series, ranks } = this;
    const { count, ids, values } = rows;
    let step = NaN, stepRank = Infinity, elapsed = NaN, elapsedRank = Infinity, clock = NaN, clockRank = Infinity;
    for (let k = 0; k < count; k++) {
      const id = ids[k]!;
      const rank = ranks[id] ?? this.learn(id);
      if (rank.step >= 0 && rank.step <= stepRank) [step, stepRank] = [values[k]!, rank.step];
      else if (rank.elapsed >= 0 && rank.elapsed <= elapsedRank) [elapsed, elapsedRank] = [values[k]!, rank.elapsed];
      else if (rank.clock >= 0 && rank.clock <= clockRank) [clock, clockRank] = [values[k]!, rank.clock];
    }
    this.line++;
    if (!Number.isFinite(step)) step = this.line;
    let seconds = elapsed;
    if (!Number.isFinite(seconds) && Number.isFinite(clock)) {
      if (clock > millisecondsAbove) clock /= 1000;
      if (Number.isNaN(this.start)) this.start = clock;
      seconds = clock - this.start;
    }
    for (let k = 0; k < count; k++) {
      const id = ids[k]!;
      if (!ranks[id]!.wanted || (ranks[id]!.step >= 0 && rows.keys[id] !== epochName)) continue;
      const own = series[id];
      if (own) own.append(step, values[k]!, seconds);
      else if (own === undefined) (series[id] = this.run.series(rows.keys[id]!))?.append(step, values[k]!, seconds);
    }
  }

  private learn(id: number): (typeof this.ranks)[number] {
    const key = this.rows.keys[id]!;
    return (this.ranks[id] = { step: [...stepNames, epochName].indexOf(key), elapsed: elapsedNames.indexOf(key), clock: clockNames.indexOf(key), wanted: this.isWanted(key) });
  }
}
