/** Antialiased resizing, exactly as Pillow does it on 8-bit images: a crop, optionally mirrored, resized to any part of an output grid. */
import type { Kernels, Picture } from './kernels.ts';

export type Interpolation = 'bicubic' | 'bilinear' | 'lanczos' | 'box';

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Pillow's filters and their supports, in source pixels at scale 1 (Keys' cubic with a = -0.5; the triangle; the sinc within three lobes of another; the box). */
const filters: { [I in Interpolation]: { support: number; weight(x: number): number } } = {
  bicubic: {
    support: 2,
    weight(x) {
      const t = Math.abs(x);
      if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
      if (t < 2) return (((t - 5) * t + 8) * t - 4) * -0.5;
      return 0;
    },
  },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Coefficients are rounded to 22 fractional bits, as Pillow's 8-bit path has them, and stored in two halves of which the low one has 11. */
const one = 1 << 22;
const lowBits = 11;
const lowMask = (1 << lowBits) - 1;

/** The region of a picture that is resized; `mirrored` takes its columns from right to left. */
export interface Region {
  top: number;
  left: number;
  height: number;
  width: number;
  mirrored: boolean;
}

/** The part of the resized grid that is wanted: a full resize has offset 0 and `count` equal to `full`. */
export interface Span {
  full: number;
  offset: number;
  count: number;
}

/** A table of one axis in the arena, as resizeRows and resizeColumns read it, with the source range that it touches. */
interface AxisTable {
  starts: number;
  coefficients: number;
  taps: number;
  first: number;
  end: number;
}

/** The coefficients of resizing `length` source pixels to the wanted span of `span.full`, Pillow's precompute_coeffs and normalize_coeffs_8bpc. */
function axisTable(kernels: Kernels, length: number, span: Span, interpolation: Interpolation, mirrored: boolean): AxisTable {
  const filter = filters[interpolation];
  const scale = length / span.full;
  const filterScale = Math.max(1, scale);
  const support = filter.support * filterScale;
  const taps = Math.ceil((Math.ceil(support) * 2 + 1) / 4) * 4;
  const starts = kernels.allocate(span.count * 4);
  const coefficients = kernels.allocate(span.count * taps * 4);
  const { buffer } = kernels.run.memory;
  const start = new Int32Array(buffer, starts, span.count);
  const halves = new Int16Array(buffer, coefficients, span.count * taps * 2).fill(0);
  const weights = new Float64Array(taps);
  let first = length;
  let end = 0;
  for (let i = 0; i < span.count; i++) {
    const centre = (i + span.offset + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - support + 0.5));
    const to = Math.min(length, Math.trunc(centre + support + 0.5));
    const count = to - from;
    let total = 0;
    for (let t = 0; t < count; t++) total += weights[t] = filter.weight((t + from - centre + 0.5) / filterScale);
    // A mirrored axis reads the same taps from the other end, so that it is bit for bit what mirroring first would give.
    start[i] = mirrored ? length - to : from;
    for (let t = 0; t < count; t++) {
      const weight = weights[mirrored ? count - 1 - t : t]! / (total || 1);
      const fixed = Math.trunc(weight * one + (weight < 0 ? -0.5 : 0.5));
      const at = i * taps * 2 + (t >> 2) * 8 + (t & 3);
      halves[at] = fixed >> lowBits;
      halves[at + 4] = fixed & lowMask;
    }
    first = Math.min(first, start[i]!);
    end = Math.max(end, start[i]! + count);
  }
  return { starts, coefficients, taps, first, end };
}

/**
 * Resizes a region of `source`, columns then rows in Pillow's order, touching only the rows and columns that are needed.
 * Returns a new picture of columns.count x rows.count pixels in the arena.
 */
export function resample(kernels: Kernels, source: Picture, region: Region, columns: Span, rows: Span, interpolation: Interpolation): Picture {
  const target = kernels.allocate(columns.count * rows.count * 3);
  const mark = kernels.mark();
  const horizontal = axisTable(kernels, region.width, columns, interpolation, region.mirrored);
  const vertical = axisTable(kernels, region.height, rows, interpolation, false);
  const height = vertical.end - vertical.first;
  const lineBytes = columns.count * 3;
  // Taps that pad a column's table to a multiple of four have weight 0 but are read: leave rows behind the last one for them.
  const between = kernels.allocate((height + vertical.taps) * lineBytes);
  const corner = source.pointer + ((region.top + vertical.first) * source.width + region.left) * 3;
  kernels.run.resizeRows(corner, source.width * 3, height, between, columns.count, horizontal.starts, horizontal.coefficients, horizontal.taps);
  const origin = between - vertical.first * lineBytes;
  kernels.run.resizeColumns(origin, lineBytes, target, rows.count, vertical.starts, vertical.coefficients, vertical.taps);
  kernels.release(mark);
  return { pointer: target, width: columns.count, height: rows.count };
}
