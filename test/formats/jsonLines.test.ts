/** metrics.jsonl: whole lines survive every cut, and resuming leaves one row a step. */
import { appendFileSync, readFileSync, readdirSync, truncateSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { JsonLinesReader, JsonLinesWriter } from '../../backend/formats/jsonLines.ts';
import { Random } from '../../backend/random.ts';
import { noFileLimit, runWithFileLimit } from '../helpers/interruptedDisk.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
let files = 0;
const newPath = () => join(folder, `metrics-${files++}.jsonl`);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

async function write(path: string, steps: number[], value: number, keep?: (row: Record<string, unknown>) => boolean): Promise<void> {
  const writer = await JsonLinesWriter.open(path, keep);
  await Promise.all(steps.map((step) => writer.append({ step, loss: value, note: 'é\n"x"' })));
  await writer.close();
}

const upTo = (last: number) => (row: Record<string, unknown>) => (row.step as number) <= last;

test('rows come back in the order of the calls, with NaN and infinities', async () => {
  const path = newPath();
  const rows = [{ step: 0, loss: NaN }, { step: 1, loss: Infinity, nested: { x: [-Infinity, 1.5] } }, { step: 2, loss: 1e-300, text: 'NaN?', none: null }];
  const writer = await JsonLinesWriter.open(path);
  await Promise.all(rows.map((row) => writer.append(row)));
  await writer.flush();
  await writer.close();
  expect(await new JsonLinesReader(path).read()).toEqual(rows);
  // Every line is JSON for any other reader too.
  expect(readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([0, 1, 2]);
});

test('cut at each of its last 4096 bytes: every whole row, no error; completed: each once', async () => {
  const path = newPath();
  await write(path, range(0, 120), 0.5);
  const bytes = readFileSync(path);
  for (let cut = bytes.length - 4096; cut <= bytes.length; cut++) {
    writeFileSync(path, bytes.subarray(0, cut));
    const reader = new JsonLinesReader(path);
    const before = await reader.read();
    expect(before.length, `cut at ${cut}`).toBe(bytes.subarray(0, cut).toString().split('\n').length - 1);
    appendFileSync(path, bytes.subarray(cut));
    expect([...before, ...await reader.read()].map((row) => row.step)).toEqual(range(0, 120));
    expect([reader.damaged, reader.replaced]).toEqual([0, 0]);
  }
});

test('a damaged line in the middle is left out and counted', async () => {
  const path = newPath();
  writeFileSync(path, '{"step":1}\n\0\0\0\n[1]\n{"step":2\n\n{"step":3}\n');
  const reader = new JsonLinesReader(path);
  expect(await reader.read()).toEqual([{ step: 1 }, { step: 3 }]);
  expect(reader.damaged).toBe(3);
});

describe('resuming', () => {
  test('a torn tail is cut off before the next row', async () => {
    const path = newPath();
    writeFileSync(path, '{"step":1}\n{"step":2,"lo');
    await write(path, [2], 0.5);
    expect((await new JsonLinesReader(path).read()).map((row) => row.step)).toEqual([1, 2]);
    expect(readFileSync(path, 'utf8')).toMatch(/^\{"step":1\}\n\{"step":2,.*\}\n$/);
    const only = newPath();
    writeFileSync(only, '{"st');
    await write(only, [1], 0.5);
    expect((await new JsonLinesReader(only).read()).map((row) => row.step)).toEqual([1]);
  });

  test('a torn line longer than a megabyte', async () => {
    const path = newPath();
    writeFileSync(path, `{"step":1}\n{"x":"${'y'.repeat(3_000_000)}`);
    await write(path, [2], 0.5);
    expect((await new JsonLinesReader(path).read()).map((row) => row.step)).toEqual([1, 2]);
  });

  test('100 runs torn at random and resumed at a random step have one row a step, the later one', async () => {
    for (let i = 0; i < 100; i++) {
      const random = new Random(5, i);
      const path = newPath();
      const steps = random.integer(2, 40), last = random.integer(0, steps - 2);
      await write(path, range(0, steps), 1);
      truncateSync(path, statSync(path).size - random.integer(0, 40));
      await write(path, range(last + 1, steps + 5), 2, upTo(last));
      const rows = await new JsonLinesReader(path).read();
      expect(rows.map((row) => row.step)).toEqual(range(0, steps + 5));
      expect(rows.map((row) => row.loss)).toEqual(range(0, steps + 5).map((step) => (step <= last ? 1 : 2)));
    }
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  test('a follower notices that the file was replaced, and begins again', async () => {
    const path = newPath();
    await write(path, range(0, 10), 1);
    const reader = new JsonLinesReader(path);
    expect(await reader.read()).toHaveLength(10);
    await write(path, range(5, 30), 2, upTo(4));
    expect((await reader.read()).map((row) => row.step)).toEqual(range(0, 30));
    expect(reader.replaced).toBe(1);
    expect(await reader.read()).toEqual([]);
  });
});

test('a disk that fills leaves whole rows, and rows are taken again when there is room', (context) => {
  if (noFileLimit) return context.skip(noFileLimit);
  const output = JSON.parse(runWithFileLimit(`
    import { readFileSync } from 'node:fs';
    import { JsonLinesWriter, JsonLinesReader } from '../backend/formats/jsonLines.ts';
    const writer = await JsonLinesWriter.open('full.jsonl');
    let rows = 0, message = '';
    while (message === '') await writer.append({ step: rows, padding: 'x'.repeat(rows) }).then(() => { rows++; }, (error) => { message = error.message; });
    // A shorter row still fits.
    await writer.append({ step: rows });
    const reader = new JsonLinesReader('full.jsonl');
    console.log(JSON.stringify({ rows, message, read: (await reader.read()).length, damaged: reader.damaged, ends: readFileSync('full.jsonl', 'utf8').endsWith('}\\n') }));
  `, folder, 4)) as { rows: number; message: string; read: number; damaged: number; ends: boolean };
  expect(output.message).toMatch(/full\.jsonl cannot be written \((EFBIG|ENOSPC)\)/);
  expect(output.rows).toBeGreaterThan(10);
  expect(output).toMatchObject({ read: output.rows + 1, damaged: 0, ends: true });
});
