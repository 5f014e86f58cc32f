/**
 * The pixel work of every augmentation, in WebAssembly SIMD: one implementation for all machines and engines, with the
 * rounding of Pillow's 8-bit paths. AssemblyScript; compiled to dist/image.wasm.
 *
 * Images are packed RGB, three bytes a pixel, rows without padding. Every pointer comes from the caller, who owns the
 * memory (kernels.ts) and leaves PADDING bytes after each buffer, since kernels load and store sixteen bytes at a time.
 */

export { weightedColumns, weightedRows } from './filter';
export { affine, histogram, mapChannels, sharpen } from './policy';

/** Where the caller's memory begins: after the module's own constants. */
export function heapBase(): usize {
  return __heap_base;
}

// ---------------------------------------------------------------------------------------------------- resize

/**
 * One 22-bit fixed-point coefficient k of Pillow is stored as two 16-bit halves, k = high * 2^11 + low, so that
 * a product sum is two 16-bit dot products and still exact to the bit.
 */
// @ts-ignore: decorator
@inline
function combine(high: v128, low: v128): v128 {
  const rounding = i32x4.splat(1 << 21);
  return i32x4.shr_s(i32x4.add(i32x4.add(i32x4.shl(high, 11), low), rounding), 22);
}

/**
 * Resamples rows. `starts[x]` is the first source column of output column x; `coefficients` holds for each output
 * column `taps / 4` groups of 16 bytes, [h0 h1 h2 h3 l0 l1 l2 l3]: the high and low halves of four taps, 16 bits each.
 */
export function resizeRows(source: usize, sourceStride: usize, rows: i32, target: usize, columns: i32, starts: usize, coefficients: usize, taps: i32): void {
  const groups = taps >> 2;
  const targetStride = <usize>columns * 3;
  for (let row = 0; row < rows; row++) {
    const line = source + <usize>row * sourceStride;
    let out = target + <usize>row * targetStride;
    let k = coefficients;
    for (let x = 0; x < columns; x++) {
      let p = line + <usize>load<i32>(starts + (<usize>x << 2)) * 3;
      let high = i32x4.splat(0);
      let low = i32x4.splat(0);
      for (let g = 0; g < groups; g++) {
        const pixels = v128.load(p);
        const zero = i32x4.splat(0);
        // Pixels 0, 1 (then 2, 3) as 16-bit pairs R0 R1, G0 G1, B0 B1; lane 3 holds the next bytes and is never kept.
        const first = v128.shuffle<u8>(pixels, zero, 0, 16, 3, 16, 1, 16, 4, 16, 2, 16, 5, 16, 16, 16, 16, 16);
        const second = v128.shuffle<u8>(pixels, zero, 6, 16, 9, 16, 7, 16, 10, 16, 8, 16, 11, 16, 16, 16, 16, 16);
        high = i32x4.add(high, i32x4.add(i32x4.dot_i16x8_s(first, v128.load32_splat(k)), i32x4.dot_i16x8_s(second, v128.load32_splat(k, 4))));
        low = i32x4.add(low, i32x4.add(i32x4.dot_i16x8_s(first, v128.load32_splat(k, 8)), i32x4.dot_i16x8_s(second, v128.load32_splat(k, 12))));
        p += 12;
        k += 16;
      }
      const words = i16x8.narrow_i32x4_s(combine(high, low), high);
      v128.store32_lane(out, i8x16.narrow_i16x8_u(words, words), 0);
      out += 3;
    }
  }
}

