/** Which samples a step gets: a pure function of the seed and the step, so that resuming needs nothing but the step. */
import { Random } from '../random.ts';

/** One slot of a batch: a sample and the epoch that its augmentations are drawn for; where samples are repeated, each time has one of its own. */
export interface Slot {
  /** Of the dataset. */
  index: number;
  epoch: number;
}

/**
 * The order of `length` samples: a permutation per epoch, cut into batches, the last partial one dropped. A dataset
 * smaller than one batch is run through several times in it, each time as an epoch of its own. With `repeats` n, each sample
 * is taken n times in a row, and an epoch, which stays as long, has the first nth of its permutation (Hoffer et al., 2020, as in DeiT).
 */
export class SampleOrder {
  readonly stepsPerEpoch: number;
  private readonly length: number;
  private readonly batchSize: number;
  private readonly seed: number;
  private readonly repeats: number;
  /** The last permutations used; a step needs one, or a few where the dataset is smaller than a batch. */
  private readonly permutations = new Map<number, Uint32Array>();

  constructor(length: number, batchSize: number, seed: number, repeats = 1) {
    this.length = length;
    this.batchSize = batchSize;
    this.seed = seed;
    this.repeats = repeats;
    this.stepsPerEpoch = Math.max(1, Math.floor(length / batchSize));
  }

  /** The epoch that a step belongs to. */
  epochOf(step: number): number {
    return Math.floor(step / this.stepsPerEpoch);
  }

  /** The sample of a slot of a step. */
  slot(step: number, slot: number): Slot {
    if (this.length < this.batchSize) return this.at(step * this.batchSize + slot);
    const epoch = this.epochOf(step);
    return this.inEpoch(epoch, (step - epoch * this.stepsPerEpoch) * this.batchSize + slot);
  }

  /** The step that sees a sample as it is drawn for an epoch, the inverse of `slot`; null where the epoch leaves it out, with its last partial batch. */
  stepOf({ index, epoch }: Slot): number | null {
    const pass = Math.floor(epoch / this.repeats), place = this.permutation(pass).indexOf(index);
    const position = place * this.repeats + (epoch % this.repeats);
    if (place < 0 || position >= this.length) return null;
    if (this.length < this.batchSize) return Math.floor((pass * this.length + position) / this.batchSize);
    const step = Math.floor(position / this.batchSize);
    return step < this.stepsPerEpoch ? pass * this.stepsPerEpoch + step : null;
  }

  /**
   * The sample that stands in for a slot's own where that cannot be read, on the given try (1, 2, ...): the same slot
   * of as many batches later in the epoch, so that it is not in the same batch already.
   */
  replacement(step: number, slot: number, attempt: number): Slot {
    const epoch = this.length < this.batchSize ? Math.floor((step * this.batchSize + slot) / this.length) : this.epochOf(step);
    if (this.length < 2 * this.batchSize) return this.inEpoch(epoch, (slot + attempt) % this.length);
    const first = (step % this.stepsPerEpoch) * this.batchSize;
    return this.inEpoch(epoch, (first + slot + attempt * this.batchSize + Math.floor((attempt * this.batchSize) / this.length)) % this.length);
  }

  /** Position `place` of an endless sequence of whole permutations. */
  private at(place: number): Slot {
    const epoch = Math.floor(place / this.length);
    return this.inEpoch(epoch, place - epoch * this.length);
  }

  private inEpoch(epoch: number, position: number): Slot {
    return { index: this.permutation(epoch)[Math.floor(position / this.repeats)]!, epoch: epoch * this.repeats + (position % this.repeats) };
  }

  private permutation(epoch: number): Uint32Array {
    let order = this.permutations.get(epoch);
    if (!order) {
      order = new Random(this.seed, epoch).permutation(this.length);
      if (this.permutations.size >= 4) this.permutations.delete(this.permutations.keys().next().value!);
      this.permutations.set(epoch, order);
    }
    return order;
  }
}
