/** What the curves panel and its host tell each other. Runs and metrics go by numbers that hold for one panel; a webview never names a path. */
import type { HealthKind, RunState } from '../protocol.ts';

export type XAxis = 'step' | 'epoch' | 'time' | 'images';

/** Something that happened at a step of a run. */
export interface CurveMark {
  kind: HealthKind | 'resumed' | 'failed';
  step: number;
  /** Metrics that it is about; null: all. */
  metrics: number[] | null;
  summary: string;
  /** Why it happens and what to do; empty where there is nothing to say. */
  cause: string;
  advice: string;
}

/** A run as the panel shows it. */
export interface CurveRun {
  id: number;
  name: string;
  /** Where it lies, for people. */
  place: string;
  /** Its place among the palette's colours, which it keeps. */
  colour: number;
  /** null: files of another tool, which say nothing about whether they are still written. */
  state: RunState | 'lost' | null;
  /** Why it failed, was lost, waits, or cannot be read; one line. */
  reason: string | null;
  step: number | null;
  steps: number | null;
  /** Seconds to go. */
  eta: number | null;
  /** When the last numbers came, in milliseconds since 1970. */
  grown: number | null;
  /** Share of its files that has been read; 1 when all is there. */
  read: number;
  points: number;
  axes: XAxis[];
  /** The metric that says how it does, mostly the loss. */
  primary: { metric: number; last: number; lowest: number; lowestStep: number; nonFinite: number; points: number } | null;
  marks: CurveMark[];
  /** What there is to say about its files: damaged lines, superseded points. */
  notes: string[];
}

export interface CurveMetric {
  id: number;
  name: string;
  /** Of all runs. */
  points: number;
}

export interface CurvesOpen {
  /** The panel's own name, which its state keeps across a reload. */
  panel: string;
  runs: CurveRun[];
  metrics: CurveMetric[];
}

/** More was read, or a run's state changed. */
export interface CurvesNotice {
  runs: CurveRun[];
  metrics: CurveMetric[];
}

export interface CurveStretch {
  axis: XAxis;
  runs: number[];
  metrics: number[];
  /** What is in view; null: all there is. */
  range: { min: number; max: number } | null;
  /** Columns of pixels in view. */
  columns: number;
  /** Weight of what came before, from 0 to below 1. */
  smoothing: number;
}

/** Numbers of a whole series, whatever is in view. */
export interface CurveSummary {
  points: number;
  nonFinite: number;
  firstStep: number;
  lastStep: number;
  last: number;
  lowest: number;
  lowestStep: number;
  highest: number;
  highestStep: number;
}

/** One series in a stretch. Its numbers lie in the slice's buffer, at `offset` (in float64s): x, y, smooth x, smooth y, non-finite x, non-finite kind. */
export interface CurveTrace {
  run: number;
  metric: number;
  offset: number;
  points: number;
  smooth: number;
  nonFinite: number;
  /** Points in view, of all that the series has. */
  shown: number;
  summary: CurveSummary;
  /** Where the run's marks lie on the axis, in their order. */
  marks: number[];
}

export interface CurveSlice {
  /** Of all runs asked for, on this axis; null: there is nothing. */
  extent: { min: number; max: number } | null;
  /** What the traces cover: the range asked for and as much again on either side. */
  covered: { min: number; max: number };
  traces: CurveTrace[];
  buffer: ArrayBuffer;
  /** Runs that cannot be drawn over this axis. */
  without: number[];
}

/** A type and not an interface, so that it is a `PanelCalls`. */
export type CurvesCalls = {
  slice: { request: CurveStretch; reply: CurveSlice };
  /** Every point of the metric in the range, as a file that the user names. */
  saveTable: { request: { axis: XAxis; runs: number[]; metric: number; range: { min: number; max: number } | null }; reply: { saved: string | null } };
  /** A picture of the metric's chart. */
  savePicture: { request: { metric: number; format: 'png' | 'svg'; bytes: ArrayBuffer }; reply: { saved: string | null } };
  /** Asks the user for more runs to show. */
  add: { request: Record<never, never>; reply: { added: number } };
};
