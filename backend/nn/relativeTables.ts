/** The numbers of SiameseIM's relative position embedding, without an engine: the model makes tensors of them, and the augmentation lab pictures. */
import type { RelativeGeometry } from '../augment/geometry.ts';

/** The parts of the embedding as plain numbers, row by row; `RelativeParts` says what they are. */
export interface RelativeTables {
  /** [B, grid, D / 2]. */
  rows: Float32Array;
  columns: Float32Array;
  /** [B, D]. */
  scales: Float32Array;
}

/**
 * SiameseIM's relative embedding (Tao et al., 2023): for every patch of view b its place in view a's patch grid and the logarithm
 * of the crops' size ratio, at frequencies 10000^(-k / (width / 4)).
 */
export function relativePositionTables(geometry: RelativeGeometry[], grid: number, width: number): RelativeTables {
  const quarter = width / 4;
  const frequencies = Float64Array.from({ length: quarter }, (_, k) => 10000 ** (-k / quarter));
  const [rows, columns, scales] = [grid * 2, grid * 2, 4].map((parts) => new Float32Array(geometry.length * parts * quarter)) as [Float32Array, Float32Array, Float32Array];
  const put = (table: Float32Array, at: number, value: number): void => {
    for (let k = 0; k < quarter; k++) {
      const angle = value * frequencies[k]!;
      table[at + k] = Math.sin(angle);
      table[at + quarter + k] = Math.cos(angle);
    }
  };
  geometry.forEach((g, sample) => {
    for (let p = 0; p < grid; p++) {
      const at = (sample * grid + p) * 2 * quarter;
      put(rows, at, g.deltaH * (p + 0.5) + g.deltaI * grid - 0.5);
      put(columns, at, g.relativeFlip ? -g.deltaW * (p + 0.5) + g.flipDeltaJ * grid - 0.5 : g.deltaW * (p + 0.5) + g.deltaJ * grid - 0.5);
    }
    put(scales, sample * width, 10 * Math.log(g.deltaH));
    put(scales, sample * width + 2 * quarter, 10 * Math.log(g.deltaW));
  });
  return { rows, columns, scales };
}
