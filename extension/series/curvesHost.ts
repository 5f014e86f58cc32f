/** The curves panel's host without the editor: follows the runs' files and answers the webview. Plain Node, so that tests run it as it is. */
import { basename, relative } from 'node:path';
import type { CurveMetric, CurveRun, CurvesNotice, CurvesOpen, CurveSlice, CurveStretch, CurveTrace, CurveSummary } from '../../backend/protocol.ts';
import { discoverRuns, type RunFiles } from './discover.ts';
import type { Series } from './series.ts';
import { slice } from './slice.ts';
import { tableOf } from './table.ts';
import { WatchedRun, type KnownRun } from './watchedRun.ts';

export interface CurvesHostOptions {
  /** The panel's own name. */
  panel: string;
  /** What the editor knows of a run folder. */
  known(folder: string): KnownRun | null;
  /** Called when there is something new to show. */
  onNotice(notice: CurvesNotice): void;
  /** Folders that places are told relative to. */
  roots: readonly string[];
}

/** Files are looked at again after this while someone looks, and folders searched for new runs. */
const pollMilliseconds = 500, searchMilliseconds = 5000;
/** Between two notices while files are read. */
const noticeMilliseconds = 250;
const paletteSize = 8;

export class CurvesHost {
  readonly runs: WatchedRun[] = [];
  private readonly options: CurvesHostOptions;
  private readonly sources: string[];
  private readonly metricIds = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private searchedAt = -Infinity;
  private noticedAt = performance.now();
  /** Updates go one after the other. */
  private working: Promise<void> = Promise.resolve();
  private disposed = false;
  private problem: string | null = null;

  constructor(sources: readonly string[], options: CurvesHostOptions) {
    this.sources = [...sources];
    this.options = options;
  }

  /** Begins to read, and looks again and again until `pause`. */
  resume(): void {
    if (this.timer || this.disposed) return;
    const next = (): void => {
      this.timer = setTimeout(() => void this.update().finally(() => {
        if (this.timer && !this.disposed) next();
      }), pollMilliseconds);
    };
    void this.update();
    next();
  }

