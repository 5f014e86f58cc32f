/** A share of successes with its uncertainty. */

export interface Rate {
  /** How many succeeded, out of `total`. */
  count: number;
  total: number;
  /** count / total; 0 where the total is 0. */
  value: number;
  /** The 95 % interval. */
  low: number;
  high: number;
}

/** The 95 % normal quantile, two-sided. */
const z = 1.959963984540054;

/**
 * A share of independent successes with Wilson's score interval, which stays in [0, 1] and holds for few trials and extreme shares.
 * E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
 */
export function wilson(count: number, total: number): Rate {
  if (total === 0) return { count, total, value: 0, low: 0, high: 1 };
  const share = count / total;
  const scale = 1 + (z * z) / total;
  const centre = (share + (z * z) / (2 * total)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  return { count, total, value: share, low: count === 0 ? 0 : Math.max(0, centre - half), high: count === total ? 1 : Math.min(1, centre + half) };
}
