/**
 * Every record and message that crosses between the run process, its training thread, and those who watch it: types alone,
 * string-tagged unions, so that a missing case does not compile. A request to the training thread ends in a reply, an error,
 * or the thread's exit.
 */
import type { QueuePlace } from './protocol/runs.ts';

/** A line of metrics.jsonl: one optimizer step. Numbers only; what a method adds (positive_term, ...) is there by its own name. */
export interface MetricsRow extends Record<string, number> {
  /** Optimizer steps finished, this one included. */
  step: number;
  /** Passes over the images so far, with a fraction. */
  epoch: number;
  loss: number;
  /** Global norm before clipping. */
  grad_norm: number;
  learning_rate: number;
  /** Of the step, with the wait for its images. */
  images_per_second: number;
  seconds: number;
  /** Of them, waiting for images. */
  data_seconds: number;
  /** Training time of the run up to here, without what was done over after a resume. */
  elapsed_seconds: number;
  /** Resident memory of the process. */
  memory_mb: number;
}

/** `queued`: waits until its device is free. */
export type RunState = 'queued' | 'starting' | 'running' | 'stopping' | 'done' | 'failed' | 'stopped';

export interface EngineSummary {
  name: string;
  version: string;
  device: string;
  deviceName: string;
  precision: string;
}

export type HealthKind = 'feature-collapse' | 'rank-collapse' | 'code-collapse' | 'uniform-loss' | 'divergence' | 'vanishing-gradient';

/** What is wrong with a run's numbers, why that happens, and what to do. */
export interface HealthFinding {
  kind: HealthKind;
  step: number;
  summary: string;
  cause: string;
  advice: string;
}

export interface RunFailure {
  message: string;
  /** Steps that had been finished. */
  step: number;
  /** Images of the batch that it happened on. */
  files?: string[];
}

/** status.json: what a run is doing, or how it ended. */
export interface RunStatus {
  state: RunState;
  name: string;
  pid: number;
  host: string;
  /** When this process began, ISO 8601; nothing is computed from it. */
  started: string;
  updated: string;
  step: number;
  steps: number | null;
  epoch: number;
  loss: number | null;
  imagesPerSecond: number | null;
  /** Seconds to go; null before the first steps. */
  eta: number | null;
  elapsedSeconds: number;
  engine: EngineSummary | null;
  images: number | null;
  /** Files that could not be read so far. */
  skipped: number;
  /** Steps of the newest checkpoint. */
  checkpoint: number | null;
  resumedFrom: number | null;
  /** Why training pauses, such as a full disk. */
  waiting: string | null;
  /** Who is ahead while it is queued. */
  queue: QueuePlace | null;
  /** Its process's local socket, while there is one (backend/link). */
  socket: string | null;
  /** Whether it measures its model now, and takes no step. */
  evaluating: boolean;
  /** The newest; null before the first. */
  evaluation: RunEvaluation | null;
  health: HealthFinding[];
  error: RunFailure | null;
}

/** One number that a model as it is was found to have. */
export interface Measure {
  /** Its metric is `eval_ID`. */
  id: string;
  /** For people. */
  name: string;
  value: number;
  /** What knowing nothing gives; null where that is no number. */
  chance: number | null;
  /** Shares are of 1. */
  unit: 'share' | 'number';
}

/** What a run measured of its own model after a step, 0 before the first. */
export interface RunEvaluation {
  step: number;
  measures: Measure[];
}

/** A line of evaluations.jsonl: numbers only, the measures as `eval_ID`. */
export interface EvaluationRow extends Record<string, number> {
  /** Optimizer steps finished, 0 before the first. */
  step: number;
  epoch: number;
  /** As in metrics.jsonl, when it was measured. */
  elapsed_seconds: number;
  /** That measuring took. */
  eval_seconds: number;
}

/** What a run tells those who watch it. */
export type RunEvent =
  | { kind: 'queued'; place: QueuePlace }
  | { kind: 'opened'; folder: string; engine: EngineSummary; images: number; classes: number; parameters: number; steps: number; stepsPerEpoch: number; resumedFrom: number | null }
  | { kind: 'step'; row: MetricsRow; steps: number; eta: number | null }
  | { kind: 'evaluating'; step: number }
  | ({ kind: 'evaluated'; seconds: number } & RunEvaluation)
  | { kind: 'saved'; step: number; path: string; seconds: number }
  | { kind: 'skipped'; file: string; reason: string }
  | { kind: 'health'; finding: HealthFinding }
  | { kind: 'note'; text: string }
  | { kind: 'warning'; text: string }
  | { kind: 'ended'; state: RunState; step: number; steps: number | null; checkpoint: number | null; error: RunFailure | null };

/** Rates of one step, for the optimizer and the target branch. */
export interface StepRates {
  learningRate: number;
  weightDecay: number;
  /** null: there is no target branch. */
  momentum: number | null;
  /** What the method's own schedules come to, by name. */
  method?: Record<string, number>;
}

/** A finished file of a checkpoint. */
export interface FileDigest {
  sha256: string;
  bytes: number;
}

/** The training thread's requests with their replies. `Config` is backend/train/config.ts's RunConfig, kept out of here. */
export interface TrainingCalls<Config = unknown> {
  open: { request: { config: Config; checkpoint: { step: number; folder: string } | null }; reply: TrainingOpened };
  step: { request: { rates: StepRates }; reply: TrainingStep };
  save: { request: { folder: string }; reply: Record<string, FileDigest> };
  /** Measures the model as it is; null where it was cancelled. */
  evaluate: { request: Record<never, never>; reply: { measures: Measure[]; seconds: number } | null };
  /** Ends an evaluation that is under way. Answered at once, before what was asked for earlier. */
  cancel: { request: Record<never, never>; reply: null };
  close: { request: Record<never, never>; reply: null };
}

export interface TrainingOpened {
  /** What there is to say about the choice of engine. */
  notes: string[];
  engine: EngineSummary;
  images: number;
  classes: number;
  parameters: number;
  stepsPerEpoch: number;
  totalSteps: number;
  warmupSteps: number;
}

export interface TrainingStep {
  loss: number;
  gradNorm: number;
  metrics: Record<string, number>;
  seconds: number;
  dataSeconds: number;
  /** Peak bytes on the device; null where it shares the process's memory, or the engine cannot tell. */
  deviceBytes: number | null;
  skipped: { file: string; reason: string }[];
}

export type TrainingRequest<Config = unknown> = { [K in keyof TrainingCalls<Config>]: { kind: K; id: number } & TrainingCalls<Config>[K]['request'] }[keyof TrainingCalls<Config>];

/** An error as it crosses threads. */
export interface ErrorMessage {
  name: string;
  message: string;
  code?: string;
  stack?: string;
  files?: string[];
}

export type TrainingReply = { kind: 'reply'; id: number; value: unknown } | { kind: 'error'; id: number; error: ErrorMessage };

/** The report's page: what its browser code is given. */
export type { PageCurve, PageMatches, PagePair, PageSeries, ReportPage } from './report/page.ts';

/** What the command says of this machine, its recipes and its run files. */
export type * from './protocol/machine.ts';

/** The life of a run: its process and those who watch it. */
export type * from './protocol/runs.ts';

/** Webview panels and their hosts. */
export type * from './protocol/panels.ts';
export type * from './protocol/correspondence.ts';
export type * from './protocol/curves.ts';
export type * from './protocol/augmentation.ts';
export type * from './protocol/checkpoint.ts';
export type * from './protocol/study.ts';
