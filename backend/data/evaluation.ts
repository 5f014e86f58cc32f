/** Images for evaluation: the shorter side to size * 256 / 224 by bicubic, then the central crop, as features are compared. */
import { RunError } from '../errors.ts';
import type { SkippedFile } from './batch.ts';
import type { Dataset } from './dataset.ts';
import { DecodePool } from './pool.ts';

/** Small enough that two in flight take little memory, large enough to keep workers busy. */
const chunk = 64;

/** Some samples decoded: their places in the order that was asked for begin at `start`. */
export interface EvaluationChunk {
  start: number;
  count: number;
  /** [count, size, size, 3] RGB. */
  pixels: Uint8Array;
}

/**
 * Samples for evaluation in the order of `indices`, some at a time, so that any number fits into memory; the next are decoded meanwhile. A
 * file that cannot be read is reported with its position and left black; without `onSkipped` it throws RunError.
 */
export async function* evaluationChunks(
  dataset: Dataset,
  indices: ArrayLike<number>,
  size: number,
  workers: number | 'auto' = 'auto',
  onSkipped?: (position: number, skipped: SkippedFile) => void,
): AsyncGenerator<EvaluationChunk> {
  const pool = new DecodePool({ kind: 'evaluation', size }, workers);
  const load = async (start: number): Promise<EvaluationChunk> => {
    const samples = Array.from({ length: Math.min(chunk, indices.length - start) }, (_, i) => ({ ...dataset.location(indices[start + i]!), index: indices[start + i]!, epoch: 0 }));
    const buffer = await pool.submit(samples, (slot, reason) => {
      const file = dataset.file(indices[start + slot]!);
      if (!onSkipped) throw new RunError(`cannot read ${file} of ${dataset.source}: ${reason}. Repair or remove it`);
      onSkipped(start + slot, { file, reason });
      return null;
    });
    return { start, count: samples.length, pixels: buffer.views[0]!.pixels };
  };
  const begin = (start: number): Promise<EvaluationChunk> | null => {
    if (start >= indices.length) return null;
    const loading = load(start);
    // A failure is reported where the chunk is asked for, which may be later.
    loading.catch(() => undefined);
    return loading;
  };
  try {
    let next = begin(0);
    for (let start = chunk; next; start += chunk) {
      const current: Promise<EvaluationChunk> = next;
      next = begin(start);
      yield await current;
    }
  } finally {
    await pool.close();
  }
}

/** As `evaluationChunks`, all at once: [indices.length, size, size, 3]. */
export async function loadEvaluationImages(...[dataset, indices, size, workers, onSkipped]: Parameters<typeof evaluationChunks>): Promise<Uint8Array> {
  const images = new Uint8Array(indices.length * size * size * 3);
  for await (const { start, pixels } of evaluationChunks(dataset, indices, size, workers, onSkipped)) images.set(pixels, start * size * size * 3);
  return images;
}
