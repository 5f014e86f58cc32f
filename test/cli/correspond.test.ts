/** `siamscope correspond` against the encoder written out in plain loops: best matches, cosines, layers, views of one image, and what is refused. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { plainPatchFeatures } from '../evaluate/plainFeatures.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos, run } from './command.ts';

const folder = temporaryFolder();
const reference = (name: string): string => join(import.meta.dirname, '../fixtures/reference', name, 'model.pth');
const size = 96, patches = 36;
const [a, b] = ['a.png', 'b.png'].map((name) => join(folder, name)) as [string, string];

interface Found {
  grid: [number, number];
  best: number[];
  similarity: number[];
  mutual: number[];
  similarities?: number[][];
  pairs?: number;
  pck?: { rates: number[]; chance: number[] };
}

async function correspond(checkpoint: string, ...args: string[]): Promise<Found> {
  const { code, stdout, stderr } = await run(['correspond', checkpoint, ...args, '--precision', 'fp32', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Found;
}

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  for (const [path, photo] of [[a, 'boat/00001.jpg'], [b, 'boat/00002.jpg']] as const) await sharp(join(photos, photo)).resize(size, size, { fit: 'cover' }).png().toFile(path);
});

test.each(['siamese-0', 'mae-0'])('%s: the cosines and best matches of two images are those of the plain encoder', async (name) => {
  const found = await correspond(reference(name), a, b, '--full');
  const [rows, columns] = await Promise.all([plainPatchFeatures(reference(name), a, 3), plainPatchFeatures(reference(name), b, 3)]);
  const expected = rows.map((row) => columns.map((column) => row.reduce((sum, v, i) => sum + v * column[i]!, 0)));
  expect(found.grid).toEqual([6, 6]);
  expected.forEach((row, p) => {
    row.forEach((cosine, q) => expect(found.similarities![p]![q]).toBeCloseTo(cosine, 4));
    expect(found.similarity[p]).toBeCloseTo(Math.max(...row), 4);
    expect(row[found.best[p]!]).toBeCloseTo(Math.max(...row), 4);
    const back = columns.map((_, q) => expected[q]![found.best[p]!]!);
    expect(Boolean(found.mutual[p])).toBe(back.indexOf(Math.max(...back)) === p);
  });
}, 60_000);

test('an image matches itself, patch by patch', async () => {
  for (const layer of ['encoder', 'block:0', 'projector']) {
    const { best, similarity } = await correspond(reference('siamese-0'), a, a, '--layer', layer);
    expect(best, layer).toEqual(Array.from({ length: patches }, (_, i) => i));
    for (const cosine of similarity) expect(cosine).toBeCloseTo(1, 5);
  }
});

test('layers and branches differ; the prediction is there where the method has one', async () => {
  const seen = new Set<string>();
  for (const args of [['encoder'], ['block:0'], ['projector'], ['prediction'], ['encoder', '--branch', 'target']]) {
    const { similarity } = await correspond(reference('siamese-0'), a, b, '--layer', ...args as [string]);
    expect(similarity).toHaveLength(patches);
    seen.add(similarity.map((v) => v.toFixed(3)).join());
  }
  expect(seen.size).toBe(5);
  // The last block is the encoder's end in SiameseIM, which has no final norm.
  expect((await correspond(reference('siamese-0'), a, b, '--layer', 'block:1')).best).toEqual((await correspond(reference('siamese-0'), a, b)).best);
});

test('one image: PCK over seeded pairs of its views, the same each time', async () => {
  const first = await correspond(reference('siamese-0'), a, '--pairs', '12');
  expect(first).toMatchObject({ pairs: 12, grid: [6, 6] });
  const { rates, chance } = first.pck!;
  expect(rates).toEqual(rates.toSorted((p, q) => p - q));
  expect(chance[0]).toBeCloseTo(1 / patches, 2);
  expect(await correspond(reference('siamese-0'), a, '--pairs', '12')).toEqual(first);
  expect((await correspond(reference('siamese-0'), a, '--pairs', '12', '--seed', '1')).pck).not.toEqual(first.pck);
});

test('images of other sizes are cropped, and a picture is written', async () => {
  const png = join(folder, 'matches.png');
  await correspond(reference('siamese-0'), join(photos, 'boat/00001.jpg'), b, '--png', png);
  expect(await sharp(readFileSync(png)).metadata()).toMatchObject({ format: 'png', width: 956, height: 956 });
  const alone = join(folder, 'views.png');
  await correspond(reference('siamese-0'), a, '--pairs', '2', '--png', alone);
  expect(existsSync(alone)).toBe(true);
});

test.each([
  [['--layer', 'block:2'], /this encoder has blocks 0 to 1/],
  [['--layer', 'blocks'], /there is no layer "blocks"/],
])('%j is refused', async (args, message) => {
  expect(await run(['correspond', reference('siamese-0'), a, b, ...args])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
});

test('what a model does not have is refused', async () => {
  expect(await run(['correspond', reference('mae-0'), a, b, '--branch', 'target'])).toMatchObject({ code: 2, stderr: expect.stringContaining('mae has no target branch') });
  expect(await run(['correspond', reference('mae-0'), a, b, '--layer', 'prediction'])).toMatchObject({ code: 2, stderr: expect.stringContaining('predicts no features') });
  expect(await run(['correspond', reference('siamese-0'), join(folder, 'none.png'), b])).toMatchObject({ code: 2, stderr: expect.stringContaining('none.png cannot be read') });
});
