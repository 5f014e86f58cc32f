/** Noise of single pixels: of the sensor (gaussian), of few photons (shot), of broken bits (impulse). */
import type { Random } from '../../random.ts';
import { bytes, unit, type Corruption } from './corruption.ts';

/** The constant is the standard deviation, of [0, 1]. */
export const gaussianNoise: Corruption<number> = {
  levels: { 'imagenet-c': [0.08, 0.12, 0.18, 0.26, 0.38], 'cifar-10-c': [0.04, 0.06, 0.08, 0.09, 0.1] },
  apply: (pixels, _size, deviation, random) => bytes(unit(pixels).map((value) => value + deviation * random.normal())),
};

/** The constant is how many photons make white. */
export const shotNoise: Corruption<number> = {
  levels: { 'imagenet-c': [60, 25, 12, 5, 3], 'cifar-10-c': [500, 250, 100, 75, 50] },
  apply(pixels, _size, photons, random) {
    const tables = new Map<number, Float64Array>();
    const result = new Float64Array(pixels.length);
    pixels.forEach((value, i) => {
      if (!tables.has(value)) tables.set(value, poissonTable((value / 255) * photons));
      result[i] = poisson(tables.get(value)!, random) / photons;
    });
    return bytes(result);
  },
};

/** P(X <= k) of a Poisson number for k = 0, 1, ... up to where nothing is left. */
function poissonTable(mean: number): Float64Array {
  const length = Math.ceil(mean + 10 * Math.sqrt(mean) + 20), table = new Float64Array(length);
  let log = -mean, sum = 0;
  for (let k = 0; k < length; k++) {
    sum += Math.exp(log);
    table[k] = sum;
    log += Math.log(mean / (k + 1));
  }
  return table;
}

/** One draw: the least k whose P(X <= k) is not below a uniform number. */
function poisson(table: Float64Array, random: Random): number {
  const chance = random.uniform();
  let low = 0, high = table.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (table[middle]! >= chance) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Salt and pepper; the constant is the share of values, each channel for itself. */
export const impulseNoise: Corruption<number> = {
  levels: { 'imagenet-c': [0.03, 0.06, 0.09, 0.17, 0.27], 'cifar-10-c': [0.01, 0.02, 0.03, 0.05, 0.07] },
  apply: (pixels, _size, amount, random) => pixels.map((value) => (random.chance(amount) ? (random.chance(0.5) ? 255 : 0) : value)),
};
