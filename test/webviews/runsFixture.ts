/** Run folders as training and other tools write them, with seeded numbers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HealthFinding, MetricsRow, RunStatus } from '../../backend/protocol.ts';
import { Random } from '../../backend/random.ts';
import type { KnownRun } from '../../extension/series/watchedRun.ts';

export interface RunOptions {
  seed: number;
  steps: number;
  /** The loss goes up again from here. */
  divergesAt?: number;
  /** Steps whose loss is not a number. */
  notFinite?: readonly number[];
}

export function metricsRows({ seed, steps, divergesAt = Infinity, notFinite = [] }: RunOptions): MetricsRow[] {
  const random = new Random(11, seed);
  return Array.from({ length: steps }, (_, i) => {
    const step = i + 1, share = step / steps;
    const rise = step > divergesAt ? ((step - divergesAt) / (steps - divergesAt)) * 0.9 : 0;
    return {
      step, epoch: step / 250, loss: notFinite.includes(step) ? NaN : 0.25 + 0.7 / (1 + 22 * share) + rise + 0.03 * random.normal() * (1.2 - share) - 0.03 * seed, grad_norm: Math.exp(random.normal() * 0.35) * (0.4 + 0.8 * (1 - share)), learning_rate: 5e-4 * Math.min(1, share / 0.08) * (0.5 + 0.5 * Math.cos(Math.PI * share)),
      images_per_second: 620 + 30 * random.normal() - (step % 400 < 4 ? 380 : 0), seconds: 0.1, data_seconds: 0.01, elapsed_seconds: step * 0.41, memory_mb: 900,
      feature_std: 0.2 + 0.75 * (1 - Math.exp(-5 * share)) + 0.01 * random.normal() - (rise > 0 ? 0.5 * rise : 0), effective_rank: 2 + 30 * share + random.normal(),
    };
  });
}

export const lineOf = (row: object): string => `${JSON.stringify(row, (_key, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value))}\n`;

export function writeRun(folder: string, options: RunOptions): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ name: 'run', batch: { size: 64, accumulate: 2 } }));
  writeFileSync(join(folder, 'metrics.jsonl'), metricsRows(options).map(lineOf).join(''));
}

export const divergence = (step: number): HealthFinding => ({ kind: 'divergence', step, summary: 'the loss diverges: 0.81, after 0.33', cause: 'steps are too large for the loss around them', advice: 'go back to an earlier checkpoint with a lower optimizer.baseLearningRate' });

export function knownRun(name: string, state: KnownRun['state'], step: number, steps: number, more: Partial<RunStatus> = {}): KnownRun {
  return {
    state, reason: null,
    status: {
      state: state === 'lost' ? 'running' : state, name, pid: 1, host: 'here', started: '2026-01-01T00:00:00Z', updated: '2026-01-01T00:00:00Z', step, steps, epoch: step / 250, loss: 0.4, imagesPerSecond: 620, eta: (steps - step) * 0.41, elapsedSeconds: step * 0.41,
      engine: null, images: 16000, skipped: 0, checkpoint: null, resumedFrom: null, waiting: null, queue: null, socket: null, evaluating: false, evaluation: null, health: [], error: null, ...more,
    },
  };
}
