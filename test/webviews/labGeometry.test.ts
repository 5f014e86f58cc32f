/** The lab's page places crops and patches where the loader takes them: held against the geometry of training, over many drawn pairs. */
import { expect, test } from 'vitest';
import { mapPoint, overlapShare, type Crop } from '../../backend/augment/geometry.ts';
import { Random } from '../../backend/random.ts';
import { boxOf, cropOf } from '../../backend/views/augmentationSample.ts';
import { cursorOf, gripAt, inImage, moved, patchAt, patchInImage, patchInView } from '../../webviews/augmentation/geometry.ts';

const random = new Random(41);

function drawPair(): { a: Crop; b: Crop } {
  const [imageWidth, imageHeight] = [random.integer(20, 600), random.integer(20, 600)];
  const draw = (): Crop => {
    const width = random.integer(8, imageWidth), height = random.integer(8, imageHeight);
    return { top: random.integer(0, imageHeight - height), left: random.integer(0, imageWidth - width), width, height, flipped: random.chance(0.5), imageWidth, imageHeight };
  };
  return { a: draw(), b: draw() };
}

const pairs = Array.from({ length: 400 }, drawPair);

test('a patch, cropped, flipped, resized, mapped to the other view and back, is itself, and shows one place of the image all the way', () => {
  for (const { a, b } of pairs) {
    const grid = random.integer(1, 16);
    for (let patch = 0; patch < grid * grid; patch++) {
      const centre = { row: (Math.floor(patch / grid) + 0.5) / grid, column: ((patch % grid) + 0.5) / grid };
      const there = mapPoint(b, a, centre);
      const back = mapPoint(a, b, there);
      expect(patchAt(back.row, back.column, grid)).toBe(patch);
      const inB = inImage(boxOf(b), centre.row, centre.column), inA = inImage(boxOf(a), there.row, there.column);
      expect(inA.x).toBeCloseTo(inB.x, 7);
      const found = patchInView(boxOf(b), grid, patch, boxOf(a));
      expect(found.row).toBeCloseTo(there.row, 7);
      expect(found.column).toBeCloseTo(there.column, 7);
      expect(inA.y).toBeCloseTo(inB.y, 7);
    }
  }
});

test('a patch\'s part of the image holds exactly the points that lie in the patch', () => {
  for (const { b } of pairs) {
    const grid = random.integer(1, 16), box = boxOf(b), point = { row: random.uniform(), column: random.uniform() };
    const patch = patchAt(point.row, point.column, grid)!;
    const { x, y } = inImage(box, point.row, point.column), { x: left, y: top, width, height } = patchInImage(box, grid, patch);
    expect(x > left - 1e-9 && x < left + width + 1e-9 && y > top - 1e-9 && y < top + height + 1e-9).toBe(true);
    expect(patchAt(1, 0.5, grid)).toBe(null);
    expect(patchAt(0.5, -1e-9, grid)).toBe(null);
  }
});

test('boxes share what their crops share', () => {
  for (const { a, b } of pairs) {
    const [p, q] = [boxOf(a), boxOf(b)];
    const rows = Math.max(0, Math.min(p.top + p.height, q.top + q.height) - Math.max(p.top, q.top)), columns = Math.max(0, Math.min(p.left + p.width, q.left + q.width) - Math.max(p.left, q.left));
    expect(overlapShare(a, b)).toBeCloseTo((rows * columns) / (p.width * p.height), 9);
  }
});

test('however a box is dragged it stays whole, inside the image, and a crop', () => {
  for (const { b } of pairs) {
    let box = boxOf(b);
    const { imageWidth, imageHeight } = b;
    for (let i = 0; i < 20; i++) {
      const point = { x: box.left + random.uniform(-5, box.width + 5), y: box.top + random.uniform(-5, box.height + 5) };
      const grip = gripAt(box, point, 6)!;
      expect(cursorOf(grip)).not.toBe('default');
      const before = box;
      box = moved(box, grip, random.uniform(-700, 700), random.uniform(-700, 700), imageWidth, imageHeight);
      expect(box.left >= 0 && box.top >= 0 && box.width >= 1 && box.height >= 1 && box.left + box.width <= imageWidth && box.top + box.height <= imageHeight).toBe(true);
      expect(boxOf(cropOf(box, imageWidth, imageHeight))).toEqual(box);
      if (cursorOf(grip) === 'move') expect([box.width, box.height]).toEqual([before.width, before.height]);
      if (!grip.left && cursorOf(grip) !== 'move') expect(box.left).toBe(before.left);
    }
  }
  expect(gripAt(boxOf(pairs[0]!.b), { x: -1000, y: 0 }, 6)).toBe(null);
});
