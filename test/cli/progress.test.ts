/** The line that moves: it fits, keeps its shape, and gives up first what matters least. */
import { expect, test } from 'vitest';
import { barLine } from '../../backend/commands/progress.ts';
import { duration } from '../../backend/commands/terminal.ts';
import type { MetricsRow } from '../../backend/protocol.ts';

const row: MetricsRow = { step: 12, epoch: 1, loss: 1.23456, grad_norm: 1, learning_rate: 1, images_per_second: 236.123, seconds: 1, data_seconds: 0, elapsed_seconds: 12, memory_mb: 1 };

test('at 80 columns it says everything', () => {
  expect(barLine(row, 40, 75, 80)).toMatch(/^step 12\/40 {2}█+░+ {2}loss 1\.235 {2}236 images\/s {2}1:15 left$/);
});

test('it fits every width, and its bar is as long for other numbers', () => {
  for (let columns = 20; columns < 200; columns++) {
    const line = barLine(row, 40, 75, columns);
    expect(line.length).toBeLessThan(columns);
    expect(line).toContain('12/40');
    if (columns > 40) expect(line).toContain('loss 1.235');
    const bar = (text: string): number => text.replace(/[^█░]/g, '').length;
    if (columns > 80) expect(bar(barLine({ ...row, loss: 0.5, images_per_second: 12_345 }, 40, 40_000, columns))).toBe(bar(line));
  }
});

test('full at the end, empty at the start, words for what is not finite', () => {
  expect(barLine({ ...row, step: 40 }, 40, 0, 80)).not.toContain('░');
  expect(barLine({ ...row, step: 0 }, 40, null, 80)).not.toContain('█');
  expect(barLine({ ...row, loss: NaN }, 40, null, 80)).toContain('loss NaN');
});

test('durations', () => {
  expect([0, 59.6, 75, 3700, 90_061].map(duration)).toEqual(['0:00', '1:00', '1:15', '1:01:40', '1 d 1:01:01']);
});
