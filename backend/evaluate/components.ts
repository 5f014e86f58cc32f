/** How features fill their space: their spread, how many directions they use, and their three main directions as colours. */
import { symmetricEigenvalues } from './spectrum.ts';
import { dotRows, meanRow, rowCount } from './vectors.ts';

/** The products of all pairs of columns of a table [count, dimension], or of rows where these are fewer; both have the same nonzero eigenvalues. */
function gram(table: Float32Array, count: number, dimension: number): { matrix: Float64Array; order: number } {
  const order = Math.min(count, dimension);
  const matrix = new Float64Array(order * order);
  if (count <= dimension) {
    for (let i = 0; i < count; i++) for (let j = 0; j <= i; j++) matrix[i * order + j] = matrix[j * order + i] = dotRows(table, i, table, j, dimension);
    return { matrix, order };
  }
  for (let row = 0; row < count; row++)
    for (let i = 0; i < dimension; i++) {
      const value = table[row * dimension + i]!;
      for (let j = 0; j <= i; j++) matrix[i * order + j]! += value * table[row * dimension + j]!;
    }
  for (let i = 0; i < dimension; i++) for (let j = 0; j < i; j++) matrix[j * order + i] = matrix[i * order + j]!;
  return { matrix, order };
}

const centred = (features: Float32Array, dimension: number): Float32Array => {
  const mean = meanRow(features, dimension);
  return features.map((v, i) => v - mean[i % dimension]!);
};

/** The root mean square over dimensions of the standard deviation over rows, of features [count, dimension]. */
export function featureStd(features: Float32Array, dimension: number): number {
  rowCount(features, dimension, 'features');
  return Math.sqrt(centred(features, dimension).reduce((sum, v) => sum + v * v, 0) / features.length);
}

/** Singular values of features [count, dimension] less their mean row, largest first, min(count, dimension) of them; what rounding leaves of a zero is 0. */
export function centredSingularValues(features: Float32Array, dimension: number): Float64Array {
  const count = rowCount(features, dimension, 'features');
  const { matrix, order } = gram(centred(features, dimension), count, dimension);
  // Smaller eigenvalues are rounding error: features have 24 bits, eigenvalues are squares.
  const floor = features.reduce((sum, v) => sum + v * v, 0) * 2 ** -46;
  return symmetricEigenvalues(matrix, order).map((value) => (value > floor ? Math.sqrt(value) : 0));
}

/**
 * How many directions features [count, dimension] spread over, their mean taken off: 1 where all lie on a line, at most
 * min(count - 1, dimension); 0 where all are equal. With the mean left in it would be RankMe, which counts one direction more.
 */
export const effectiveRank = (features: Float32Array, dimension: number): number => rankOfSingularValues(centredSingularValues(features, dimension));

/** e to the entropy of the singular values, each as a share of their sum; 0 where all are 0. O. Roy and M. Vetterli, "The effective rank", EUSIPCO 2007. */
export function rankOfSingularValues(singular: Float64Array): number {
  const sum = singular.reduce((total, s) => total + s, 0);
  if (sum === 0) return 0;
  return Math.exp(-singular.reduce((total, s) => (s > 0 ? total + (s / sum) * Math.log(s / sum) : total), 0));
}

/**
 * The leading `count` principal directions of features [rows, dimension], as rows [count, dimension] of length 1 (zero where
 * there are fewer), each with its largest element positive. Orthogonal iteration on the products of rows or columns, whichever are fewer.
 */
