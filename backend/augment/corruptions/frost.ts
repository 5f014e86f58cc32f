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

/** A pane, RGB [size, size, 3] from 0 to 1: feathers of ice that grow in several directions over a hazy, bluish ground. */
export function drawFrost(size: number, random: Random): Float64Array {
  const wide = powerOfTwo(size), haze = plasma(wide, 2, random), grain = plasma(wide, 1.5, random);
  const ice = new Float64Array(size * size);
  const feathers = 34;
  for (let i = 0; i < feathers; i++) feather(ice, size, random);
  const ground = random.uniform(0.16, 0.5), cold = random.uniform(0.03, 0.12);
  const result = new Float64Array(ice.length * 3);
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i++) {
      const cloud = haze[y * wide + x]!, rough = grain[y * wide + x]! - 0.5;
      const light = ground + 0.3 * (cloud - 0.5) + 0.3 * rough + (0.75 - 0.6 * ground) * (1 - Math.exp(-ice[i]! * (0.5 + cloud)));
      const tint = cold * (1.2 - Math.min(1, light));
      [-1.4 * tint, 0, 0.6 * tint].forEach((shift, c) => (result[3 * i + c] = Math.min(1, Math.max(0, light + shift))));
    }
  return result;
}

/** A stem with barbs at both sides that grow shorter towards its tip, added to the ice. */
function feather(ice: Float64Array, size: number, random: Random): void {
  const [startX, startY, angle] = [random.uniform(-0.1, 1.1) * size, random.uniform(-0.1, 1.1) * size, random.uniform(0, 2 * Math.PI)];
  const length = size * random.uniform(0.15, 0.55), spread = random.uniform(0.5, 1.05), barb = length * random.uniform(0.18, 0.4), bend = random.uniform(-0.6, 0.6);
  const gap = Math.max(2, size / 64), strength = random.uniform(0.25, 0.7);
  let [x, y] = [startX, startY];
  for (let along = 0, next = 0; along < length; along++) {
    const turn = angle + (bend * along) / length, left = 1 - along / length;
    deposit(ice, size, x, y, strength * (0.4 + 0.6 * left));
    if (along >= next) {
      next += gap * random.uniform(0.7, 1.3);
      for (const side of [-1, 1]) {
        const direction = turn + side * spread, reach = barb * left * random.uniform(0.5, 1);
        for (let out = 0; out < reach; out++) deposit(ice, size, x + out * Math.cos(direction), y + out * Math.sin(direction), strength * (1 - out / reach));
      }
    }
    x += Math.cos(turn);
    y += Math.sin(turn);
  }
}

/** Shares an amount of ice among the four pixels around a place. */
function deposit(ice: Float64Array, size: number, x: number, y: number, amount: number): void {
  const [left, top] = [Math.floor(x), Math.floor(y)], [u, v] = [x - left, y - top];
  for (const [dx, dy, share] of [[0, 0, (1 - u) * (1 - v)], [1, 0, u * (1 - v)], [0, 1, (1 - u) * v], [1, 1, u * v]] as const) {
    const [column, row] = [left + dx, top + dy];
    if (column >= 0 && column < size && row >= 0 && row < size) ice[row * size + column]! += amount * share;
  }
}
