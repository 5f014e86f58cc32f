/** A seeded sample of hostile files; `bench/fuzzFormats.mjs` runs the full count. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/temporary.ts';
import { dict, pickle, tensor, text } from './hostile.ts';
import { fuzzFiles, fuzzHeaders, fuzzPickles, pickleOf } from './mutants.ts';
import type { FuzzResult } from './mutants.ts';

const folder = temporaryFolder();
const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures/pth', name));

function expectSafe(result: FuzzResult, count: number, messages: number): void {
  expect(result.opened + result.refused).toBe(count);
  expect(result.opened).toBeGreaterThan(count / 1000);
  expect(result.slowest).toBeLessThan(2000);
  // The variants reach deep: few would mean that all fail at the first check.
  expect(result.messages.size).toBeGreaterThan(messages);
}

test('100,000 safetensors headers', async () => expectSafe(await fuzzHeaders(1, 0, 100_000), 100_000, 20));

test('50,000 pickles', async () => {
  const originals = [...['views.pth', 'training.pth', 'protocol5.pth', 'module.pth'].map((name) => pickleOf(fixture(name))), pickle(dict({ a: tensor(), b: dict({ c: text('x'), d: tensor({ shape: [2, 2], strides: [2, 1] }) }) }))];
  expectSafe(await fuzzPickles(originals, 2, 0, 50_000), 50_000, 20);
});

test('2,000 whole checkpoints', async () => {
  const originals = ['views.pth', 'types.pth', 'training.pth', 'protocol5.pth', 'deflated.pth', 'nochecksum.pth'].map(fixture);
  expectSafe(await fuzzFiles(originals, join(folder, 'mutant.pth'), 3, 0, 2000), 2000, 15);
});
