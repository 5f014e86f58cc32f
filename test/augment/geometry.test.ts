/** The geometry of two crops: there and back, true matches, and the relative frame, over many drawn pairs. */
import { expect, test } from 'vitest';
import { drawCrop } from '../../backend/augment/crop.ts';
import { mapPoint, matchPatches, overlapShare, relativeGeometry, type Crop } from '../../backend/augment/geometry.ts';
import { Random } from '../../backend/random.ts';

const spec = { scale: [0.08, 1] as [number, number], ratio: [3 / 4, 4 / 3] as [number, number], interpolation: 'bicubic' as const };

function drawPair(seed: number): { random: Random; a: Crop; b: Crop } {
  const random = new Random(seed);
  const [imageWidth, imageHeight] = [random.integer(1, 600), random.integer(1, 600)];
  const draw = () => ({ ...drawCrop(random, imageWidth, imageHeight, spec), flipped: random.chance(0.5), imageWidth, imageHeight });
  return { random, a: draw(), b: draw() };
}

const pairs = Array.from({ length: 500 }, (_, seed) => drawPair(seed));

test('a point of one view, mapped to the other and back, is itself', () => {
  for (const { random, a, b } of pairs) {
    const point = { row: random.uniform(-1, 2), column: random.uniform(-1, 2) };
    const back = mapPoint(b, a, mapPoint(a, b, point));
    expect(back.row).toBeCloseTo(point.row, 9);
    expect(back.column).toBeCloseTo(point.column, 9);
  }
});

test('a mapped point shows the same pixel of the unflipped image', () => {
  const place = (crop: Crop, { row, column }: { row: number; column: number }) => {
    const x = crop.left + column * crop.width;
    return [crop.top + row * crop.height, crop.flipped ? crop.imageWidth - x : x];
  };
  for (const { a, b } of pairs) {
    const point = { row: 0.3, column: 0.8 };
    const [y, x] = place(a, point);
    const [y2, x2] = place(b, mapPoint(a, b, point));
    expect(y2).toBeCloseTo(y!, 9);
    expect(x2).toBeCloseTo(x!, 9);
  }
});

test('the relative frame places each patch of b where mapPoint does', () => {
  const grid = 14;
  for (const { a, b } of pairs) {
    const { deltaI, deltaJ, deltaH, deltaW, relativeFlip, flipDeltaJ } = relativeGeometry(a, b);
    for (const [u, v] of [[0, 0], [5, 13], [13, 2]] as const) {
      // The paper's rows and columns of b's patch (u, v) in a's frame, in patches.
      const row = deltaH * (u + 0.5) + deltaI * grid - 0.5;
      const column = relativeFlip ? -deltaW * (v + 0.5) + flipDeltaJ * grid - 0.5 : deltaW * (v + 0.5) + deltaJ * grid - 0.5;
      const centre = mapPoint(b, a, { row: (u + 0.5) / grid, column: (v + 0.5) / grid });
      expect(row).toBeCloseTo(centre.row * grid - 0.5, 8);
      expect(column).toBeCloseTo(centre.column * grid - 0.5, 8);
    }
  }
});

test('equal views match patch by patch, mirrored ones mirrored, and distant ones nowhere', () => {
  const crop: Crop = { top: 10, left: 20, height: 60, width: 60, flipped: false, imageWidth: 100, imageHeight: 100 };
  expect([...matchPatches(crop, crop, 3)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect([...matchPatches(crop, { ...crop, flipped: true }, 3)]).toEqual([2, 1, 0, 5, 4, 3, 8, 7, 6]);
  const corner = { ...crop, top: 0, left: 0, height: 10, width: 10 };
  expect(new Set(matchPatches(crop, corner, 3))).toEqual(new Set([-1]));
});

test('the overlap is the counted share of pixels', () => {
  for (const { a, b } of pairs.slice(0, 40)) {
    let inside = 0;
    for (let y = 0; y < a.height; y++)
      for (let x = 0; x < a.width; x++) {
        const { row, column } = mapPoint(a, b, { row: (y + 0.5) / a.height, column: (x + 0.5) / a.width });
        inside += Number(row > 0 && row < 1 && column > 0 && column < 1);
      }
    expect(overlapShare(a, b)).toBeCloseTo(inside / (a.width * a.height), 9);
  }
});
