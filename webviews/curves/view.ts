/** What the user chose to see: kept across reloads, in the webview's own state, by names that last. */
import type { CurveMetric, CurveRun, XAxis } from '../../backend/protocol.ts';

export interface Range {
  min: number;
  max: number;
}

export interface ViewState {
  panel: string;
  axis: XAxis;
  /** Weight of what came before; null: as suits the number of points. */
  smoothing: number | null;
  /** null: all there is, growing with it. */
  range: Range | null;
  /** Places of runs that are not drawn. */
  hidden: string[];
  /** Names of metrics that are drawn; null: those that say most. */
  metrics: string[] | null;
  /** Names of metrics with a logarithmic axis. */
  log: string[];
  /** Names of metrics that come first and wide. */
  pinned: string[];
}

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []);
export const axes: readonly XAxis[] = ['step', 'epoch', 'time', 'images'];

/** The state that the editor kept, whatever its shape. */
export function restoreView(saved: unknown): ViewState {
  const { panel, axis, smoothing, range, hidden, metrics, log, pinned } = (typeof saved === 'object' && saved !== null ? saved : {}) as Record<string, unknown>;
  const { min, max } = (typeof range === 'object' && range !== null ? range : {}) as Record<string, unknown>;
  return {
    panel: typeof panel === 'string' ? panel : '',
    axis: axes.find((known) => known === axis) ?? 'step',
    smoothing: typeof smoothing === 'number' && smoothing >= 0 && smoothing < 1 ? smoothing : null,
    range: typeof min === 'number' && typeof max === 'number' && Number.isFinite(max - min) && min < max ? { min, max } : null,
    hidden: strings(hidden), metrics: Array.isArray(metrics) ? strings(metrics) : null, log: strings(log), pinned: strings(pinned),
  };
}

/** Steps that the smoothed line looks back over, as a share of a run's: few enough not to lag behind a short run, many enough to compare long noisy ones by. */
const smoothedParts = 60, strongest = 0.995;

/** The weight that is smoothed with. By powers of two of the longest run's steps, so that it seldom changes under a run that goes on. */
export function smoothingOf({ smoothing }: ViewState, runs: readonly CurveRun[]): number {
  if (smoothing !== null) return smoothing;
  const points = 2 ** Math.floor(Math.log2(Math.max(1, ...runs.map(({ primary, points: all }) => primary?.points ?? all))));
  return Math.round(1000 * Math.max(0, Math.min(strongest, 1 - smoothedParts / points))) / 1000;
}

/** What says most about a run of ours, in this order. */
const telling = ['loss', 'eval_knn_top1', 'eval_pck_0', 'feature_std', 'effective_rank', 'grad_norm', 'learning_rate', 'images_per_second'];
/** What is there to be looked up, and seldom looked at. */
const bookkeeping = /^(epoch|seconds|data_seconds|eval_seconds|elapsed_seconds|memory_mb|_runtime|_timestamp|timestamp|time)$/;
const chartsAtFirst = 6;

/** The metrics to draw, in order: pinned ones first. */
export function chosenMetrics(view: ViewState, metrics: readonly CurveMetric[], runs: readonly CurveRun[]): CurveMetric[] {
  const chosen = view.metrics;
  let names: string[];
  if (chosen) names = metrics.filter(({ name }) => chosen.includes(name)).map(({ name }) => name);
  else {
    const primary = runs.flatMap((run) => metrics.find(({ id }) => id === run.primary?.metric)?.name ?? []);
    const all = metrics.map(({ name }) => name);
    names = [...new Set([...primary, ...telling.filter((name) => all.includes(name)), ...all.filter((name) => !bookkeeping.test(name)), ...all])].slice(0, chartsAtFirst);
  }
  const order = [...view.pinned.filter((name) => names.includes(name)), ...names.filter((name) => !view.pinned.includes(name))];
  return order.flatMap((name) => metrics.find((metric) => metric.name === name) ?? []);
}
