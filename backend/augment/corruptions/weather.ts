/** Snow, fog and bright light. */
import { bytes, numbers, unit, type Corruption } from './corruption.ts';
import { motionTaps, weighted, zoomed } from './filters.ts';
import { plasma, powerOfTwo } from './plasma.ts';

interface Snow {
  mean: number;
  deviation: number;
  /** How many times the flakes are enlarged. */
  zoom: number;
  /** Below it there is no flake. */
  threshold: number;
  /** Of the motion blur. */
  radius: number;
  sigma: number;
  /** How much of the image's own colours stays. */
  colour: number;
}

const snowfall = (mean: number, deviation: number, zoom: number, threshold: number, radius: number, sigma: number, colour: number): Snow => ({ mean, deviation, zoom, threshold, radius, sigma, colour });

export const snow: Corruption<Snow> = {
  levels: {
    'imagenet-c': [snowfall(0.1, 0.3, 3, 0.5, 10, 4, 0.8), snowfall(0.2, 0.3, 2, 0.5, 12, 4, 0.7), snowfall(0.55, 0.3, 4, 0.9, 12, 8, 0.7), snowfall(0.55, 0.3, 4.5, 0.85, 12, 8, 0.65), snowfall(0.55, 0.3, 2.5, 0.85, 12, 12, 0.55)],
    'cifar-10-c': [snowfall(0.1, 0.2, 1, 0.6, 8, 3, 0.95), snowfall(0.1, 0.2, 1, 0.5, 10, 4, 0.9), snowfall(0.15, 0.3, 1.75, 0.55, 10, 4, 0.9), snowfall(0.25, 0.3, 2.25, 0.6, 12, 6, 0.85), snowfall(0.3, 0.3, 1.25, 0.65, 14, 12, 0.8)],
  },
  apply(pixels, size, { mean, deviation, zoom, threshold, radius, sigma, colour }, random, kernels) {
    const drawn = new Float64Array(size * size).map(() => mean + deviation * random.normal());
    const flakes = bytes(zoomed(drawn, size, 1, zoom).map((value) => (value < threshold ? 0 : value)));
    const layer = weighted(kernels, numbers(flakes), size, 1, motionTaps(radius, sigma, random.uniform(-135, -45)), 'edge').map((value) => Math.round(value) / 255);
    const image = unit(pixels);
    for (let i = 0; i < layer.length; i++) {
      const grey = 0.299 * image[3 * i]! + 0.587 * image[3 * i + 1]! + 0.114 * image[3 * i + 2]!;
      // The same flakes fall once more, turned by half a turn.
      const fallen = layer[i]! + layer[layer.length - 1 - i]!;
      for (let c = 3 * i; c < 3 * i + 3; c++) image[c] = colour * image[c]! + (1 - colour) * Math.max(image[c]!, 1.5 * grey + 0.5) + fallen;
    }
    return bytes(image);
  },
};

/** Thickness, and the decay of the clouds' roughness. */
export const fog: Corruption<readonly [thickness: number, decay: number]> = {
  levels: { 'imagenet-c': [[1.5, 2], [2, 2], [2.5, 1.7], [2.5, 1.5], [3, 1.4]], 'cifar-10-c': [[0.2, 3], [0.5, 3], [0.75, 2.5], [1, 2], [1.5, 1.75]] },
  apply(pixels, size, [thickness, decay], random) {
    const image = unit(pixels), wide = powerOfTwo(size), clouds = plasma(wide, decay, random);
    const brightest = image.reduce((most, value) => Math.max(most, value), 0), scale = brightest / (brightest + thickness);
    return bytes(image.map((value, i) => {
      const pixel = Math.floor(i / 3);
      return (value + thickness * clouds[Math.floor(pixel / size) * wide + (pixel % size)]!) * scale;
    }));
  },
};

/** The constant is added to the value of hue, saturation and value. */
export const brightness: Corruption<number> = {
  levels: { 'imagenet-c': [0.1, 0.2, 0.3, 0.4, 0.5], 'cifar-10-c': [0.05, 0.1, 0.15, 0.2, 0.3] },
  apply(pixels, _size, more) {
    const image = unit(pixels);
    for (let i = 0; i < image.length; i += 3) {
      const value = Math.max(image[i]!, image[i + 1]!, image[i + 2]!), brighter = Math.min(1, value + more);
      // With hue and saturation as they are the channels keep their ratios; black becomes grey.
      for (let c = i; c < i + 3; c++) image[c] = value === 0 ? brighter : image[c]! * (brighter / value);
    }
    return bytes(image);
  },
};
