/** Smooth random functions of the plane, for landscapes, plaster, wood grain and leaves. */

/** A lattice point's value in [0, 1), from its integer coordinates and a seed. */
export function lattice(ix: number, iy: number, seed: number): number {
  let h = Math.imul(ix, 0x27d4eb2d) ^ Math.imul(iy, 0x165667b1) ^ seed;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
}

/** Value noise in [0, 1): lattice values joined by cubic blends. */
export function noise(x: number, y: number, seed: number): number {
  const ix = Math.floor(x);
  const iy = Math.floor(y);
  const fx = x - ix;
  const fy = y - iy;
  const u = fx * fx * (3 - 2 * fx);
  const v = fy * fy * (3 - 2 * fy);
  const a = lattice(ix, iy, seed);
  const b = lattice(ix + 1, iy, seed);
  const c = lattice(ix, iy + 1, seed);
  const d = lattice(ix + 1, iy + 1, seed);
  return a + (b - a) * u + (c - a + (a - b - c + d) * u) * v;
}

/** Octaves of value noise, each half as strong and about twice as fine as the one before; in [0, 1), around 0.5. */
export function fractal(x: number, y: number, seed: number, octaves: number): number {
  let sum = 0;
  let weight = 0;
  for (let o = 0, amplitude = 1, frequency = 1; o < octaves; o++, amplitude /= 2, frequency *= 2.03) {
    sum += amplitude * noise(x * frequency, y * frequency, seed + o * 101);
    weight += amplitude;
  }
  return sum / weight;
}