  pause(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  dispose(): void {
    this.disposed = true;
    this.pause();
  }

  /** Adds a folder or file; how many runs it brought. */
  async add(source: string): Promise<number> {
    const before = this.runs.length;
    if (!this.sources.includes(source)) this.sources.push(source);
    this.searchedAt = -Infinity;
    await this.update();
    return this.runs.length - before;
  }

  get watched(): readonly string[] {
    return this.sources;
  }

  /** Takes in what is new in all files. Resolves when it is there. */
  update(): Promise<void> {
    return (this.working = this.working.then(() => this.look()).catch((error: unknown) => {
      this.problem = error instanceof Error ? error.message : String(error);
    }));
  }

  /** Tells the panel what it should know now. */
  notify(): void {
    if (this.disposed) return;
    this.noticedAt = performance.now();
    this.options.onNotice(this.state());
  }

  open(): CurvesOpen {
    return { panel: this.options.panel, ...this.state() };
  }

  private async look(): Promise<void> {
    let changed = false;
    if (performance.now() - this.searchedAt > searchMilliseconds) {
      this.searchedAt = performance.now();
      changed = await this.search();
    }
    for (const run of this.runs) {
      if (this.disposed) return;
      const grew = await run.update(() => {
        if (performance.now() - this.noticedAt > noticeMilliseconds) this.notify();
      });
      changed ||= grew;
    }
    if (changed) this.notify();
  }

  private async search(): Promise<boolean> {
    const before = this.runs.length;
    for (const source of this.sources) {
      // A run of ours that waits has its folder, and no metrics yet.
      const found: RunFiles[] = this.options.known(source) ? [{ kind: 'lines', path: `${source}/metrics.jsonl` }] : await discoverRuns(source).catch(() => []);
      for (const files of found) if (!this.runs.some((run) => run.files.path === files.path)) this.runs.push(new WatchedRun(this.runs.length, files, this.runs.length % paletteSize, this.placeOf(files)));
    }
    return this.runs.length !== before;
  }

  private placeOf({ path }: RunFiles): string {
    for (const root of this.options.roots) {
      const place = relative(root, path);
      if (place !== '' && !place.startsWith('..')) return place;
    }
    return path;
  }

  private state(): CurvesNotice {
    const runs: CurveRun[] = this.runs.map((run) => run.describe(this.options.known(run.folder), (name) => this.metricId(name)));
    // Runs of one name are told apart by where they lie.
    for (const run of runs) if (runs.some((other) => other !== run && other.name === run.name)) run.name = shortPlace(run);
    const points = new Map<string, number>();
    for (const { series } of this.runs) for (const [name, { length }] of series.metrics) points.set(name, (points.get(name) ?? 0) + length);
    const metrics: CurveMetric[] = [...points].map(([name, count]) => ({ id: this.metricId(name), name, points: count }));
    return { runs, metrics };
  }

  private metricId(name: string): number {
    let id = this.metricIds.get(name);
    if (id === undefined) this.metricIds.set(name, (id = this.metricIds.size));
    return id;
  }

  metricName(id: number): string | null {
    for (const [name, known] of this.metricIds) if (known === id) return name;
    return null;
  }

  /** What is drawn of the stretch: asked for with one view's width, answered with three, so that panning has somewhere to go. */
  slice({ axis, runs, metrics, range, columns, smoothing }: CurveStretch): CurveSlice {
    const watched = runs.flatMap((id) => this.runs[id] ?? []);
    const names = [...this.metricIds];
    const extent = this.extent(watched, axis);
    const { min, max } = range ?? extent ?? { min: 0, max: 1 };
    const width = max - min;
    const covered = range ? { min: min - width, max: max + width } : { min, max };
    const pieces: Float64Array[] = [];
    const traces: CurveTrace[] = [];
    const without = new Set<number>();
    let length = 0;
    const marked = new Map(watched.map((run) => [run, run.describe(this.options.known(run.folder), (other) => this.metricId(other)).marks]));
    for (const metric of metrics) {
      const name = names[metric]?.[0];
      if (name === undefined) continue;
      for (const run of watched) {
        const series = run.series.metrics.get(name);
        if (!series || series.length === 0) continue;
        const x = run.series.positions(series, axis);
        if (!x) {
          without.add(run.id);
          continue;
        }
        const trace = slice(series, x, covered.min, covered.max, range ? 3 * columns : columns, smoothing > 0 ? run.series.smoothed(series, smoothing) : null);
        let last = series.lowerBound(x, max);
        while (last < series.length && x[last]! <= max) last++;
        traces.push({
          run: run.id, metric, offset: length, points: trace.x.length, smooth: trace.smoothX.length, nonFinite: trace.nonFiniteX.length,
          shown: last - series.lowerBound(x, min), summary: summaryOf(series), marks: marked.get(run)!.map(({ step }) => run.series.positionOf(step, axis, series) ?? NaN),
        });
        for (const piece of [trace.x, trace.y, trace.smoothX, trace.smoothY, trace.nonFiniteX, trace.nonFiniteKind]) {
          pieces.push(piece);
          length += piece.length;
        }
      }
    }
    const numbers = new Float64Array(length);
    let at = 0;
    for (const piece of pieces) {
      numbers.set(piece, at);
      at += piece.length;
    }
    return { extent, covered, traces, buffer: numbers.buffer, without: [...without] };
  }

  /** Every point of the metric as lines of text. */
  *table(runs: readonly number[], metric: number, axis: CurveStretch['axis'], range: CurveStretch['range']): Generator<string> {
    const name = this.metricName(metric);
    if (name === null) return;
    const described = this.state().runs;
    yield* tableOf(runs.flatMap((id) => (this.runs[id] ? [{ run: this.runs[id], name: described[id]!.name }] : [])), name, axis, range);
  }

  /** Why nothing can be read at all, or null. */
  get trouble(): string | null {
    return this.problem;
  }

  private extent(runs: readonly WatchedRun[], axis: CurveStretch['axis']): { min: number; max: number } | null {
    let min = Infinity, max = -Infinity;
    for (const run of runs)
      for (const series of run.series.metrics.values()) {
        const x = series.length > 0 ? run.series.positions(series, axis) : null;
        if (!x) continue;
        min = Math.min(min, x[0]!);
        max = Math.max(max, x[series.length - 1]!);
      }
    return min <= max ? { min, max: max > min ? max : min + 1 } : null;
  }
}

const shortPlace = ({ name, place }: CurveRun): string => {
  const folder = place.replace(/[\\/]metrics\.jsonl$/, '');
  return folder === '' || folder === basename(folder) ? name : folder;
};

function summaryOf(series: Series): CurveSummary {
  const [low, high] = series.extremes(0, series.length);
  const last = series.length - 1;
  return {
    points: series.length, nonFinite: series.nonFiniteCount, firstStep: series.steps[0]!, lastStep: series.steps[last]!, last: series.values[last]!,
    lowest: low < 0 ? NaN : series.values[low]!, lowestStep: low < 0 ? NaN : series.steps[low]!, highest: high < 0 ? NaN : series.values[high]!, highestStep: high < 0 ? NaN : series.steps[high]!,
  };
}
