/** What decoding workers are asked to do, and the messages between them and the pool. */
import { expandViews, gridOf, type ViewPlan } from '../augment/plan.ts';
import type { ViewShape } from './batchBuffer.ts';
import type { SampleLocation } from './dataset.ts';

/** The views of training, or the one resized and centrally cropped picture of evaluation. */
export type Job = { kind: 'views'; plan: ViewPlan; seed: number } | { kind: 'evaluation'; size: number };

export interface JobSample extends SampleLocation {
  /** Of the dataset. */
  index: number;
  epoch: number;
}

export interface WorkerData {
  job: Job;
  /** Int64 cells: when the sample in work was begun (nanoseconds of process.hrtime, 0 is none), its batch, its slot, and whether to stop. */
  heartbeat: SharedArrayBuffer;
}

export const heartbeatCells = { begun: 0, batch: 1, slot: 2, stop: 3, count: 4 };

export type ToWorker =
  | { kind: 'batch'; id: number; buffer: SharedArrayBuffer; samples: JobSample[] }
  /** One more try at a slot, with another sample. */
  | { kind: 'slot'; id: number; slot: number; attempt: number; sample: JobSample }
  | { kind: 'drop'; id: number }
  /** Wakes an idle worker that has been told to stop in its heartbeat. */
  | { kind: 'stop' };

export type FromWorker =
  | { kind: 'complete'; id: number }
  | { kind: 'failed'; id: number; slot: number; attempt: number; reason: string };

/** The views that a job writes, in order. */
export function jobShapes(job: Job): ViewShape[] {
  if (job.kind === 'evaluation') return [{ name: 'evaluation', size: job.size, patches: 0 }];
  return expandViews(job.plan).map((view) => ({
    name: view.name,
    size: view.size,
    patches: view.mask && view.mask.kind !== 'none' ? gridOf(view, job.plan.patchSize) ** 2 : 0,
  }));
}
