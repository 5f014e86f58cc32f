/** Many images sorted by code or prototype: how many of these are used, and which images and patches belong to each. */
import type { GatheredFacts, GatheredTables } from '../protocol.ts';
import { Random } from '../random.ts';
import { distributionOf, entropyOf } from './assignment.ts';

export const keptMembers = 12;

export type Gathered = GatheredFacts & GatheredTables<Int32Array, Float32Array>;

export class Gathering {
  private readonly counts: Int32Array;
  private readonly members: Int32Array;
  private readonly shares: Float32Array;
  /** Of each member, the greatest first. */
  private readonly closeness: Float32Array;
  private images = 0;
  private ownEntropy: number | null = null;

  constructor(entries: number) {
    this.counts = new Int32Array(entries);
    this.members = new Int32Array(2 * entries * keptMembers).fill(-1);
    this.shares = new Float32Array(entries * keptMembers);
    this.closeness = new Float32Array(entries * keptMembers).fill(-Infinity);
  }

  /** An image's logits over all prototypes: each prototype keeps those it has the highest logits with. */
  addLogits(image: number, logits: Float32Array): void {
    this.images++;
    const shares = distributionOf(logits);
    let best = 0;
    for (let k = 0; k < logits.length; k++) {
      if (logits[k]! > logits[best]!) best = k;
      this.keep(k, logits[k]!, image, -1, shares[k]!);
    }
    this.counts[best]!++;
    this.ownEntropy = (this.ownEntropy ?? 0) + entropyOf(shares);
  }

  /** An image's codes, [patches]: of each code it has, one patch is kept, the middle one of its own. Which images are kept is drawn evenly, so that they are not all of the first folder. */
  addCodes(image: number, codes: Int32Array): void {
    this.images++;
    const patches = new Map<number, number[]>();
    codes.forEach((code, patch) => {
      this.counts[code]!++;
      patches.set(code, [...(patches.get(code) ?? []), patch]);
    });
    const drawn = new Random(image).uniform();
    for (const [code, own] of patches) this.keep(code, drawn, image, own[own.length >> 1]!, 1);
  }

  result(skipped: number): Gathered {
    const { images, counts, members, shares } = this;
    const total = counts.reduce((sum, count) => sum + count, 0) || 1;
    return {
      images, skipped, counts, members, shares, kept: keptMembers,
      used: counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0),
      usageEntropy: entropyOf(Float64Array.from(counts, (count) => count / total)),
      ownEntropy: this.ownEntropy === null ? null : this.ownEntropy / images,
    };
  }

  private keep(entry: number, close: number, image: number, patch: number, share: number): void {
    const from = entry * keptMembers;
    if (close <= this.closeness[from + keptMembers - 1]!) return;
    let at = keptMembers - 1;
    for (; at > 0 && close > this.closeness[from + at - 1]!; at--) {
      this.closeness[from + at] = this.closeness[from + at - 1]!;
      this.shares[from + at] = this.shares[from + at - 1]!;
      this.members.copyWithin(2 * (from + at), 2 * (from + at - 1), 2 * (from + at));
    }
    this.closeness[from + at] = close;
    this.shares[from + at] = share;
    this.members.set([image, patch], 2 * (from + at));
  }
}
