/** Embeddings as pictures: filters of patches as tiles of colour, positions by how alike they are, relative positions by their bias. */
import { InputError } from '../../backend/errors.ts';
import { shown } from '../../backend/formats/safetensorsHeader.ts';
import type { TensorFile, TensorInfo } from '../../backend/formats/tensorFile.ts';
import { toNumbers } from '../../backend/formats/numbers.ts';
import type { FilterPictures, PositionSimilarity, RelativeBias } from '../../backend/protocol.ts';
import { gridOf } from './architecture.ts';

/** A ViT-g's patch embedding is below it. */
const mostBytes = 2 ** 26;
const mostFilters = 2048;
/** The similarities of all pairs are given up to this many positions. */
const mostOverview = 400;

export async function readValues(file: TensorFile, { name, dtype, bytes }: TensorInfo): Promise<Float32Array | Float64Array> {
  if (bytes > mostBytes) throw new InputError(`tensor "${shown(name)}" has ${bytes} bytes: pictures are made of at most ${mostBytes}`);
  return toNumbers(await file.read(name), dtype);
}

/** Filters [N, 3 or 1, height, width] as RGBA, each scaled to its own range (all of one value: mid-grey; not finite: red), greatest norm first. */
export function filterPictures(values: ArrayLike<number>, shape: readonly number[]): FilterPictures {
  const [all = 0, channels = 0, height = 0, width = 0] = shape;
  const area = height * width, size = channels * area;
  const norms = Array.from({ length: all }, (_, filter) => {
    let squares = 0;
    for (let i = filter * size; i < (filter + 1) * size; i++) squares += values[i]! * values[i]!;
    return Math.sqrt(squares);
  });
  // NaN first: it is what one wants to see.
  const order = norms.map((_, filter) => filter).sort((a, b) => (Number.isNaN(norms[b]) ? Infinity : norms[b]!) - (Number.isNaN(norms[a]) ? Infinity : norms[a]!) || a - b).slice(0, mostFilters);
  const pixels = new Uint8ClampedArray(order.length * area * 4);
  order.forEach((filter, place) => {
    let low = Infinity, high = -Infinity;
    for (let i = filter * size; i < (filter + 1) * size; i++) {
      const value = values[i]!;
      if (value < low && value > -Infinity) low = value;
      if (value > high && value < Infinity) high = value;
    }
    const range = high - low;
    for (let pixel = 0; pixel < area; pixel++) {
      const at = (place * area + pixel) * 4;
      for (let channel = 0; channel < 3; channel++) {
        const value = values[filter * size + (channels === 1 ? 0 : channel) * area + pixel]!;
        pixels[at + channel] = Number.isFinite(value) ? (range > 0 ? (255 * (value - low)) / range : 128) : channel === 0 ? 255 : 0;
      }
      pixels[at + 3] = 255;
    }
  });
  return { all, shown: order.length, height, width, order, norms: order.map((filter) => norms[filter]!), pixels: pixels.buffer };
}

/** Cosines of position `chosen` (of the patches, in reading order) to all patches' positions of an embedding [1, N, D] or [N, D]. */
export function positionSimilarity(values: ArrayLike<number>, shape: readonly number[], chosen: number, withOverview: boolean): PositionSimilarity {
  const positions = shape.at(-2) ?? 0, width = shape.at(-1) ?? 0;
  const grid = gridOf(positions);
  if (!grid) throw new InputError(`${positions} positions are no square of patches`);
  const { rows, columns, extra } = grid, count = rows * columns;
  if (chosen >= count) throw new InputError(`there are ${count} positions`);
  // Unit vectors: their products are cosines.
  const units = new Float64Array(count * width);
  for (let position = 0; position < count; position++) {
    const from = (position + extra) * width;
    let squares = 0;
    for (let d = 0; d < width; d++) squares += values[from + d]! ** 2;
    const norm = Math.sqrt(squares);
    for (let d = 0; d < width; d++) units[position * width + d] = norm > 0 ? values[from + d]! / norm : 0;
  }
  const cosine = (a: number, b: number): number => {
    let sum = 0;
    for (let d = 0; d < width; d++) sum += units[a * width + d]! * units[b * width + d]!;
    return sum;
  };
  const similarities = Float32Array.from({ length: count }, (_, other) => cosine(chosen, other));
  let overview: Float32Array<ArrayBuffer> | null = null;
  if (withOverview && count <= mostOverview) {
    overview = new Float32Array(count * count);
    for (let a = 0; a < count; a++) for (let b = 0; b <= a; b++) overview[a * count + b] = overview[b * count + a] = cosine(a, b);
  }
  return { rows, columns, extra, chosen, similarities: similarities.buffer, overview: overview?.buffer ?? null };
}

/** A table [(2 s - 1)^2 (+ 3 for the class token), heads] as one square a head. */
export function relativeBias(values: ArrayLike<number>, shape: readonly number[]): RelativeBias {
  const [entries = 0, heads = 0] = shape;
  const side = [entries - 3, entries].map(Math.sqrt).find((root) => Number.isInteger(root) && root % 2 === 1);
  if (side === undefined || heads === 0) throw new InputError(`${entries} relative positions are no square of offsets`);
  const area = side * side;
  const biases = Float32Array.from({ length: heads * area }, (_, i) => values[(i % area) * heads + Math.floor(i / area)]!);
  return { heads, side, biases: biases.buffer };
}
