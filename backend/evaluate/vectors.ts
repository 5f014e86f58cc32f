/** What the measures of features share: reading a table of vectors, lengths and products. A table is a Float32Array [count, dimension], by rows. */
import { RunError } from '../errors.ts';

/** The number of rows. Throws RunError where the table is not whole rows of `dimension` values, or has none. */
export function rowCount(table: Float32Array, dimension: number, name: string): number {
  const count = table.length / dimension;
  if (!Number.isInteger(dimension) || dimension < 1 || !Number.isInteger(count) || count < 1) throw new RunError(`The ${name} are ${table.length} values, which is not one or more rows of ${dimension}.`);
  return count;
}

/** A copy with every row scaled to length 1; a row of zeros stays. Throws RunError where a value is not finite. */
export function normalizeRows(table: Float32Array, dimension: number, name: string): Float32Array {
  const result = new Float32Array(table.length);
  for (let row = 0; row < rowCount(table, dimension, name); row++) {
    let sum = 0;
    for (let i = row * dimension; i < (row + 1) * dimension; i++) sum += table[i]! * table[i]!;
    if (!Number.isFinite(sum)) throw new RunError(`Row ${row} of the ${name} holds a value that is not finite: the model's weights have overflowed, so take an earlier checkpoint.`);
    const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
    for (let i = row * dimension; i < (row + 1) * dimension; i++) result[i] = table[i]! * scale;
  }
  return result;
}

/** The product of row `i` of a with row `j` of b. */
export function dotRows(a: Float32Array, i: number, b: Float32Array, j: number, dimension: number): number {
  let sum = 0;
  const oa = i * dimension;
  const ob = j * dimension;
  for (let k = 0; k < dimension; k++) sum += a[oa + k]! * b[ob + k]!;
  return sum;
}

/** The mean row, [dimension]. */
export function meanRow(table: Float32Array, dimension: number): Float64Array {
  const count = rowCount(table, dimension, 'features');
  const mean = new Float64Array(dimension);
  for (let i = 0; i < table.length; i++) mean[i % dimension]! += table[i]!;
  return mean.map((sum) => sum / count);
}