/** Resamples columns. `starts[y]` is the first source row of output row y; coefficients as in resizeRows. `width` is in bytes. */
export function resizeColumns(source: usize, width: i32, target: usize, rows: i32, starts: usize, coefficients: usize, taps: i32): void {
  const pairs = taps >> 1;
  for (let y = 0; y < rows; y++) {
    const from = source + <usize>load<i32>(starts + (<usize>y << 2)) * <usize>width;
    const to = target + <usize>y * <usize>width;
    const row = coefficients + <usize>y * <usize>(taps << 2);
    for (let x = 0; x < width; x += 16) {
      let high0 = i32x4.splat(0), high1 = high0, high2 = high0, high3 = high0;
      let low0 = high0, low1 = high0, low2 = high0, low3 = high0;
      let p = from + <usize>x;
      for (let pair = 0; pair < pairs; pair++) {
        const k = row + (<usize>(pair >> 1) << 4) + (<usize>(pair & 1) << 2);
        const kHigh = v128.load32_splat(k);
        const kLow = v128.load32_splat(k, 8);
        const a = v128.load(p);
        const b = v128.load(p + <usize>width);
        const even = v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const odd = v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        const w0 = i16x8.extend_low_i8x16_u(even), w1 = i16x8.extend_high_i8x16_u(even);
        const w2 = i16x8.extend_low_i8x16_u(odd), w3 = i16x8.extend_high_i8x16_u(odd);
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(w0, kHigh));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(w1, kHigh));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(w2, kHigh));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(w3, kHigh));
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(w0, kLow));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(w1, kLow));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(w2, kLow));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(w3, kLow));
        p += <usize>width << 1;
      }
      const left = i16x8.narrow_i32x4_s(combine(high0, low0), combine(high1, low1));
      const right = i16x8.narrow_i32x4_s(combine(high2, low2), combine(high3, low3));
      // The last store of a row spills into the next row, which is written later, or into the padding.
      v128.store(to + <usize>x, i8x16.narrow_i16x8_u(left, right));
    }
  }
}

// ---------------------------------------------------------------------------------------------------- blur

/** (window * ww + far * fw + 2^23) >> 24 for eight values, by 12-bit halves of the weights. */
// @ts-ignore: decorator
@inline
function weigh(window: v128, far: v128, high: v128, low: v128): v128 {
  const first = v128.shuffle<u16>(window, far, 0, 8, 1, 9, 2, 10, 3, 11);
  const second = v128.shuffle<u16>(window, far, 4, 12, 5, 13, 6, 14, 7, 15);
  const rounding = i32x4.splat(1 << 23);
  const a = i32x4.add(i32x4.add(i32x4.shl(i32x4.dot_i16x8_s(first, high), 12), i32x4.dot_i16x8_s(first, low)), rounding);
  const b = i32x4.add(i32x4.add(i32x4.shl(i32x4.dot_i16x8_s(second, high), 12), i32x4.dot_i16x8_s(second, low)), rounding);
  return i16x8.narrow_i32x4_s(i32x4.shr_u(a, 24), i32x4.shr_u(b, 24));
}

/** One pass of Pillow's extended box blur over `count` bytes: the 2 radius + 1 neighbours at distance `stride`, and the two beyond at a lesser weight. */
// @ts-ignore: decorator
@inline
function boxBlur(source: usize, target: usize, count: i32, stride: i32, radius: i32, high: v128, low: v128): void {
  const reach = <usize>(radius * stride);
  const beyond = <usize>((radius + 1) * stride);
  for (let x = 0; x < count; x += 16) {
    const centre = source + <usize>x;
    const pixels = v128.load(centre);
    let window0 = i16x8.extend_low_i8x16_u(pixels), window1 = i16x8.extend_high_i8x16_u(pixels);
    for (let offset = <usize>stride; offset <= reach; offset += <usize>stride) {
      const before = v128.load(centre - offset), after = v128.load(centre + offset);
      window0 = i16x8.add(window0, i16x8.add(i16x8.extend_low_i8x16_u(before), i16x8.extend_low_i8x16_u(after)));
      window1 = i16x8.add(window1, i16x8.add(i16x8.extend_high_i8x16_u(before), i16x8.extend_high_i8x16_u(after)));
    }
    const before = v128.load(centre - beyond), after = v128.load(centre + beyond);
    const far0 = i16x8.add(i16x8.extend_low_i8x16_u(before), i16x8.extend_low_i8x16_u(after));
    const far1 = i16x8.add(i16x8.extend_high_i8x16_u(before), i16x8.extend_high_i8x16_u(after));
    v128.store(target + <usize>x, i8x16.narrow_i16x8_u(weigh(window0, far0, high, low), weigh(window1, far1, high, low)));
  }
}

/** Repeats the first and last `unit` bytes of `count` bytes `times` times on their two sides. */
function extendEdges(start: usize, count: i32, unit: i32, times: i32): void {
  for (let t = 1; t <= times; t++) {
    memory.copy(start - <usize>(t * unit), start, <usize>unit);
    memory.copy(start + <usize>(count + (t - 1) * unit), start + <usize>(count - unit), <usize>unit);
  }
}

/**
 * Pillow's GaussianBlur: three box passes along rows, then three along columns, each rounded to bytes. In place.
 * Each of the two scratch buffers holds (height + 2 radius + 2) rows of (width + 2 radius + 2) pixels.
 */
