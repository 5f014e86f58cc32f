/** What is drawn: crops inside the image, masks of exactly the asked count, and draws that depend on nothing but their key. */
import { describe, expect, test } from 'vitest';
import { drawCrop } from '../../backend/augment/crop.ts';
import { drawMask } from '../../backend/augment/masks.ts';
import { checkPlan, expandViews, opSchema, viewPlanSchema, type ViewPlan, type ViewSpec } from '../../backend/augment/plan.ts';
import { drawView } from '../../backend/augment/views.ts';
import { InputError } from '../../backend/errors.ts';
import { Random } from '../../backend/random.ts';
import { twoViews } from '../data/images.ts';

const spec = { scale: [0.08, 1] as [number, number], ratio: [3 / 4, 4 / 3] as [number, number], interpolation: 'bicubic' as const };

describe('crops', () => {
  test('lie inside the image, with the area and aspect asked for', () => {
    for (let seed = 0; seed < 2000; seed++) {
      const random = new Random(seed);
      const [width, height] = [random.integer(60, 600), random.integer(60, 600)];
      const crop = drawCrop(random, width, height, spec);
      expect(crop.top).toBeGreaterThanOrEqual(0);
      expect(crop.left).toBeGreaterThanOrEqual(0);
      expect(crop.top + crop.height).toBeLessThanOrEqual(height);
      expect(crop.left + crop.width).toBeLessThanOrEqual(width);
      // Rounding to pixels moves the aspect of a small crop by a few percent.
      expect(crop.width / crop.height).toBeGreaterThan(0.75 * 0.93);
      expect(crop.width / crop.height).toBeLessThan(1.34 / 0.93);
    }
  });

  test('fall back to the greatest centred box of an image that is too thin', () => {
    expect(drawCrop(new Random(1), 1000, 30, { ...spec, scale: [1, 1] })).toEqual({ top: 0, left: 480, height: 30, width: 40 });
    expect(drawCrop(new Random(1), 30, 1000, { ...spec, scale: [1, 1] })).toEqual({ top: 480, left: 0, height: 40, width: 30 });
    expect(drawCrop(new Random(1), 1, 1, spec)).toEqual({ top: 0, left: 0, height: 1, width: 1 });
  });

  test('have areas spread evenly over the scale', () => {
    const shares = Array.from({ length: 4000 }, (_, seed) => {
      const crop = drawCrop(new Random(seed), 400, 400, { ...spec, scale: [0.2, 0.6] });
      return (crop.width * crop.height) / 160_000;
    });
    expect(shares.reduce((a, b) => a + b) / shares.length).toBeCloseTo(0.4, 1);
    expect(Math.min(...shares)).toBeLessThan(0.21);
    expect(Math.max(...shares)).toBeGreaterThan(0.59);
  });
});

describe('masks', () => {
  const block = (count: number) => ({ kind: 'block' as const, count, minBlock: 16, aspect: [0.3, 1 / 0.3] as [number, number] });

  test('have exactly the count, whatever the grid', () => {
    for (let seed = 0; seed < 2000; seed++) {
      const random = new Random(seed);
      const grid = random.integer(1, 24);
      const count = random.integer(0, grid * grid);
      for (const mask of [drawMask(random, grid, block(count)), drawMask(random, grid, { kind: 'random', count })]) {
        expect(mask).toHaveLength(grid * grid);
        expect(mask!.reduce((a, b) => a + b, 0)).toBe(count);
      }
    }
    expect(drawMask(new Random(1), 14, { kind: 'none' })).toBeNull();
  });

  test('in blocks hang together more than at random', () => {
    const neighbours = (mask: Uint8Array) => mask.reduce((sum, value, i) => sum + (value && i % 14 < 13 ? mask[i + 1]! : 0), 0);
    const mean = (kind: 'block' | 'random') => Array.from({ length: 300 }, (_, seed) => neighbours(drawMask(new Random(seed), 14, kind === 'block' ? block(118) : { kind, count: 118 })!)).reduce((a, b) => a + b) / 300;
    expect(mean('block')).toBeGreaterThan(1.2 * mean('random'));
  });

  test('hide every patch about equally often at random', () => {
    const hits = new Float64Array(36);
    for (let seed = 0; seed < 3000; seed++) drawMask(new Random(seed), 6, { kind: 'random', count: 9 })!.forEach((value, i) => (hits[i]! += value));
    for (const hit of hits) expect(Math.abs(hit / 3000 - 0.25)).toBeLessThan(0.05);
  });
});

