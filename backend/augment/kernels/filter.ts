/**
 * Weighted sums in double precision, which the blurs of the corruptions are made of. Strides, lengths and `offsets` (32-bit numbers) count
 * values of 8 bytes; targets have no gaps between their rows.
 */

/** How many sums stay in registers, in bytes. */
const tile: usize = 128;

/** Sixteen neighbouring sums over the taps of weights[t] * from[offsets[t]]. */
// @ts-ignore: decorator
@inline
function sumTile(from: usize, to: usize, offsets: usize, weights: usize, taps: i32): void {
  let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
  let s4 = f64x2.splat(0), s5 = f64x2.splat(0), s6 = f64x2.splat(0), s7 = f64x2.splat(0);
  for (let t: usize = 0; t < <usize>taps; t++) {
    const p = from + (<usize>load<i32>(offsets + (t << 2)) << 3), w = v128.load64_splat(weights + (t << 3));
    s0 = f64x2.add(s0, f64x2.mul(w, v128.load(p)));
    s1 = f64x2.add(s1, f64x2.mul(w, v128.load(p, 16)));
    s2 = f64x2.add(s2, f64x2.mul(w, v128.load(p, 32)));
    s3 = f64x2.add(s3, f64x2.mul(w, v128.load(p, 48)));
    s4 = f64x2.add(s4, f64x2.mul(w, v128.load(p, 64)));
    s5 = f64x2.add(s5, f64x2.mul(w, v128.load(p, 80)));
    s6 = f64x2.add(s6, f64x2.mul(w, v128.load(p, 96)));
    s7 = f64x2.add(s7, f64x2.mul(w, v128.load(p, 112)));
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  v128.store(to, s4, 64);
  v128.store(to, s5, 80);
  v128.store(to, s6, 96);
  v128.store(to, s7, 112);
}

/** One of them. */
// @ts-ignore: decorator
@inline
function sumOne(from: usize, to: usize, offsets: usize, weights: usize, taps: i32): void {
  let sum: f64 = 0;
  for (let t: usize = 0; t < <usize>taps; t++) sum += load<f64>(weights + (t << 3)) * load<f64>(from + (<usize>load<i32>(offsets + (t << 2)) << 3));
  store<f64>(to, sum);
}

/** The same taps everywhere: value i of a row is the sum of weights[t] * source[row * sourceStride + i + offsets[t]]. */
export function weightedRows(source: usize, sourceStride: i32, target: usize, rows: i32, length: i32, offsets: usize, weights: usize, taps: i32): void {
  const bytes = <usize>length << 3;
  for (let row = 0; row < rows; row++) {
    const from = source + ((<usize>row * sourceStride) << 3), to = target + <usize>row * bytes;
    let i: usize = 0;
    for (; i + tile <= bytes; i += tile) sumTile(from + i, to + i, offsets, weights, taps);
    for (; i < bytes; i += 8) sumOne(from + i, to + i, offsets, weights, taps);
  }
}

/**
 * Taps of each row's own: row r is the sum over k < counts[r] of weights[r][firsts[r] + k] * row firsts[r] + k of the source, where `weights` is
 * [rows, rows] and offsets[k] is k * sourceStride. Column by column, so that what all rows take stays in the processor's cache.
 */
export function weightedColumns(source: usize, sourceStride: i32, target: usize, rows: i32, length: i32, offsets: usize, weights: usize, firsts: usize, counts: usize): void {
  const bytes = <usize>length << 3;
  for (let i: usize = 0; i < bytes; i += i + tile <= bytes ? tile : 8)
    for (let row = 0; row < rows; row++) {
      const first = load<i32>(firsts + (<usize>row << 2)), taps = load<i32>(counts + (<usize>row << 2));
      const from = source + i + ((<usize>first * sourceStride) << 3), to = target + i + <usize>row * bytes, own = weights + ((<usize>row * rows + first) << 3);
      if (i + tile <= bytes) sumTile(from, to, offsets, own, taps);
      else sumOne(from, to, offsets, own, taps);
    }
}