export function principalDirections(features: Float32Array, dimension: number, count: number): Float64Array {
  const table = centred(features, dimension);
  const rows = rowCount(features, dimension, 'features');
  const { matrix, order } = gram(table, rows, dimension);
  let vectors = new Float64Array(count * order), next = new Float64Array(count * order);
  // Any start that is not orthogonal to a direction will do; this one has no symmetry.
  for (let i = 0; i < vectors.length; i++) vectors[i] = Math.sin(1 + i * 1.618) + 0.1 * Math.cos(i * i * 0.37);
  for (let iteration = 0; iteration < 200; iteration++) {
    for (let c = 0; c < count; c++)
      for (let i = 0; i < order; i++) {
        let sum = 0;
        for (let j = 0; j < order; j++) sum += matrix[i * order + j]! * vectors[c * order + j]!;
        next[c * order + i] = sum;
      }
    orthonormalize(next, count, order);
    let change = 0;
    for (let i = 0; i < next.length; i++) change = Math.max(change, Math.abs(next[i]! - vectors[i]!));
    [vectors, next] = [next, vectors];
    if (change < 1e-7) break;
  }
  const directions = rows > dimension ? vectors : throughRows(vectors, table, count, rows, dimension);
  for (let c = 0; c < count; c++) {
    const direction = directions.subarray(c * dimension, (c + 1) * dimension);
    const largest = direction.reduce((held, v) => (Math.abs(v) > Math.abs(held) ? v : held), 0);
    if (largest < 0) for (let i = 0; i < dimension; i++) direction[i] = -direction[i]!;
  }
  return directions;
}

/** Directions among rows [count, rows] as directions among columns [count, dimension]. */
function throughRows(vectors: Float64Array, table: Float32Array, count: number, rows: number, dimension: number): Float64Array<ArrayBuffer> {
  const directions = new Float64Array(count * dimension);
  for (let c = 0; c < count; c++)
    for (let row = 0; row < rows; row++) {
      const share = vectors[c * rows + row]!;
      for (let i = 0; i < dimension; i++) directions[c * dimension + i]! += share * table[row * dimension + i]!;
    }
  orthonormalize(directions, count, dimension);
  return directions;
}

/** Gram and Schmidt's process by rows, twice for accuracy; a row that depends on those before it becomes zero. */
function orthonormalize(rows: Float64Array, count: number, dimension: number): void {
  const at = (c: number): Float64Array => rows.subarray(c * dimension, (c + 1) * dimension);
  const length = (row: Float64Array): number => Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
  const scale = length(at(0));
  for (let c = 0; c < count; c++) {
    const row = at(c);
    for (let pass = 0; pass < 2; pass++)
      for (let earlier = 0; earlier < c; earlier++) {
        const other = at(earlier);
        const share = row.reduce((sum, v, i) => sum + v * other[i]!, 0);
        for (let i = 0; i < dimension; i++) row[i]! -= share * other[i]!;
      }
    const norm = length(row);
    for (let i = 0; i < dimension; i++) row[i] = norm > scale * 1e-12 ? row[i]! / norm : 0;
  }
}

/**
 * Colours of patches by their three main directions, shared by all given tables [patches, dimension], so that equal colours mean
 * like features. Returns a table of bytes [patches, 3] each; the middle 96 % of a direction's values span the scale.
 */
export function componentColours(tables: readonly Float32Array[], dimension: number): Uint8Array[] {
  const all = new Float32Array(tables.reduce((sum, table) => sum + table.length, 0));
  let offset = 0;
  for (const table of tables) {
    all.set(table, offset);
    offset += table.length;
  }
  const mean = meanRow(all, dimension);
  const directions = principalDirections(all, dimension, 3);
  const project = (table: Float32Array, c: number): Float64Array =>
    Float64Array.from({ length: table.length / dimension }, (_, row) => {
      let sum = 0;
      for (let i = 0; i < dimension; i++) sum += (table[row * dimension + i]! - mean[i]!) * directions[c * dimension + i]!;
      return sum;
    });
  const colours = tables.map((table) => new Uint8Array((table.length / dimension) * 3));
  for (let c = 0; c < 3; c++) {
    const sorted = project(all, c).sort();
    const low = sorted[Math.floor(0.02 * (sorted.length - 1))]!;
    const high = sorted[Math.ceil(0.98 * (sorted.length - 1))]!;
    tables.forEach((table, t) => {
      project(table, c).forEach((value, row) => {
        const share = high > low ? (value - low) / (high - low) : 0.5;
        colours[t]![row * 3 + c] = Math.round(255 * Math.min(Math.max(share, 0), 1));
      });
    });
  }
  return colours;
}
