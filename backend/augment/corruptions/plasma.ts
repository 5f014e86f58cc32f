/** Clouds by the diamond-square algorithm on a torus: what fog and frost are drawn from. */
import type { Random } from '../../random.ts';

/** The least power of two that is not below a size. */
export const powerOfTwo = (size: number): number => 2 ** Math.ceil(Math.log2(size));

/** [size, size] numbers from 0 to 1; `size` is a power of two. The larger the decay of the roughness from scale to scale, the smoother. */
export function plasma(size: number, decay: number, random: Random): Float64Array {
  const map = new Float64Array(size * size), wrap = size - 1;
  const at = (y: number, x: number): number => map[(y & wrap) * size + (x & wrap)]!;
  let wobble = 100;
  for (let step = size; step >= 2; step /= 2) {
    const half = step / 2;
    const draw = (sum: number): number => sum / 4 + wobble * random.uniform(-wobble, wobble);
    const beside = (y: number, x: number): number => at(y - half, x) + at(y + half, x) + at(y, x - half) + at(y, x + half);
    for (let y = half; y < size; y += step) for (let x = half; x < size; x += step) map[y * size + x] = draw(at(y - half, x - half) + at(y - half, x + half) + at(y + half, x - half) + at(y + half, x + half));
    for (let y = 0; y < size; y += step) for (let x = half; x < size; x += step) map[y * size + x] = draw(beside(y, x));
    for (let y = half; y < size; y += step) for (let x = 0; x < size; x += step) map[y * size + x] = draw(beside(y, x));
    wobble /= decay;
  }
  const { low, high } = map.reduce((range, value) => ({ low: Math.min(range.low, value), high: Math.max(range.high, value) }), { low: Infinity, high: -Infinity });
  return map.map((value) => (value - low) / (high - low));
}
