/** Frost on a pane. The published corruption lays photographs of frost over the image; this frost is drawn, so its errors are not those of the published images. */
import type { Random } from '../../random.ts';
import type { Corruption } from './corruption.ts';
import { plasma, powerOfTwo } from './plasma.ts';

/** Weights of the image and of the frost. */
export const frost: Corruption<readonly [image: number, frost: number]> = {
  levels: { 'imagenet-c': [[1, 0.4], [0.8, 0.6], [0.7, 0.7], [0.65, 0.7], [0.6, 0.75]], 'cifar-10-c': [[1, 0.2], [1, 0.3], [0.9, 0.4], [0.85, 0.4], [0.75, 0.45]] },
  apply(pixels, size, [own, over], random) {
    const pane = drawFrost(size, random);
    return pixels.map((value, i) => Math.trunc(Math.min(255, own * value + over * 255 * pane[i]!)));
  },
};

/** A pane, RGB [size, size, 3] from 0 to 1: feathers of ice that have grown over each other on a hazy, bluish ground. */
export function drawFrost(size: number, random: Random): Float64Array {
  const wide = powerOfTwo(size), haze = plasma(wide, 2, random), grain = plasma(wide, 1.4, random);
  const ice = new Float64Array(size * size);
  for (let i = 0; i < feathers; i++) feather(ice, size, random);
  const ground = random.uniform(0.25, 0.6), cold = random.uniform(0.03, 0.1);
  const result = new Float64Array(ice.length * 3);
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i++) {
      const cloud = haze[y * wide + x]!, rough = grain[y * wide + x]! - 0.5;
      const light = ground + 0.25 * (cloud - 0.5) + 0.4 * rough + (0.85 - 0.6 * ground) * (1 - Math.exp(-ice[i]! * (0.35 + 0.65 * cloud)));
      // The thinner the ice, the bluer.
      const tint = cold * (1.2 - Math.min(1, light));
      for (let c = 0; c < 3; c++) result[3 * i + c] = Math.min(1, Math.max(0, light + tint * (c - 1.2)));
    }
  return result;
}

const feathers = 260;

/** A bent stem with barbs at both sides that grow shorter towards its tip, added to the ice. */
function feather(ice: Float64Array, size: number, random: Random): void {
  let [x, y] = [random.uniform(-0.15, 1.15) * size, random.uniform(-0.15, 1.15) * size];
  const angle = random.uniform(0, 2 * Math.PI), bend = random.uniform(-0.8, 0.8), spread = random.uniform(0.4, 0.9);
  const length = size * random.uniform(0.12, 0.4), barb = length * random.uniform(0.25, 0.5), gap = size / 75, strength = random.uniform(0.15, 0.6);
  for (let along = 0, next = 0; along < length; along++) {
    const turn = angle + (bend * along) / length, left = 1 - along / length;
    deposit(ice, size, x, y, strength);
    for (; along >= next; next += gap * random.uniform(0.6, 1.4))
      for (const side of [-1, 1]) {
        const direction = turn + side * spread, reach = barb * left * random.uniform(0.4, 1);
        for (let out = 1; out < reach; out++) deposit(ice, size, x + out * Math.cos(direction), y + out * Math.sin(direction), strength * (1 - out / reach));
      }
    x += Math.cos(turn);
    y += Math.sin(turn);
  }
}

/** Shares an amount of ice among the four pixels around a place. */
function deposit(ice: Float64Array, size: number, x: number, y: number, amount: number): void {
  const left = Math.floor(x), top = Math.floor(y);
  for (let row = top; row <= top + 1; row++)
    for (let column = left; column <= left + 1; column++) if (column >= 0 && column < size && row >= 0 && row < size) ice[row * size + column]! += amount * (1 - Math.abs(x - column)) * (1 - Math.abs(y - row));
}
