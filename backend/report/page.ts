/** What the report's page finds embedded as JSON: the numbers behind its interactive parts. Arrays are base64, little-endian. */

export interface PageSeries {
  name: string;
  /** Float64. */
  steps: string;
  /** Float32. */
  values: string;
}

export interface PageCurve {
  scale: 'linear' | 'log';
  kind: 'share' | 'number';
  series: PageSeries[];
}

export interface PageMatches {
  /** Bytes [patches, patches]; byte q stands for the cosine low + (high - low) q / 255. */
  similarity: string;
  low: number;
  high: number;
  best: number[];
}

export interface PagePair {
  grid: number;
  /** Float32 [patches, 2], row and column in patches; NaN outside view a. */
  truth: string;
  before: PageMatches;
  after: PageMatches;
}

/** Curves of steps, then of evaluations. `curves[i]` and `pairs[i]` belong to the elements with `data-curve="i"` and `data-pair="i"`. */
export interface ReportPage {
  curves: PageCurve[];
  pairs: PagePair[];
}