export function gaussianBlur(image: usize, width: i32, height: i32, scratch0: usize, scratch1: usize, radius: i32, windowWeight: u32, farWeight: u32): void {
  const high = i32x4.splat(<i32>((windowWeight >> 12) | ((farWeight >> 12) << 16)));
  const low = i32x4.splat(<i32>((windowWeight & 0xfff) | ((farWeight & 0xfff) << 16)));
  const edge = radius + 1;
  const row = width * 3;

  const line0 = scratch0 + <usize>(edge * 3), line1 = scratch1 + <usize>(edge * 3);
  for (let y = 0; y < height; y++) {
    const pixels = image + <usize>(y * row);
    memory.copy(line0, pixels, <usize>row);
    extendEdges(line0, row, 3, edge);
    boxBlur(line0, line1, row, 3, radius, high, low);
    extendEdges(line1, row, 3, edge);
    boxBlur(line1, line0, row, 3, radius, high, low);
    extendEdges(line0, row, 3, edge);
    boxBlur(line0, line1, row, 3, radius, high, low);
    memory.copy(pixels, line1, <usize>row);
  }

  const count = row * height;
  const plane0 = scratch0 + <usize>(edge * row), plane1 = scratch1 + <usize>(edge * row);
  memory.copy(plane0, image, <usize>count);
  extendEdges(plane0, count, row, edge);
  boxBlur(plane0, plane1, count, row, radius, high, low);
  extendEdges(plane1, count, row, edge);
  boxBlur(plane1, plane0, count, row, radius, high, low);
  extendEdges(plane0, count, row, edge);
  boxBlur(plane0, image, count, row, radius, high, low);
}

// ---------------------------------------------------------------------------------------------------- colour

/** Channel c of four packed pixels as 32-bit lanes. */
// @ts-ignore: decorator
@inline
function red(pixels: v128): v128 {
  return v128.shuffle<u8>(pixels, i32x4.splat(0), 0, 16, 16, 16, 3, 16, 16, 16, 6, 16, 16, 16, 9, 16, 16, 16);
}
// @ts-ignore: decorator
@inline
function green(pixels: v128): v128 {
  return v128.shuffle<u8>(pixels, i32x4.splat(0), 1, 16, 16, 16, 4, 16, 16, 16, 7, 16, 16, 16, 10, 16, 16, 16);
}
// @ts-ignore: decorator
@inline
function blue(pixels: v128): v128 {
  return v128.shuffle<u8>(pixels, i32x4.splat(0), 2, 16, 16, 16, 5, 16, 16, 16, 8, 16, 16, 16, 11, 16, 16, 16);
}

/** Stores four pixels' channels (32-bit lanes, saturated to 8 bits) as twelve bytes, touching no byte more. */
// @ts-ignore: decorator
@inline
function storePixels(target: usize, r: v128, g: v128, b: v128): void {
  const planes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(r, g), i16x8.narrow_i32x4_s(b, b));
  const packed = v128.shuffle<u8>(planes, planes, 0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 0, 0, 0, 0);
  v128.store64_lane(target, packed, 0);
  v128.store32_lane(target, packed, 2, 8);
}

/** Pillow's luma of four pixels: (19595 R + 38470 G + 7471 B + 2^15) >> 16. */
// @ts-ignore: decorator
@inline
function luma(r: v128, g: v128, b: v128): v128 {
  const redGreen = v128.or(r, i32x4.shl(g, 16));
  const greenBlue = v128.or(g, i32x4.shl(b, 16));
  const sum = i32x4.add(i32x4.dot_i16x8_s(redGreen, i32x4.splat(19595 | (19235 << 16))), i32x4.dot_i16x8_s(greenBlue, i32x4.splat(19235 | (7471 << 16))));
  return i32x4.shr_s(i32x4.add(sum, i32x4.splat(1 << 15)), 16);
}

/** base + factor * (value - base) in single precision, cut to an integer, as Pillow's blend. */
// @ts-ignore: decorator
@inline
function blend(base: v128, value: v128, factor: v128): v128 {
  const difference = f32x4.convert_i32x4_s(i32x4.sub(value, base));
  return i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.convert_i32x4_s(base), f32x4.mul(factor, difference)));
}

