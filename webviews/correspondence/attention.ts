/** Rows of attention: one head's or the mean of all, and the patches that together have most of it. No drawing, so that tests run it as it is. */

export interface Attention {
  heads: number;
  /** The class token and all patches. */
  tokens: number;
  /** [heads, tokens, tokens]: rows of sum 1. */
  probabilities: Float32Array;
}

/** What token `from` takes of each token, [tokens]; `head` null: the mean of all heads. */
export function rowOf({ heads, tokens, probabilities }: Attention, from: number, head: number | null): Float32Array {
  const row = (h: number): Float32Array => probabilities.subarray((h * tokens + from) * tokens, (h * tokens + from + 1) * tokens);
  if (head !== null) return row(Math.min(head, heads - 1));
  const mean = new Float32Array(tokens);
  for (let h = 0; h < heads; h++) row(h).forEach((value, k) => (mean[k]! += value / heads));
  return mean;
}

/** The fewest patches that together have more than `mass` of all that goes to patches, as DINO's pictures keep them: 1 is kept. */
export function keptByMass(values: Float32Array, mass: number): Uint8Array {
  const order = Array.from(values.keys()).sort((p, q) => values[p]! - values[q]!);
  const total = values.reduce((sum, value) => sum + value, 0) || 1;
  const kept = new Uint8Array(values.length);
  let sum = 0;
  for (const patch of order) {
    sum += values[patch]! / total;
    if (sum > 1 - mass) kept[patch] = 1;
  }
  return kept;
}
