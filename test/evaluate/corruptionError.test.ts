/** The published summary of errors under corruption. */
import { expect, test } from 'vitest';
import { corruptionLevels, corruptionNames } from '../../backend/augment/corruptions/names.ts';
import { alexNetErrors, summarize } from '../../backend/evaluate/protocols/corruptionError.ts';
import { wilson } from '../../backend/evaluate/rates.ts';

const errors = (share: (name: keyof typeof alexNetErrors, level: number) => number) => corruptionNames.map((corruption) => ({ corruption, levels: corruptionLevels.map((level) => ({ level, error: wilson(Math.round(1e6 * share(corruption, level)), 1e6) })) }));
const clean = wilson(800_000, 1_000_000);

test('half of the images wrong everywhere is an mCE of 64.673, and AlexNet\'s own errors are 100', () => {
  const half = summarize(clean, errors(() => 0.5), true);
  expect(half.mce).toBeCloseTo(64.673, 3);
  expect(half.robustness).toBeCloseTo(100 - 64.673, 3);
  expect(half.cleanError.value).toBeCloseTo(0.2, 12);
  const own = summarize(clean, errors((name) => alexNetErrors[name]), true);
  expect(own.mce).toBeCloseTo(100, 4);
  expect(own.mceWithoutFrost).toBeCloseTo(100, 4);
});

test('the mean over levels is divided, not the errors of each level; frost alone moves the mCE by a fifteenth', () => {
  const result = summarize(clean, errors((name, level) => (name === 'frost' ? 0.15 * level : 0)), true);
  expect(result.corruptions.find(({ corruption }) => corruption === 'frost')!.corruptionError).toBeCloseTo(0.45 / 0.826572, 6);
  expect(result.mce).toBeCloseTo((100 * 0.45) / 0.826572 / 15, 4);
  expect(result.mceWithoutFrost).toBe(0);
});

test('there is no mCE for other images, or for some of the corruptions or levels', () => {
  const all = errors(() => 0.5);
  for (const result of [summarize(clean, all, false), summarize(clean, all.slice(1), true), summarize(clean, all.map((row) => ({ ...row, levels: row.levels.slice(1) })), true)]) {
    expect([result.mce, result.mceWithoutFrost, result.robustness]).toEqual([null, null, null]);
    expect(result.meanError).toBeCloseTo(0.5, 12);
    expect(result.notes).toHaveLength(2);
  }
});
