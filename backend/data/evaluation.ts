/** Images for evaluation: the shorter side to size * 256 / 224 by bicubic, then the central crop, as features are compared. */
import { RunError } from '../errors.ts';
import type { SkippedFile } from './batch.ts';
import type { Dataset } from './dataset.ts';
import { DecodePool } from './pool.ts';

/** Small enough that two in flight take little memory, large enough to keep workers busy. */
const chunk = 64;

/**
 * Loads samples for evaluation. Returns RGB [indices.length, size, size, 3] in the order of `indices`. A file that
 * cannot be read is reported with its position and left black; without `onSkipped` it rejects with RunError.
 * Rejects with the signal's reason where it is aborted.
 */
export async function loadEvaluationImages(
  dataset: Dataset,
  indices: ArrayLike<number>,
  size: number,
  workers: number | 'auto' = 'auto',
  onSkipped?: (position: number, skipped: SkippedFile) => void,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const imageBytes = size * size * 3;
  const images = new Uint8Array(indices.length * imageBytes);
  const pool = new DecodePool({ kind: 'evaluation', size }, workers);
  const load = async (start: number) => {
    const samples = Array.from({ length: Math.min(chunk, indices.length - start) }, (_, i) => ({ ...dataset.location(indices[start + i]!), index: indices[start + i]!, epoch: 0 }));
    const buffer = await pool.submit(samples, (slot, reason) => {
      const file = dataset.file(indices[start + slot]!);
      if (!onSkipped) throw new RunError(`cannot read ${file} of ${dataset.source}: ${reason}. Repair or remove it`);
      onSkipped(start + slot, { file, reason });
      return null;
    });
    images.set(buffer.views[0]!.pixels, start * imageBytes);
  };
  try {
    let ahead: Promise<void> = Promise.resolve();
    for (let start = 0; start < indices.length; start += chunk) {
      const current = load(start);
      current.catch(() => undefined);
      await ahead;
      ahead = current;
      signal?.throwIfAborted();
    }
    await ahead;
    return images;
  } finally {
    await pool.close();
  }
}
