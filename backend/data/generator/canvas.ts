/** The picture being painted, in linear light, and the light that falls on it. */
import type { Random } from '../../random.ts';
import { oklch, scale, type Colour } from './colours.ts';

export interface Canvas {
  size: number;
  /** [size, size, 3], linear light. */
  pixels: Float32Array;
}

/** A distant lamp, the colour of the sky above and of light thrown back from below. Directions: x right, y down, z to the viewer. */
export interface Light {
  direction: readonly [x: number, y: number, z: number];
  colour: Colour;
  sky: Colour;
  ground: Colour;
  /** Width of a shadow's edge as a share of the distance that the shadow is thrown. */
  softness: number;
}

export function drawLight(random: Random): Light {
  const azimuth = -Math.PI / 2 + random.uniform(-1.25, 1.25);
  const elevation = random.uniform(0.5, 1.0);
  const warm = random.uniform(0.05, 0.2);
  const strength = random.uniform(0.85, 1.1);
  return {
    direction: [Math.cos(azimuth) * Math.cos(elevation), Math.sin(azimuth) * Math.cos(elevation), Math.sin(elevation)],
    colour: scale(oklch(1, random.uniform(0, 0.05), warm), strength),
    sky: scale(oklch(0.95, 0.04, random.uniform(0.55, 0.75)), 0.42),
    ground: scale(oklch(0.9, 0.05, random.uniform(0.05, 0.2)), 0.2),
    softness: random.uniform(0.3, 0.8),
  };
}

/** Softens the whole picture: two box blurs of the given radius (pixels) along each axis, close to a Gaussian. */
export function blur(canvas: Canvas, radius: number): void {
  const r = Math.round(radius);
  if (r < 1) return;
  const { size, pixels } = canvas;
  // One line with its ends repeated, so that the running sum needs no bounds.
  const line = new Float32Array(size + 2 * r);
  const weight = 1 / (2 * r + 1);
  const pass = (offset: number, stride: number): void => {
    for (let i = 0; i < size; i++) line[i + r] = pixels[offset + i * stride]!;
    line.fill(line[r]!, 0, r).fill(line[size + r - 1]!, size + r);
    let sum = 0;
    for (let i = 0; i < 2 * r; i++) sum += line[i]!;
    for (let i = 0; i < size; i++) {
      sum += line[i + 2 * r]!;
      pixels[offset + i * stride] = sum * weight;
      sum -= line[i]!;
    }
  };
  for (let round = 0; round < 2; round++)
    for (let channel = 0; channel < 3; channel++)
      for (let i = 0; i < size; i++) {
        pass(i * size * 3 + channel, 3);
        pass(i * 3 + channel, size * 3);
      }
}

/** The sRGB curve by table: 4,096 steps over 0 to 1. */
const encode = Uint8Array.from({ length: 4097 }, (_, i) => {
  const v = i / 4096;
  return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
});

/** Develops the picture: vignette, film grain, a soft shoulder for highlights, the sRGB curve. Returns [size, size, 3] bytes. */
export function develop(canvas: Canvas, random: Random): Uint8Array {
  const { size, pixels } = canvas;
  const bytes = new Uint8Array(pixels.length);
  const vignette = random.uniform(0.1, 0.4);
  const grain = random.uniform(0.004, 0.02);
  const exposure = random.uniform(0.9, 1.1);
  let state = random.uint32() | 1;
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const u = (x + 0.5) / size - 0.5;
      const v = (y + 0.5) / size - 0.5;
      const gain = exposure * (1 - vignette * 1.6 * (u * u + v * v));
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      // Two 16-bit halves make a roughly triangular draw; grain is stronger in the light, as the root of it.
      const draw = ((state >>> 16) + (Math.imul(state, 69069) >>> 16)) / 65536 - 1;
      for (let c = 0; c < 3; c++, i++) {
        let value = pixels[i]! * gain;
        value += draw * grain * Math.sqrt(Math.max(value, 0.02));
        if (value > 0.7) value = 0.7 + 0.3 * (1 - Math.exp((0.7 - value) / 0.3));
        bytes[i] = encode[value <= 0 ? 0 : (value * 4096) | 0]!;
      }
    }
  return bytes;
}