/** Blends every byte with one level: level 0 is Pillow's brightness, the image's mean luma its contrast. In place; `count` in bytes. */
export function blendLevel(image: usize, count: i32, level: i32, factor: f32): void {
  const base = i32x4.splat(level);
  const f = f32x4.splat(factor);
  for (let i = 0; i < count; i += 16) {
    const bytes = v128.load(image + <usize>i);
    const low = i16x8.extend_low_i8x16_u(bytes), high = i16x8.extend_high_i8x16_u(bytes);
    const a = blend(base, i32x4.extend_low_i16x8_u(low), f), b = blend(base, i32x4.extend_high_i16x8_u(low), f);
    const c = blend(base, i32x4.extend_low_i16x8_u(high), f), d = blend(base, i32x4.extend_high_i16x8_u(high), f);
    v128.store(image + <usize>i, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
  }
}

/** The sum of Pillow's luma over `pixels` pixels. */
export function lumaSum(image: usize, pixels: i32): i64 {
  let total: i64 = 0;
  let i = 0;
  while (i + 4 <= pixels) {
    // A block small enough that no 32-bit lane overflows.
    const end = min(pixels - 3, i + 4 * 65536);
    let sum = i32x4.splat(0);
    for (; i < end; i += 4) {
      const p = v128.load(image + <usize>i * 3);
      sum = i32x4.add(sum, luma(red(p), green(p), blue(p)));
    }
    total += <i64>i32x4.extract_lane(sum, 0) + <i64>i32x4.extract_lane(sum, 1) + <i64>i32x4.extract_lane(sum, 2) + <i64>i32x4.extract_lane(sum, 3);
  }
  for (; i < pixels; i++) {
    const p = image + <usize>i * 3;
    total += (<i32>load<u8>(p) * 19595 + <i32>load<u8>(p, 1) * 38470 + <i32>load<u8>(p, 2) * 7471 + 0x8000) >> 16;
  }
  return total;
}

/** Blends every pixel with its own luma: Pillow's saturation; factor 0 is its greyscale. In place. */
export function blendLuma(image: usize, pixels: i32, factor: f32): void {
  const f = f32x4.splat(factor);
  for (let i = 0; i < pixels; i += 4) {
    const p = image + <usize>i * 3;
    const bytes = v128.load(p);
    const r = red(bytes), g = green(bytes), b = blue(bytes);
    const grey = luma(r, g, b);
    storePixels(p, blend(grey, r, f), blend(grey, g, f), blend(grey, b, f));
  }
}

/** Inverts every byte that is at least `threshold`. In place; `count` in bytes. */
export function solarize(image: usize, count: i32, threshold: i32): void {
  if (threshold > 255) return;
  const t = i8x16.splat(<i8>threshold);
  for (let i = 0; i < count; i += 16) {
    const bytes = v128.load(image + <usize>i);
    v128.store(image + <usize>i, v128.xor(bytes, i8x16.ge_u(bytes, t)));
  }
}

/** Two lanes of Pillow's hue in [0, 255]: single-precision steps are rounded where Pillow's are, the rest is double. */
// @ts-ignore: decorator
@inline
function hueLanes(base: v128, plus: v128, minus: v128): v128 {
  const six = f64x2.splat(6), one = f64x2.splat(1);
  const sextant = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(f64x2.sub(f64x2.add(base, plus), minus)));
  const turns = f64x2.add(f64x2.div(sextant, six), one);
  const fraction = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(f64x2.sub(turns, f64x2.floor(turns))));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(fraction, f64x2.splat(255)));
}

/** The lanes 2 and 3 of single precision, as doubles. */
// @ts-ignore: decorator
@inline
function promoteHigh(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<u32>(x, x, 2, 3, 2, 3));
}

/** value * (65025 - weight) / 65025, rounded; exact in single precision, since every product is below 2^24. */
// @ts-ignore: decorator
@inline
function scaleValue(value: v128, weight: v128): v128 {
  const product = i32x4.add(i32x4.mul(value, i32x4.sub(i32x4.splat(65025), weight)), i32x4.splat(32512));
  return i32x4.trunc_sat_f32x4_s(f32x4.div(f32x4.convert_i32x4_s(product), f32x4.splat(65025)));
}

