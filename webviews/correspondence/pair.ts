/** Two pictures with their features: what a patch of one is most like in the other, and where it truly lies. No drawing, so that tests run it as it is. */
import type { LookCalls, PairFacts } from '../../backend/protocol.ts';

export type Side = 'a' | 'b';
export const otherSide = (side: Side): Side => (side === 'a' ? 'b' : 'a');

/** A place in patches: 0.5 is the middle of the first. */
export interface Place {
  row: number;
  column: number;
}

/** What the model says of one patch. */
export interface Query {
  /** The picture that it is compared with. */
  over: Side;
  /** [patches]: the cosine with each patch there. */
  values: Float32Array;
  /** The first of the highest. */
  best: number;
  /** Where the patch truly lies there; null: not there, or not known. */
  truth: Place | null;
  /** From the best match's centre to the truth, in patches. */
  error: number | null;
  /** The best match is the patch that holds the truth, or so many away. */
  distance: number | null;
  /** The patch in both pictures, where it is in them: what was pointed at, and for a prediction what was predicted from. */
  at: { a: Place | null; b: Place | null };
}

export class Pair {
  readonly facts: PairFacts;
  /** Patches a side of each picture. */
  readonly grid: Readonly<Record<Side, number>>;
  /** The best match of each patch of a (of each place of b, where features are predicted), the reverse, and whether both agree. */
  readonly best: Int32Array;
  readonly bestOfB: Int32Array;
  readonly mutual: Uint8Array;
  /** [imageSize, imageSize, 3] RGB. */
  readonly pixels: Record<Side, Uint8Array>;
  /** [grid * grid, 3] RGB. */
  readonly colours: Record<Side, Uint8Array>;
  private readonly features: Record<Side, Float32Array>;
  /** [grid * grid, 2]; null: not known. */
  private readonly places: Record<Side, Float32Array | null>;
  readonly predicted: boolean;

  constructor(reply: LookCalls['pair']['reply'], predicted: boolean) {
    const { a, b, featuresA, featuresB, coloursA, coloursB, best, bestOfB, mutual, aInB, bInA, ...facts } = reply;
    this.facts = facts;
    this.grid = facts.grid;
    this.predicted = predicted;
    this.pixels = { a: new Uint8Array(a), b: new Uint8Array(b) };
    this.colours = { a: new Uint8Array(coloursA), b: new Uint8Array(coloursB) };
    this.features = { a: new Float32Array(featuresA), b: new Float32Array(featuresB) };
    this.best = new Int32Array(best);
    this.bestOfB = new Int32Array(bestOfB);
    this.mutual = new Uint8Array(mutual);
    this.places = { a: aInB && new Float32Array(aInB), b: bInA && new Float32Array(bInA) };
  }

  /** Whether true matches are known. */
  get isKnown(): boolean {
    return this.places.a !== null;
  }

  /** Where a patch's centre lies in the other picture; null: not there, or not known. */
  placeOf(side: Side, patch: number): Place | null {
    const row = this.places[side]?.[2 * patch], column = this.places[side]?.[2 * patch + 1];
    return row === undefined || column === undefined || Number.isNaN(row) ? null : { row, column };
  }

  /** What the model says of a patch; a reason where it says nothing. */
  query(side: Side, patch: number): Query | string {
    return this.predicted ? this.queryPrediction(side, patch) : this.queryFeatures(side, patch);
  }

  /** The true place that the match of the row `best` has is judged by; null where there is none. */
  truthOf(patch: number): Place | null {
    if (!this.predicted) return this.placeOf('a', patch);
    return this.isKnown && this.placeOf('b', patch) === null ? null : this.isKnown ? this.centre('b', patch) : null;
  }

  centre(side: Side, patch: number): Place {
    const grid = this.grid[side];
    return { row: Math.floor(patch / grid) + 0.5, column: (patch % grid) + 0.5 };
  }

  /** The patch that holds a place. */
  patchAt(side: Side, { row, column }: Place): number {
    const grid = this.grid[side], within = (v: number): number => Math.min(grid - 1, Math.max(0, Math.floor(v)));
    return within(row) * grid + within(column);
  }

  /** The cosine of row `patch` of one side with every row of the other. */
  similarities(side: Side, patch: number): Float32Array {
    const { dimension } = this.facts, from = this.features[side], to = this.features[otherSide(side)];
    const values = new Float32Array(this.grid[otherSide(side)] ** 2);
    const start = patch * dimension;
    for (let k = 0, at = 0; k < values.length; k++) {
      let sum = 0;
      for (let i = 0; i < dimension; i++) sum += from[start + i]! * to[at++]!;
      values[k] = sum;
    }
    return values;
  }

  private queryFeatures(side: Side, patch: number): Query {
    const over = otherSide(side), truth = this.placeOf(side, patch);
    return { ...this.judged(over, this.similarities(side, patch), truth), over, at: { a: side === 'a' ? this.centre('a', patch) : truth, b: side === 'b' ? this.centre('b', patch) : truth } };
  }

  /** What view a lets the model predict for a place of b, compared with what the target branch has in all of b. */
  private queryPrediction(side: Side, patch: number): Query | string {
    const inB = side === 'a' && this.isKnown ? this.placeOf('a', patch) : this.centre('b', patch);
    if (!inB) return 'view b does not show this patch: nothing is predicted for it';
    const place = this.patchAt('b', inB);
    const inA = this.isKnown ? this.placeOf('b', place) : this.centre('a', place);
    const truth = this.isKnown ? this.centre('b', place) : null;
    return { ...this.judged('b', this.similarities('a', place), truth), over: 'b', at: { a: side === 'a' ? this.centre('a', patch) : inA, b: this.centre('b', place) } };
  }

  private judged(over: Side, values: Float32Array, truth: Place | null): Pick<Query, 'values' | 'best' | 'truth' | 'error' | 'distance'> {
    let best = 0;
    for (let k = 1; k < values.length; k++) if (values[k]! > values[best]!) best = k;
    return { values, best, truth, ...this.errorOf(over, best, truth) };
  }

  /** How far a match in a picture is from the truth. */
  errorOf(over: Side, best: number, truth: Place | null): Pick<Query, 'error' | 'distance'> {
    if (!truth) return { error: null, distance: null };
    const centre = this.centre(over, best), holder = this.centre(over, this.patchAt(over, truth));
    return { error: Math.hypot(centre.row - truth.row, centre.column - truth.column), distance: Math.max(Math.abs(centre.row - holder.row), Math.abs(centre.column - holder.column)) };
  }
}

/** A match of both ways. */
export interface MutualMatch {
  patch: number;
  best: number;
  cosine: number;
  /** Patches from the one that holds the truth; null where there is none. */
  distance: number | null;
}

/** Matches that are each other's best, from the surest. */
export function mutualMatches(pair: Pair): MutualMatch[] {
  const matches: MutualMatch[] = [];
  pair.mutual.forEach((agree, patch) => {
    if (!agree) return;
    const best = pair.best[patch]!;
    matches.push({ patch, best, cosine: pair.similarities('a', patch)[best]!, distance: pair.errorOf('b', best, pair.truthOf(patch)).distance });
  });
  return matches.sort((p, q) => q.cosine - p.cosine);
}
