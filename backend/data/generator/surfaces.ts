/** What a part is made of: two colours, the pattern that mixes them, how far the pattern is embossed, and how the surface shines. */
import type { Random } from '../../random.ts';
import { mix, scale, type Colour } from './colours.ts';
import { fractal, lattice, noise } from './noise.ts';

/** How much of the second colour there is at a point of the object, 0 to 1. */
export type Pattern = (x: number, y: number) => number;

export interface Surface {
  base: Colour;
  other: Colour;
  pattern: Pattern | null;
  /** How strongly the pattern tilts the surface, in units of height for a full change of the pattern. */
  relief: number;
  /** Strength of the highlight, 0 (chalk) to 1 (glaze). */
  gloss: number;
  /** Light that the part gives off itself, as a share of its colour. */
  glow: number;
}

const fraction = (t: number): number => t - Math.floor(t);
const step = (low: number, high: number, t: number): number => {
  const u = Math.min(Math.max((t - low) / (high - low), 0), 1);
  return u * u * (3 - 2 * u);
};

/** A soft-edged square wave of period 1. */
const wave = (t: number, duty = 0.5): number => {
  const d = Math.abs(fraction(t) - 0.5) * 2;
  return step(duty - 0.09, duty + 0.09, d);
};

export const stripes = (angle: number, count: number): Pattern => {
  const [c, s] = [Math.cos(angle) * count, Math.sin(angle) * count];
  return (x, y) => wave(x * c + y * s);
};

export const zigzag = (angle: number, count: number): Pattern => {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return (x, y) => wave((x * c + y * s) * count + 0.9 * Math.abs(fraction((y * c - x * s) * count * 0.7) - 0.5));
};

export const dots = (count: number, radius = 0.3): Pattern => (x, y) => {
  const row = Math.floor(y * count);
  const u = fraction(x * count + (row & 1) * 0.5) - 0.5;
  const v = fraction(y * count) - 0.5;
  return 1 - step(radius - 0.09, radius + 0.09, Math.sqrt(u * u + v * v));
};

export const checks = (angle: number, count: number): Pattern => {
  const [c, s] = [Math.cos(angle) * count, Math.sin(angle) * count];
  return (x, y) => {
    const a = wave(x * c + y * s);
    const b = wave(y * c - x * s);
    return a + b - 2 * a * b;
  };
};

/** Woven tartan: two sets of bands, darkest where they cross. */
export const tartan = (angle: number, count: number): Pattern => {
  const [c, s] = [Math.cos(angle) * count, Math.sin(angle) * count];
  return (x, y) => 0.5 * wave(x * c + y * s, 0.6) + 0.5 * wave(y * c - x * s, 0.6);
};

/** Courses of bricks; 1 is mortar, and each brick has a slightly different tone. */
export const bricks = (count: number, seed: number): Pattern => (x, y) => {
  const v = y * count * 1.9;
  const row = Math.floor(v);
  const u = x * count + (row & 1) * 0.5;
  const mortar = Math.max(1 - step(0.03, 0.1, Math.min(fraction(u), 1 - fraction(u))), 1 - step(0.06, 0.2, Math.min(fraction(v), 1 - fraction(v))));
  return Math.max(mortar, 0.45 * lattice(Math.floor(u), row, seed));
};

/** Overlapping round scales or shingles, each darker towards the one above it. */
export const scales = (count: number): Pattern => (x, y) => {
  const v = y * count;
  let row = Math.floor(v);
  for (let k = 0; k < 2; k++, row--) {
    const u = fraction(x * count + (row & 1) * 0.5) - 0.5;
    const w = v - row - 0.7;
    const d = Math.sqrt(u * u + w * w * 0.8);
    if (w < 0 && d < 0.62) return step(0.25, 0.62, d);
  }
  return 0.9;
};

/** Long grain with knots. */
export const wood = (angle: number, count: number, seed: number): Pattern => {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return (x, y) => {
    const along = x * c + y * s;
    const across = y * c - x * s;
    const bend = noise(along * 1.5, across * 3, seed) * 1.6;
    return 0.75 * step(0.2, 0.9, fraction(across * count + bend)) + 0.25 * noise(along * 4, across * 40, seed + 7);
  };
};

export const mottle = (count: number, seed: number, octaves = 3): Pattern => (x, y) => step(0.25, 0.75, fractal(x * count, y * count, seed, octaves));
export const rings = (cx: number, cy: number, count: number): Pattern => (x, y) => wave(Math.sqrt((x - cx) ** 2 + (y - cy) ** 2) * count);
/** Sectors around a point, like an umbrella's or a sunflower's. */
export const rays = (cx: number, cy: number, count: number): Pattern => (x, y) => wave((Math.atan2(y - cy, x - cx) / (2 * Math.PI)) * count);
/** A blend from the base at `from` to the other colour at `to`, along y. */
export const fade = (from: number, to: number): Pattern => (_x, y) => step(0, 1, (y - from) / (to - from));

type Look = Partial<Omit<Surface, 'base' | 'other' | 'pattern'>>;
export const plain = (base: Colour, look: Look = {}): Surface => ({ base, other: base, pattern: null, relief: 0, gloss: 0.3, glow: 0, ...look });
export const patterned = (base: Colour, other: Colour, pattern: Pattern, look: Look = {}): Surface => ({ ...plain(base, look), other, pattern });

/** A material drawn at random for a large part: plain glaze, print, weave, wood or speckle. */
export function drawSurface(random: Random, base: Colour, other: Colour): Surface {
  const angle = random.uniform(0, Math.PI);
  const seed = random.uint32();
  const gloss = random.uniform(0.05, 0.7);
  const count = random.uniform(2.6, 4.6);
  const shade = mix(base, scale(base, 0.45), random.uniform(0.5, 1));
  const choices: (() => Surface)[] = [
    () => patterned(base, shade, mottle(random.uniform(2, 5), seed), { gloss, relief: 0.05 }),
    () => patterned(base, other, stripes(angle, count), { gloss }),
    () => patterned(base, other, dots(count, random.uniform(0.2, 0.34)), { gloss }),
    () => patterned(base, other, checks(angle, count * 0.6), { gloss }),
    () => patterned(base, other, tartan(angle, count * 0.6), { gloss: gloss * 0.4 }),
    () => patterned(base, other, zigzag(angle, count * 0.8), { gloss }),
    () => patterned(base, shade, wood(angle, random.uniform(4, 8), seed), { gloss: gloss * 0.5, relief: 0.02 }),
    () => plain(base, { gloss: random.uniform(0.4, 1) }),
  ];
  return choices[random.integer(0, choices.length - 1)]!();
}