/** Turns the hue by `shift` of 256 steps, through Pillow's 8-bit HSV and back. In place. */
export function shiftHue(image: usize, pixels: i32, shift: i32): void {
  const step = i32x4.splat(shift);
  const byte = i32x4.splat(255);
  for (let i = 0; i < pixels; i += 4) {
    const p = image + <usize>i * 3;
    const bytes = v128.load(p);
    const r = red(bytes), g = green(bytes), b = blue(bytes);
    const value = i32x4.max_s(r, i32x4.max_s(g, b));
    const chroma = i32x4.sub(value, i32x4.min_s(r, i32x4.min_s(g, b)));

    const c = f32x4.convert_i32x4_s(chroma);
    const isRed = i32x4.eq(r, value), isGreen = i32x4.eq(g, value);
    const base = v128.bitselect(f32x4.splat(0), v128.bitselect(f32x4.splat(2), f32x4.splat(4), isGreen), isRed);
    // Of value - r, value - g and value - b, as shares of the chroma, the one to add and the one to take away.
    const plus = f32x4.div(f32x4.convert_i32x4_s(i32x4.sub(value, v128.bitselect(b, v128.bitselect(r, g, isGreen), isRed))), c);
    const minus = f32x4.div(f32x4.convert_i32x4_s(i32x4.sub(value, v128.bitselect(g, v128.bitselect(b, r, isGreen), isRed))), c);
    const low = hueLanes(f64x2.promote_low_f32x4(base), f64x2.promote_low_f32x4(plus), f64x2.promote_low_f32x4(minus));
    const high = hueLanes(promoteHigh(base), promoteHigh(plus), promoteHigh(minus));
    const hue = v128.and(i32x4.add(v128.shuffle<u32>(low, high, 0, 1, 4, 5), step), byte);
    // 255 * chroma / value lies at least 1/255 below the next integer where it is not one: single precision is exact.
    const saturation = i32x4.trunc_sat_f32x4_s(f32x4.div(f32x4.convert_i32x4_s(i32x4.mul(chroma, byte)), f32x4.convert_i32x4_s(value)));

    // The sextant of the hue, and 255 times how far into it; 6 * hue / 255 by a multiplication that is exact here.
    const six = i32x4.mul(hue, i32x4.splat(6));
    const sextant = i32x4.shr_u(i32x4.mul(six, i32x4.splat(32897)), 23);
    const into = i32x4.sub(six, i32x4.mul(sextant, byte));
    const low0 = scaleValue(value, i32x4.mul(saturation, byte));
    const falling = scaleValue(value, i32x4.mul(saturation, into));
    const rising = scaleValue(value, i32x4.mul(saturation, i32x4.sub(byte, into)));
    const is1 = i32x4.eq(sextant, i32x4.splat(1)), is2 = i32x4.eq(sextant, i32x4.splat(2)), is3 = i32x4.eq(sextant, i32x4.splat(3));
    const is4 = i32x4.eq(sextant, i32x4.splat(4)), is5 = i32x4.eq(sextant, i32x4.splat(5));
    const is23 = v128.or(is2, is3), is34 = v128.or(is3, is4), is12 = v128.or(is1, is2), is45 = v128.or(is4, is5);
    const newRed = v128.bitselect(falling, v128.bitselect(low0, v128.bitselect(rising, value, is4), is23), is1);
    const newGreen = v128.bitselect(value, v128.bitselect(falling, v128.bitselect(low0, rising, is45), is3), is12);
    const newBlue = v128.bitselect(rising, v128.bitselect(value, v128.bitselect(falling, low0, is5), is34), is2);
    const grey = i32x4.eq(saturation, i32x4.splat(0));
    storePixels(p, v128.bitselect(value, newRed, grey), v128.bitselect(value, newGreen, grey), v128.bitselect(value, newBlue, grey));
  }
}

// ---------------------------------------------------------------------------------------------------- orientation

/** Applies an EXIF orientation (2 to 8) to a width x height image; 5 to 8 give a height x width one. */
export function orient(source: usize, target: usize, width: i32, height: i32, orientation: i32): void {
  const turned = orientation > 4;
  const outWidth = turned ? height : width;
  const outHeight = turned ? width : height;
  const mirrorX = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const mirrorY = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  let out = target;
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      let sx = turned ? y : x;
      let sy = turned ? x : y;
      if (mirrorX) sx = width - 1 - sx;
      if (mirrorY) sy = height - 1 - sy;
      const p = source + (<usize>sy * <usize>width + <usize>sx) * 3;
      store<u8>(out, load<u8>(p));
      store<u8>(out, load<u8>(p, 1), 1);
      store<u8>(out, load<u8>(p, 2), 2);
      out += 3;
    }
  }
}
