/** One run as the curves panel follows it: its files, its series, and what is said about it. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CurveMark, CurveRun, HealthKind, RunState, RunStatus } from '../../backend/protocol.ts';
import type { RunFiles } from './discover.ts';
import { EventFolder } from './eventFolder.ts';
import { imagesPerStep, resumedSteps } from './facts.ts';
import type { Follower } from './follower.ts';
import { MetricsFile } from './metricsFile.ts';
import { RunSeries } from './runSeries.ts';

/** What the editor knows of a run of ours. */
export interface KnownRun {
  state: RunState | 'lost';
  status: RunStatus;
  reason: string | null;
}

/** The metric that each finding is about. */
const metricOf: Record<HealthKind, string> = { 'feature-collapse': 'feature_std', 'rank-collapse': 'effective_rank', 'code-collapse': 'code_perplexity', 'uniform-loss': 'loss', divergence: 'loss', 'vanishing-gradient': 'grad_norm' };
/** What says how a run does, the first that it has. */
const primaryNames = ['loss', 'train/loss', 'train_loss', 'training/loss', 'loss/train', 'total_loss', 'Loss/train', 'val/loss', 'val_loss', 'eval/loss'];
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export class WatchedRun {
  readonly id: number;
  readonly files: RunFiles;
  readonly folder: string;
  readonly series = new RunSeries();
  private readonly follower: Follower;
  /** What a run of ours measures of its model now and then, in a file of its own. */
  private readonly evaluations: MetricsFile | null;
  private readonly colour: number;
  private readonly place: string;
  private resumes: number[] = [];
  private problem: string | null = null;

  constructor(id: number, files: RunFiles, colour: number, place: string) {
    this.id = id;
    this.files = files;
    this.colour = colour;
    this.place = place;
    this.folder = files.kind === 'lines' ? dirname(files.path) : files.path;
    this.follower = files.kind === 'lines' ? new MetricsFile(files.path, this.series) : new EventFolder(files.path, this.series);
    this.evaluations = files.kind === 'lines' && basename(files.path) === 'metrics.jsonl' ? new MetricsFile(join(this.folder, 'evaluations.jsonl'), this.series, (key) => key.startsWith('eval_')) : null;
  }

  /** Takes in what is new; whether anything is. */
  async update(onPiece: () => void): Promise<boolean> {
    const { problem } = this;
    try {
      this.series.imagesPerStep ??= await imagesPerStep(this.folder);
      const grew = await this.follower.update(onPiece);
      const measured = this.evaluations !== null && existsSync(this.evaluations.path) && (await this.evaluations.update(onPiece));
      if (grew) this.resumes = this.follower instanceof EventFolder ? this.follower.resumes.map((step) => step - 1) : await resumedSteps(this.folder);
      this.problem = null;
      return grew || measured || problem !== null;
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      return this.problem !== problem;
    }
  }

  describe(known: KnownRun | null, metricId: (name: string) => number): CurveRun {
    const { metrics } = this.series;
    const status = known?.status ?? null;
    const name = status?.name ?? (this.files.kind === 'lines' && basename(this.files.path) !== 'metrics.jsonl' ? `${basename(this.folder)}/${basename(this.files.path)}` : basename(this.folder));
    const primaryName = primaryNames.find((candidate) => metrics.has(candidate)) ?? [...metrics.keys()].find((key) => /loss/i.test(key)) ?? null;
    const primary = primaryName === null ? null : metrics.get(primaryName)!;
    let step = status?.step ?? null;
    let superseded = 0;
    for (const series of metrics.values()) {
      superseded += series.superseded;
      if (!status && series.length > 0) step = Math.max(step ?? -Infinity, series.steps[series.length - 1]!);
    }
    const [low] = primary ? primary.extremes(0, primary.length) : [-1];
    return {
      id: this.id, name, place: this.place, colour: this.colour,
      state: known?.state ?? null,
      // Before its first row a run of ours has no metrics yet, which is no problem of it.
      reason: known?.reason ?? status?.error?.message ?? status?.waiting ?? (known && this.series.points === 0 ? null : this.problem),
      step, steps: status?.steps ?? null, eta: status?.eta ?? null, grown: this.grown, read: this.follower.read, points: this.series.points, axes: this.series.axes,
      primary: primary && primary.length > 0 ? { metric: metricId(primaryName!), last: primary.values[primary.length - 1]!, lowest: low < 0 ? NaN : primary.values[low]!, lowestStep: low < 0 ? NaN : primary.steps[low]!, nonFinite: primary.nonFiniteCount, points: primary.length } : null,
      marks: this.marks(status, metricId),
      notes: [
        ...this.follower.notes,
        ...(this.evaluations?.notes ?? []),
        ...(superseded > 0 ? [`${superseded.toLocaleString('en-US')} points were computed again after a resume; the later ones are shown`] : []),
        ...(this.series.refused.size > 0 ? [`${this.series.refused.size.toLocaleString('en-US')} metrics or more are left out: there are too many`] : []),
      ],
    };
  }

  private get grown(): number | null {
    return this.follower.grown === null ? null : Math.max(this.follower.grown, this.evaluations?.grown ?? 0);
  }

  private marks(status: RunStatus | null, metricId: (name: string) => number): CurveMark[] {
    const marks: CurveMark[] = (status?.health ?? []).map(({ kind, step, summary, cause, advice }) => ({ kind, step, metrics: [metricId(metricOf[kind])], summary: sentence(summary), cause: sentence(cause), advice: sentence(advice) }));
    for (const step of new Set(status?.resumedFrom != null && status.resumedFrom > 0 ? [...this.resumes, status.resumedFrom] : this.resumes)) marks.push({ kind: 'resumed', step, metrics: null, summary: `Resumed after step ${step.toLocaleString('en-US')}`, cause: '', advice: '' });
    if (status?.error) marks.push({ kind: 'failed', step: status.error.step, metrics: null, summary: 'The run failed here', cause: sentence(status.error.message), advice: '' });
    return marks.sort((a, b) => a.step - b.step);
  }
}