describe('views', () => {
  const draw = (plan: ViewPlan, position: number, key = { seed: 1, epoch: 2, index: 3 }) => drawView(plan, expandViews(plan), position, key, 300, 200);

  test('follow from their key alone', () => {
    expect(draw(twoViews, 0)).toEqual(draw(twoViews, 0));
    for (const key of [{ seed: 2, epoch: 2, index: 3 }, { seed: 1, epoch: 3, index: 3 }, { seed: 1, epoch: 2, index: 4 }]) expect(draw(twoViews, 0, key).crop).not.toEqual(draw(twoViews, 0).crop);
    expect(draw(twoViews, 1).crop).not.toEqual(draw(twoViews, 0).crop);
  });

  test('share crop and flip where the plan says so, and nothing else', () => {
    const same = { ...twoViews, sameCrop: true };
    for (let index = 0; index < 50; index++) {
      const key = { seed: 1, epoch: 0, index };
      expect(draw(same, 1, key).crop).toEqual(draw(same, 0, key).crop);
      expect(draw(same, 1, key).ops[0]!.parameters).not.toEqual(draw(same, 0, key).ops[0]!.parameters);
    }
  });

  test('that are the same as another show its crop, flip and colours at their own size, and leave its draws as they were', () => {
    const [first, second] = twoViews.views as [ViewSpec, ViewSpec];
    const followed: ViewPlan = { ...twoViews, views: [first, second, { ...second, name: 'small', size: 16, sameAs: second.name, crop: { scale: [1, 1], ratio: [1, 1], interpolation: 'lanczos' }, ops: [], mask: null }] };
    checkPlan(followed);
    for (let index = 0; index < 50; index++) {
      const key = { seed: 1, epoch: 0, index };
      const { crop, ops, mask } = draw(followed, 2, key);
      expect({ crop, ops }).toEqual({ crop: draw(twoViews, 1, key).crop, ops: draw(twoViews, 1, key).ops });
      expect(mask).toBeNull();
      expect(draw({ ...followed, sameCrop: true }, 2, key).crop).toEqual(draw(twoViews, 0, key).crop);
    }
  });

  test('keep their other draws when one op changes', () => {
    const view = twoViews.views[0]!;
    const changed = { ...twoViews, views: [{ ...view, ops: view.ops.map((op) => (op.op === 'gaussianBlur' ? { ...op, sigma: [3, 4] as [number, number] } : op)) }, twoViews.views[1]!] };
    const [before, after] = [draw(twoViews, 0), draw(changed, 0)];
    expect(after.crop).toEqual(before.crop);
    expect(after.mask).toEqual(before.mask);
    expect(after.ops.filter((op) => op.op !== 'gaussianBlur')).toEqual(before.ops.filter((op) => op.op !== 'gaussianBlur'));
    expect(after.ops.find((op) => op.op === 'gaussianBlur')).not.toEqual(before.ops.find((op) => op.op === 'gaussianBlur'));
  });

  test('apply an op about as often as p says', () => {
    let applied = 0;
    for (let index = 0; index < 2000; index++) applied += Number(draw(twoViews, 0, { seed: 0, epoch: 0, index }).ops[0]!.applied);
    expect(Math.abs(applied / 2000 - 0.8)).toBeLessThan(0.03);
  });
});

describe('plans', () => {
  const view = twoViews.views[0]!;

  test('that cannot work are refused, with the reason', () => {
    expect(() => checkPlan({ ...twoViews, views: [view, view] })).toThrow(/two views are named online/);
    expect(() => checkPlan({ ...twoViews, patchSize: 5 })).toThrow(/5-pixel patches do not divide/);
    expect(() => checkPlan({ ...twoViews, views: [{ ...view, mask: { kind: 'random', count: 65 } }] })).toThrow(/64 patches, fewer than the 65/);
    expect(() => checkPlan({ ...twoViews, views: [{ ...view, crop: { ...view.crop, scale: [1, 0.5] } }] })).toThrow(InputError);
  });

  test('whose view is the same as none, or has draws of its own all the same, are refused', () => {
    const small = { ...view, name: 'small', ops: [], mask: null, sameAs: view.name };
    const plan = (...views: ViewSpec[]): (() => void) => () => checkPlan({ patchSize: 4, views });
    expect(plan(view, small)).not.toThrow();
    expect(plan(small, view)).toThrow(/view small is the same as online, which is no earlier view with draws of its own/);
    expect(plan(view, { ...small, sameAs: 'small' })).toThrow(/choose online/);
    expect(plan(view, small, { ...small, name: 'smaller', sameAs: 'small' })).toThrow(/choose online/);
    expect(plan(view, { ...small, ops: view.ops })).toThrow(/make its ops \[\]/);
    expect(plan(view, { ...small, mask: view.mask })).toThrow(/make its mask null/);
  });

  test('round trip through their schema, which refuses unknown keys', () => {
    expect(viewPlanSchema.parse(JSON.parse(JSON.stringify(twoViews)))).toEqual(twoViews);
    expect(viewPlanSchema.safeParse({ ...twoViews, colour: true }).success).toBe(false);
    expect(opSchema.safeParse({ op: 'posterize', p: 1 }).success).toBe(false);
    expect(opSchema.safeParse({ op: 'gaussianBlur', p: 1, sigma: [0, 1e9] }).success).toBe(false);
  });

  test('with counts give as many views', () => {
    expect(expandViews({ patchSize: 4, views: [view, { ...view, name: 'local', count: 3 }] }).map((v) => v.name)).toEqual(['online', 'local0', 'local1', 'local2']);
  });
});
