/** The fifteen operations that RandAugment chooses from (timm's "increasing" set), each with its one argument in its own unit, as Pillow computes it. */
import type { Interpolation } from '../resample.ts';
import type { Random } from '../../random.ts';
import type { Kernels, Picture } from '../kernels.ts';
import { jitter, type JitterName } from './colorJitter.ts';
import { byteCount } from './op.ts';

export interface PolicyOperation {
  /** The argument at a magnitude in [0, 10]; left out: it has none. */
  argument?(random: Random, magnitude: number): number;
  /** In place. */
  apply(kernels: Kernels, picture: Picture, argument: number, interpolation: Interpolation): void;
  /** It moves pixels: places in the view are no longer those of the crop. */
  moves?: true;
}

/** The ImageNet mean in bytes, which fills what a transform leaves empty. */
const fill = [124, 116, 104] as const;

/** Replaces bytes by a table; one that differs by channel is made from the channel's counts. */
function mapped(kernels: Kernels, { pointer, width, height }: Picture, table: (value: number, channel: number) => number): void {
  const mark = kernels.mark();
  const tables = kernels.allocate(3 * 256);
  const values = Uint8ClampedArray.from({ length: 3 * 256 }, (_, i) => table(i % 256, Math.floor(i / 256)));
  kernels.bytes(tables, values.length).set(values);
  kernels.run.mapChannels(pointer, width * height, tables);
  kernels.release(mark);
}

/** How often each value occurs, by channel. */
function countsOf(kernels: Kernels, { pointer, width, height }: Picture): Int32Array[] {
  const mark = kernels.mark();
  const counts = kernels.allocate(3 * 256 * 4);
  kernels.run.histogram(pointer, width * height, counts);
  const all = new Int32Array(kernels.run.memory.buffer, counts, 3 * 256).slice();
  kernels.release(mark);
  return [0, 1, 2].map((channel) => all.subarray(channel * 256, (channel + 1) * 256));
}

/** Pillow's transform by [a, b, c, d, e, f], from the target to the source. */
function warped(kernels: Kernels, picture: Picture, interpolation: Interpolation, [a, b, c, d, e, f]: readonly [number, number, number, number, number, number]): void {
  const mark = kernels.mark();
  const bytes = byteCount(picture), source = kernels.allocate(bytes);
  kernels.bytes(source, bytes).set(kernels.pixels(picture));
  const pixels = kernels.pixels(picture);
  for (let i = 0; i < bytes; i++) pixels[i] = fill[i % 3]!;
  kernels.run.affine(source, picture.pointer, picture.width, picture.height, Number(interpolation === 'bicubic'), a, b, c, d, e, f);
  kernels.release(mark);
}

const signed = (random: Random, value: number): number => (random.chance(0.5) ? -value : value);

/** A factor of 1 changes nothing; the further from it, either way, the stronger. */
const enhanced = (name: JitterName): PolicyOperation => ({ argument: enhancement, apply: (kernels, picture, factor) => jitter(kernels, picture, name, factor) });
const enhancement = (random: Random, magnitude: number): number => 1 + signed(random, (magnitude / 10) * 0.9);

const operations = {
  /** Stretches each channel to all of [0, 255]. */
  autoContrast: {
    apply(kernels, picture) {
      const ranges = countsOf(kernels, picture).map((counts) => [counts.findIndex((n) => n > 0), counts.findLastIndex((n) => n > 0)] as const);
      mapped(kernels, picture, (value, channel) => {
        const [low, high] = ranges[channel]!, scale = 255 / (high - low);
        return high > low ? Math.max(0, Math.min(255, Math.trunc(value * scale + -low * scale))) : value;
      });
    },
  },
  /** Spreads each channel's values evenly. */
  equalize: {
    apply(kernels, picture) {
      const tables = countsOf(kernels, picture).map((counts) => {
        const present = counts.filter((n) => n > 0);
        const step = Math.floor((present.reduce((sum, n) => sum + n, 0) - present.at(-1)!) / 255);
        if (present.length <= 1 || step === 0) return null;
        let sum = Math.floor(step / 2);
        return Array.from(counts, (n) => {
          const entry = Math.floor(sum / step);
          sum += n;
          return entry;
        });
      });
      mapped(kernels, picture, (value, channel) => tables[channel]?.[value] ?? value);
    },
  },
  invert: { apply: (kernels, picture) => mapped(kernels, picture, (value) => 255 - value) },
  /** Counter-clockwise, in degrees. */
  rotate: {
    moves: true,
    argument: (random, magnitude) => signed(random, (magnitude / 10) * 30),
    apply(kernels, picture, degrees, interpolation) {
      const angle = (-degrees * Math.PI) / 180, [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      const [x, y] = [picture.width / 2, picture.height / 2];
      warped(kernels, picture, interpolation, [cos, sin, cos * -x + sin * -y + x, -sin, cos, -sin * -x + cos * -y + y]);
    },
  },
  /** Keeps so many bits. */
  posterize: { argument: (_random, magnitude) => 4 - Math.trunc((magnitude / 10) * 4), apply: (kernels, picture, bits) => mapped(kernels, picture, (value) => value & ~(2 ** (8 - bits) - 1)) },
  /** Inverts from a threshold on. */
  solarize: { argument: (_random, magnitude) => 256 - Math.min(256, Math.trunc((magnitude / 10) * 256)), apply: (kernels, picture, threshold) => kernels.run.solarize(picture.pointer, byteCount(picture), threshold) },
  /** Adds to what is dark. */
  solarizeAdd: { argument: (_random, magnitude) => Math.min(128, Math.trunc((magnitude / 10) * 110)), apply: (kernels, picture, add) => mapped(kernels, picture, (value) => (value < 128 ? Math.min(255, value + add) : value)) },
  color: enhanced('saturation'),
  contrast: enhanced('contrast'),
  brightness: enhanced('brightness'),
  sharpness: {
    argument: enhancement,
    apply(kernels, picture, factor) {
      if (factor === 1) return;
      const mark = kernels.mark();
      const bytes = byteCount(picture), source = kernels.allocate(bytes);
      kernels.bytes(source, bytes).set(kernels.pixels(picture));
      kernels.run.sharpen(source, picture.pointer, picture.width, picture.height, factor);
      kernels.release(mark);
    },
  },
  /** Columns a row. */
  shearX: { moves: true, argument: (random, magnitude) => signed(random, (magnitude / 10) * 0.3), apply: (kernels, picture, by, interpolation) => warped(kernels, picture, interpolation, [1, by, 0, 0, 1, 0]) },
  /** Rows a column. */
  shearY: { moves: true, argument: (random, magnitude) => signed(random, (magnitude / 10) * 0.3), apply: (kernels, picture, by, interpolation) => warped(kernels, picture, interpolation, [1, 0, 0, by, 1, 0]) },
  /** As a share of the width. */
  translateX: { moves: true, argument: (random, magnitude) => signed(random, (magnitude / 10) * 0.45), apply: (kernels, picture, share, interpolation) => warped(kernels, picture, interpolation, [1, 0, share * picture.width, 0, 1, 0]) },
  /** As a share of the height. */
  translateY: { moves: true, argument: (random, magnitude) => signed(random, (magnitude / 10) * 0.45), apply: (kernels, picture, share, interpolation) => warped(kernels, picture, interpolation, [1, 0, 0, 0, 1, share * picture.height]) },
} satisfies Record<string, PolicyOperation>;

export type PolicyName = keyof typeof operations;
export const policyNames = Object.keys(operations) as PolicyName[];
export const policyOperation = (name: PolicyName): PolicyOperation => operations[name];
