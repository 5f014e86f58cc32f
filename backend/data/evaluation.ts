/** Images for evaluation: the shorter side to size * 256 / 224 by bicubic, then the central crop, as features are compared; corrupted, where that is asked for. */
import type { CorruptionName } from '../augment/corruptions/names.ts';
import { RunError } from '../errors.ts';
import type { SkippedFile } from './batch.ts';
import type { Dataset } from './dataset.ts';
import type { CorruptedLevels, Job } from './job.ts';
import { DecodePool } from './pool.ts';

/** Small enough that two in flight take little memory, large enough to keep workers busy. */
const chunk = 64;
/** A corrupted image comes at several levels, and each costs more than decoding does. */
const corruptedChunk = 16, corruptedMilliseconds = 60_000;

type OnSkipped = (position: number, skipped: SkippedFile) => void;

interface Chunk {
  /** Place of its first sample in the order that was asked for. */
  start: number;
  count: number;
}

/** Some samples decoded. */
export interface EvaluationChunk extends Chunk {
  /** [count, size, size, 3] RGB. */
  pixels: Uint8Array;
}

export interface CorruptedChunk extends Chunk {
  name: CorruptionName;
  /** Of each level that was asked for [count, size, size, 3] RGB. */
  levels: Uint8Array[];
}

/**
 * Samples for evaluation in the order of `indices`, some at a time, so that any number fits into memory; the next are decoded meanwhile. A
 * file that cannot be read is reported with its position and left black; without `onSkipped` it throws RunError.
 */
export async function* evaluationChunks(dataset: Dataset, indices: ArrayLike<number>, size: number, workers: number | 'auto' = 'auto', onSkipped?: OnSkipped): AsyncGenerator<EvaluationChunk> {
  for await (const { views, ...place } of chunks(dataset, indices, { kind: 'evaluation', size }, [null], chunk, workers, undefined, onSkipped)) yield { ...place, pixels: views[0]! };
}

/** The same images under each corruption in turn, at some levels of it; they are made in the decoding processes. */
export async function* corruptedChunks(dataset: Dataset, indices: ArrayLike<number>, size: number, names: readonly CorruptionName[], corrupted: CorruptedLevels, onSkipped?: OnSkipped): AsyncGenerator<CorruptedChunk> {
  for await (const { views, corruption, ...place } of chunks(dataset, indices, { kind: 'evaluation', size, corrupted }, names, corruptedChunk, 'auto', corruptedMilliseconds, onSkipped)) yield { ...place, name: corruption!, levels: views };
}

type Decoded = Chunk & { corruption: CorruptionName | null; views: Uint8Array[] };

/** All images once for each of `passes`, by the same processes. */
async function* chunks(dataset: Dataset, indices: ArrayLike<number>, job: Job, passes: readonly (CorruptionName | null)[], length: number, workers: number | 'auto', sampleMilliseconds: number | undefined, onSkipped?: OnSkipped): AsyncGenerator<Decoded> {
  const pool = new DecodePool(job, workers, sampleMilliseconds);
  const load = async (corruption: CorruptionName | null, start: number): Promise<Decoded> => {
    const samples = Array.from({ length: Math.min(length, indices.length - start) }, (_, i) => ({ ...dataset.location(indices[start + i]!), index: indices[start + i]!, epoch: 0, ...(corruption !== null && { corruption }) }));
    const buffer = await pool.submit(samples, (slot, reason) => {
      const file = dataset.file(indices[start + slot]!);
      if (!onSkipped) throw new RunError(`cannot read ${file} of ${dataset.source}: ${reason}. Repair or remove it`);
      onSkipped(start + slot, { file, reason });
      return null;
    });
    return { start, count: samples.length, corruption, views: buffer.views.map(({ pixels }) => pixels) };
  };
  try {
    let ahead: Promise<Decoded> | null = null;
    for (const corruption of passes)
      for (let start = 0; start < indices.length; start += length) {
        const current: Promise<Decoded> | null = ahead;
        ahead = load(corruption, start);
        // A failure is reported where the chunk is asked for, which is later.
        ahead.catch(() => undefined);
        if (current) yield await current;
      }
    if (ahead) yield await ahead;
  } finally {
    await pool.close();
  }
}

/** As `evaluationChunks`, all at once: [indices.length, size, size, 3]. Rejects with the reason of a signal that is aborted. */
export async function loadEvaluationImages(dataset: Dataset, indices: ArrayLike<number>, size: number, workers: number | 'auto' = 'auto', onSkipped?: OnSkipped, signal?: AbortSignal): Promise<Uint8Array> {
  const images = new Uint8Array(indices.length * size * size * 3);
  for await (const { start, pixels } of evaluationChunks(dataset, indices, size, workers, onSkipped)) {
    images.set(pixels, start * size * size * 3);
    signal?.throwIfAborted();
  }
  return images;
}
