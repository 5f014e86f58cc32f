/**
 * The pixel work of RandAugment that image.ts has not: tables per channel, Pillow's affine transform, its smoothing filter. AssemblyScript;
 * part of image.wasm, with the conventions of image.ts.
 */

/** Counts the bytes of each channel into `counts`, 3 x 256 integers. */
export function histogram(image: usize, pixels: i32, counts: usize): void {
  memory.fill(counts, 0, 3 * 256 * 4);
  const end = image + <usize>pixels * 3;
  for (let p = image; p < end; p += 3)
    for (let c: usize = 0; c < 3; c++) {
      const at = counts + (((c << 8) + <usize>load<u8>(p + c)) << 2);
      store<i32>(at, load<i32>(at) + 1);
    }
}

/** Replaces each byte by its entry in its channel's table; `tables` is 3 x 256 bytes. In place. */
export function mapChannels(image: usize, pixels: i32, tables: usize): void {
  const end = image + <usize>pixels * 3;
  for (let p = image; p < end; p += 3) {
    store<u8>(p, load<u8>(tables + <usize>load<u8>(p)));
    store<u8>(p, load<u8>(tables + 256 + <usize>load<u8>(p, 1)), 1);
    store<u8>(p, load<u8>(tables + 512 + <usize>load<u8>(p, 2)), 2);
  }
}

/** The three channels of a pixel as single precision; the last lane is never kept. */
// @ts-ignore: decorator
@inline
function pixel(p: usize): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p))));
}

// @ts-ignore: decorator
@inline
function linear(a: v128, b: v128, d: v128): v128 {
  return f32x4.add(a, f32x4.mul(f32x4.sub(b, a), d));
}

/** Keys' cubic with a = -1, as Pillow's transforms have it. */
// @ts-ignore: decorator
@inline
function cubic(a: v128, b: v128, c: v128, e: v128, d: v128): v128 {
  const two = f32x4.splat(2);
  const p2 = f32x4.sub(c, a);
  const p3 = f32x4.sub(f32x4.add(f32x4.mul(two, f32x4.sub(a, b)), c), e);
  const p4 = f32x4.add(f32x4.sub(f32x4.sub(b, a), c), e);
  return f32x4.add(b, f32x4.mul(d, f32x4.add(p2, f32x4.mul(d, f32x4.add(p3, f32x4.mul(d, p4))))));
}

// @ts-ignore: decorator
@inline
function clamp(x: i32, most: i32): usize {
  return <usize>max(0, min(most, x));
}

// @ts-ignore: decorator
@inline
function cubicRow(row: usize, x0: usize, x1: usize, x2: usize, x3: usize, d: v128): v128 {
  return cubic(pixel(row + x0), pixel(row + x1), pixel(row + x2), pixel(row + x3), d);
}

/**
 * Pillow's affine transform: the pixel (x, y) of the target is the source at (a x + b y + c, d x + e y + f), pixel centres at halves.
 * What lies outside the source is left as the target is.
 */
export function affine(source: usize, target: usize, width: i32, height: i32, isCubic: i32, a: f64, b: f64, c: f64, d: f64, e: f64, f: f64): void {
  const stride = <usize>width * 3, right = width - 1, bottom = height - 1;
  let out = target;
  for (let y = 0; y < height; y++) {
    const v = <f64>y + 0.5;
    for (let x = 0; x < width; x++, out += 3) {
      const u = <f64>x + 0.5;
      let sx = a * u + b * v + c, sy = d * u + e * v + f;
      if (sx < 0 || sx >= <f64>width || sy < 0 || sy >= <f64>height) continue;
      sx -= 0.5;
      sy -= 0.5;
      const fx = floor(sx), fy = floor(sy), ix = <i32>fx, iy = <i32>fy;
      const dx = f32x4.splat(<f32>(sx - fx)), dy = f32x4.splat(<f32>(sy - fy));
      const x1 = clamp(ix, right) * 3, x2 = clamp(ix + 1, right) * 3;
      const row1 = source + clamp(iy, bottom) * stride, row2 = source + clamp(iy + 1, bottom) * stride;
      let value: v128;
      if (isCubic) {
        const x0 = clamp(ix - 1, right) * 3, x3 = clamp(ix + 2, right) * 3;
        const row0 = source + clamp(iy - 1, bottom) * stride, row3 = source + clamp(iy + 2, bottom) * stride;
        value = cubic(cubicRow(row0, x0, x1, x2, x3, dx), cubicRow(row1, x0, x1, x2, x3, dx), cubicRow(row2, x0, x1, x2, x3, dx), cubicRow(row3, x0, x1, x2, x3, dx), dy);
      } else value = linear(linear(pixel(row1 + x1), pixel(row1 + x2), dx), linear(pixel(row2 + x1), pixel(row2 + x2), dx), dy);
      // Cut, not rounded.
      const whole = i32x4.trunc_sat_f32x4_s(value);
      const words = i16x8.narrow_i32x4_s(whole, whole);
      const bytes = i8x16.narrow_i16x8_u(words, words);
      v128.store16_lane(out, bytes, 0);
      v128.store8_lane(out, bytes, 2, 2);
    }
  }
}

// @ts-ignore: decorator
@inline
function sharpened(sum: i32, value: i32, factor: f32): u8 {
  const smooth = <f32>((sum + 4 * value + 6) / 13);
  return <u8>max<f32>(0, min<f32>(255, smooth + factor * (<f32>value - smooth)));
}

/** Blends the image with its smoothing by Pillow's SMOOTH filter, into `target`; its border stays. */
export function sharpen(source: usize, target: usize, width: i32, height: i32, factor: f32): void {
  const stride = <usize>width * 3;
  memory.copy(target, source, stride * <usize>height);
  for (let y = 1; y < height - 1; y++) {
    const row = source + <usize>y * stride, out = target + <usize>y * stride;
    for (let i: usize = 3; i < stride - 3; i++) {
      const p = row + i, above = p - stride, below = p + stride;
      const sum = <i32>load<u8>(above - 3) + <i32>load<u8>(above) + <i32>load<u8>(above, 3)
        + <i32>load<u8>(p - 3) + <i32>load<u8>(p) + <i32>load<u8>(p, 3)
        + <i32>load<u8>(below - 3) + <i32>load<u8>(below) + <i32>load<u8>(below, 3);
      store<u8>(out + i, sharpened(sum, <i32>load<u8>(p), factor));
    }
  }
}
