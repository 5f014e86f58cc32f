/** Metrics files of ours and of others, read as they grow: the fast reader against JSON.parse, torn tails, resumes, event folders. */
import { appendFileSync, mkdirSync, renameSync, truncateSync, writeFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from 'vitest';
import { NumberRows } from '../../backend/formats/numberRows.ts';
import { TfEventsWriter } from '../../backend/formats/tfevents.ts';
import { decodeEvent } from '../../backend/formats/tfeventsRecords.ts';
import { Random } from '../../backend/random.ts';
import { discoverRuns } from '../../extension/series/discover.ts';
import { EventFolder } from '../../extension/series/eventFolder.ts';
import { MetricsFile } from '../../extension/series/metricsFile.ts';
import { RunSeries } from '../../extension/series/runSeries.ts';
import { WatchedRun } from '../../extension/series/watchedRun.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const root = temporaryFolder();
let count = 0;
const newFolder = (): string => {
  const folder = join(root, `f${count++}`);
  mkdirSync(folder);
  return folder;
};
const nothing = (): void => undefined;
const pointsOf = (run: RunSeries, metric: string): [number, number][] => {
  const series = run.metrics.get(metric);
  return series ? Array.from({ length: series.length }, (_, i) => [series.steps[i]!, series.values[i]!]) : [];
};

describe('numbers of JSON lines', () => {
  const scan = (text: string): { rows: Record<string, number>[]; damaged: number } => {
    const reader = new NumberRows(), rows: Record<string, number>[] = [];
    reader.scan(Buffer.from(text), () => rows.push(Object.fromEntries(Array.from({ length: reader.count }, (_, k) => [reader.keys[reader.ids[k]!]!, reader.values[k]!]))));
    return { rows, damaged: reader.damaged };
  };

  test('are exactly those that JSON.parse gives', () => {
    const random = new Random(7);
    const number = (): string => {
      switch (random.integer(0, 6)) {
        case 0: return String(random.uniform());
        case 1: return String(random.normal() * 10 ** random.integer(-320, 306));
        case 2: return String(random.integer(-(2 ** 31), 2 ** 31));
        case 3: return `${random.integer(0, 9)}.${Array.from({ length: random.integer(1, 30) }, () => random.integer(0, 9)).join('')}e${random.integer(-40, 40)}`;
        case 4: return `${'9'.repeat(random.integer(1, 25))}`;
        case 5: return `-0.${'0'.repeat(random.integer(0, 8))}${random.integer(1, 99999)}E+${random.integer(0, 20)}`;
        default: return ['0', '-0', '1e5', '0.1', '5e-324', '1.7976931348623157e308', '9007199254740993', '1e23'][random.integer(0, 7)]!;
      }
    };
    const lines = Array.from({ length: 20_000 }, (_, i) => `{"step":${i}, "a" :${number()},"b":\t${number()},"text":"x{y","flag":true,"none":null }`);
    const { rows, damaged } = scan(`${lines.join('\n')}\n`);
    expect(damaged).toBe(0);
    lines.forEach((line, i) => {
      const { step, a, b } = JSON.parse(line) as Record<string, number>;
      if (!Object.is(rows[i]!.a, a) || !Object.is(rows[i]!.b, b)) expect(rows[i], line).toEqual({ step, a, b });
    });
    expect(rows).toHaveLength(lines.length);
  });

  test('what is not simple is left to JSON.parse; what is no object is left out and counted', () => {
    expect(scan('{"a":1}\n{"\\u0061":2}\n{"train":{"loss":3,"deep":{"x":4}},"list":[1,2]}\n{"a":NaN,"b":-Infinity}\n{"a":"NaN","b":"Infinity"}\n{"n":{"x":NaN}}\n').rows)
      .toEqual([{ a: 1 }, { a: 2 }, { 'train/loss': 3, 'train/deep/x': 4 }, { a: NaN, b: -Infinity }, { a: NaN, b: Infinity }, { 'n/x': NaN }]);
    for (const line of ['[1]', '{"a":01}', '{"a":1.}', '{"a":+1}', '{"a":1,}', '{"a":1}x', '{"a":Nan}', '{"a" 1}', '{a:1}', '{"a":1', '\u0000\u0000', '{"a":.5}', '{"a":--1}', '{"a":1e}']) expect(scan(`${line}\n{"b":1}\n`), line).toEqual({ rows: [{ b: 1 }], damaged: 1 });
    expect(scan('{"__proto__":1,"constructor":2}\n')).toEqual({ rows: [Object.fromEntries([['__proto__', 1], ['constructor', 2]])], damaged: 0 });
  });

  test('of 20,000 damaged lines, the reader says what JSON.parse says', () => {
    const random = new Random(8);
    const base = '{"step":12,"loss":0.25,"name":"a b","ok":true,"x":-1.5e-3}';
    for (let i = 0; i < 20_000; i++) {
      const at = random.integer(0, base.length - 1), c = ' {}[]":,.-+eE0123456789tfn\\'.charAt(random.integer(0, 26));
      const line = base.slice(0, at) + c + base.slice(at + random.integer(0, 1));
      let parsed: Record<string, unknown> | null;
      try {
        parsed = JSON.parse(line) as Record<string, unknown>;
      } catch {
        parsed = null;
      }
      const { rows, damaged } = scan(`${line}\n`);
      if (parsed === null) expect([rows, damaged], line).toEqual([[], 1]);
      else expect([damaged, rows[0]], line).toEqual([0, Object.fromEntries(Object.entries(parsed).filter(([, value]) => typeof value === 'number'))]);
    }
  });
});

describe('a metrics file', () => {
  test('is followed across torn tails, and every point is there once', async () => {
    const path = join(newFolder(), 'metrics.jsonl');
    const text = Array.from({ length: 300 }, (_, i) => `{"step":${i + 1},"loss":${1 / (i + 1)},"epoch":${i / 10}}\n`).join('');
    const run = new RunSeries(), file = new MetricsFile(path, run);
    writeFileSync(path, '');
    const random = new Random(1);
    for (let at = 0; at < text.length; ) {
      const next = Math.min(text.length, at + random.integer(1, 200));
      appendFileSync(path, text.slice(at, next));
      at = next;
      await file.update(nothing);
      expect(run.metrics.get('loss')?.length ?? 0).toBe(text.slice(0, at).split('\n').length - 1);
    }
    expect(pointsOf(run, 'loss')).toEqual(Array.from({ length: 300 }, (_, i) => [i + 1, 1 / (i + 1)]));
    expect([await file.update(nothing), file.read, run.axes]).toEqual([false, 1, ['step', 'epoch']]);
  });

  test('that a resume rewrote is read anew; steps that go back take the place of what was there', async () => {
    const path = join(newFolder(), 'metrics.jsonl');
    const run = new RunSeries(), file = new MetricsFile(path, run);
    writeFileSync(path, '{"step":1,"loss":1,"old":1}\n{"step":2,"loss":1}\n{"step":3,"loss":1}\n');
    await file.update(nothing);
    writeFileSync(`${path}.new`, '{"step":1,"loss":1}\n{"step":2,"loss":2}\n');
    renameSync(`${path}.new`, path);
    await file.update(nothing);
    expect([pointsOf(run, 'loss'), run.metrics.has('old')]).toEqual([[[1, 1], [2, 2]], false]);
    appendFileSync(path, '{"step":3,"loss":3}\n{"step":2,"loss":4}\n{"step":9,"loss":"NaN"}\n');
    await file.update(nothing);
    expect([pointsOf(run, 'loss'), run.metrics.get('loss')!.superseded]).toEqual([[[1, 1], [2, 4], [9, NaN]], 2]);
    truncateSync(path, 20);
    await file.update(nothing);
    expect(pointsOf(run, 'loss')).toEqual([[1, 1]]);
  });

  test('of ours has its evaluations beside it: each file that is rewritten takes back its own points alone', async () => {
    const folder = newFolder(), path = join(folder, 'metrics.jsonl'), evaluations = join(folder, 'evaluations.jsonl');
    const run = new WatchedRun(0, { kind: 'lines', path }, 0, '');
    writeFileSync(path, '{"step":1,"epoch":0.5,"loss":3}\n{"step":2,"epoch":1,"loss":2}\n');
    expect(await run.update(nothing)).toBe(true);
    writeFileSync(evaluations, '{"step":0,"epoch":0,"elapsed_seconds":7,"eval_pck_0":0.25}\n');
    expect(await run.update(nothing)).toBe(true);
    appendFileSync(evaluations, '{"step":2,"epoch":1,"elapsed_seconds":9,"eval_pck_0":0.5}\n');
    expect([await run.update(nothing), await run.update(nothing)]).toEqual([true, false]);
    expect([pointsOf(run.series, 'eval_pck_0'), pointsOf(run.series, 'epoch'), [...run.series.metrics.keys()]]).toEqual([[[0, 0.25], [2, 0.5]], [[1, 0.5], [2, 1]], ['epoch', 'loss', 'eval_pck_0']]);
    expect(Array.from(run.series.metrics.get('eval_pck_0')!.times!.subarray(0, 2))).toEqual([7, 9]);
    writeFileSync(`${path}.new`, '{"step":1,"epoch":0.5,"loss":3}\n');
    renameSync(`${path}.new`, path);
    await run.update(nothing);
    expect([pointsOf(run.series, 'loss'), pointsOf(run.series, 'eval_pck_0')]).toEqual([[[1, 3]], [[0, 0.25], [2, 0.5]]]);
    writeFileSync(`${evaluations}.new`, '{"step":0,"epoch":0,"eval_pck_0":0.25}\n');
    renameSync(`${evaluations}.new`, evaluations);
    await run.update(nothing);
    expect([pointsOf(run.series, 'loss'), pointsOf(run.series, 'eval_pck_0')]).toEqual([[[1, 3]], [[0, 0.25]]]);
  });

  test.each([
    ['global_step', '{"global_step":5,"loss":1,"_timestamp":1700000000.5}\n{"global_step":9,"loss":2,"_timestamp":1700000010.5}\n', [[5, 1], [9, 2]], ['step', 'time'], [0, 10]],
    ['epochs alone', '{"train_lr":1,"epoch":0,"loss":1}\n{"train_lr":1,"epoch":1,"loss":2}\n', [[0, 1], [1, 2]], ['step', 'epoch'], null],
    ['no step at all', '{"loss":1}\n{"loss":2}\n', [[1, 1], [2, 2]], ['step'], null],
    ['milliseconds', '{"step":1,"loss":1,"timestamp":1700000000000}\n{"step":2,"loss":2,"timestamp":1700000002000}\n', [[1, 1], [2, 2]], ['step', 'time'], [0, 2]],
  ])('of another tool, with %s', async (_name, text, points, axes, times) => {
    const path = join(newFolder(), 'log.jsonl');
    writeFileSync(path, text);
    const run = new RunSeries();
    await new MetricsFile(path, run).update(nothing);
    expect([pointsOf(run, 'loss'), run.axes]).toEqual([points, axes]);
    const series = run.metrics.get('loss')!;
    expect(series.times && Array.from(series.times.subarray(0, series.length))).toEqual(times);
  });

  test('a line without end is left out, and those after it are read', async () => {
    const path = join(newFolder(), 'long.jsonl');
    writeFileSync(path, `{"step":1,"loss":1}\n{"x":"${'y'.repeat(70_000_000)}"}\n{"step":2,"loss":2}\n`);
    const run = new RunSeries(), file = new MetricsFile(path, run);
    await file.update(nothing);
    expect([pointsOf(run, 'loss'), file.notes]).toEqual([[[1, 1], [2, 2]], ['1 line is not JSON and left out']]);
  });
});

describe('TensorBoard event folders', () => {
  test('are followed from file to file, a resumed session takes the place of what was beyond it', async () => {
    const folder = newFolder(), run = new RunSeries(), events = new EventFolder(folder, run);
    const first = await TfEventsWriter.open(folder);
    for (let step = 1; step <= 20; step++) await first.scalars(step, { loss: step, 'train/lr': 1 }, 1000 + step);
    await events.update(nothing);
    expect(pointsOf(run, 'loss')).toHaveLength(20);
    await first.scalars(21, { loss: 21 }, 1021);
    await first.close();
    truncateSync(first.path, statSync(first.path).size - 5);
    const second = await TfEventsWriter.open(folder, 11);
    for (let step = 11; step <= 15; step++) await second.scalars(step, { loss: step === 12 ? NaN : -step }, 2000 + step);
    await second.close();
    await events.update(nothing);
    expect(pointsOf(run, 'loss')).toEqual([...Array.from({ length: 10 }, (_, i) => [i + 1, i + 1]), ...[11, 12, 13, 14, 15].map((step) => [step, step === 12 ? NaN : -step])]);
    expect([pointsOf(run, 'train/lr').length, events.resumes, run.axes, events.read < 1]).toEqual([10, [11], ['step', 'time'], true]);
    expect(await events.update(nothing)).toBe(false);
  });

  test('scalars of TensorFlow 2 are tensors without dimensions; other tensors are no curves', () => {
    const tensor = (fields: (writer: BinaryWriter) => BinaryWriter): Uint8Array => {
      const writer = new BinaryWriter().tag(2, WireType.Varint).int64(7).tag(5, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string('x').tag(8, WireType.LengthDelimited).fork();
      return fields(writer).join().join().join().finish();
    };
    const scalars = (fields: (writer: BinaryWriter) => BinaryWriter): unknown => decodeEvent(tensor(fields)).scalars;
    const half = Buffer.alloc(4), quarter = Buffer.alloc(8);
    half.writeFloatLE(0.5);
    quarter.writeDoubleLE(0.25);
    const dtype = (writer: BinaryWriter, value: number): BinaryWriter => writer.tag(1, WireType.Varint).int32(value).tag(2, WireType.LengthDelimited).bytes(new Uint8Array());
    expect(scalars((w) => dtype(w, 1).tag(4, WireType.LengthDelimited).bytes(half))).toEqual([{ tag: 'x', value: 0.5 }]);
    expect(scalars((w) => dtype(w, 2).tag(4, WireType.LengthDelimited).bytes(quarter))).toEqual([{ tag: 'x', value: 0.25 }]);
    expect(scalars((w) => dtype(w, 1).tag(5, WireType.LengthDelimited).bytes(half))).toEqual([{ tag: 'x', value: 0.5 }]);
    expect(scalars((w) => dtype(w, 1).tag(5, WireType.Bit32).float(0.5))).toEqual([{ tag: 'x', value: 0.5 }]);
    expect(scalars((w) => dtype(w, 9).tag(10, WireType.Varint).int64(3))).toEqual([{ tag: 'x', value: 3 }]);
    expect(scalars((w) => dtype(w, 1))).toEqual([{ tag: 'x', value: 0 }]);
    expect(scalars((w) => dtype(w, 7).tag(8, WireType.LengthDelimited).string('text'))).toEqual([]);
    expect(scalars((w) => w.tag(1, WireType.Varint).int32(1).tag(2, WireType.LengthDelimited).bytes(Uint8Array.of(18, 2, 8, 3)).tag(5, WireType.LengthDelimited).bytes(half))).toEqual([]);
  });
});

test('runs are found at any depth: run folders, other tools\' lines, event folders; not in what is hidden', async () => {
  const folder = newFolder();
  const put = (path: string, text = '{"step":1,"loss":1}\n'): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const path of ['a/metrics.jsonl', 'a/events.out.tfevents.1.x', 'b/c/events.out.tfevents.1.x', 'b/train/events.out.tfevents.2.x', 'mae/log.txt', 'two/train.jsonl', 'two/eval.jsonl', '.hidden/metrics.jsonl', 'node_modules/x/metrics.jsonl']) put(path);
  put('plain/log.txt', 'Epoch 1\n');
  expect((await discoverRuns(folder)).map(({ kind, path }) => `${kind} ${path.slice(folder.length + 1).replaceAll('\\', '/')}`)).toEqual(['lines a/metrics.jsonl', 'events b/c', 'events b/train', 'lines mae/log.txt', 'lines two/eval.jsonl', 'lines two/train.jsonl']);
  expect(await discoverRuns(join(folder, 'b/c/events.out.tfevents.1.x'))).toEqual([{ kind: 'events', path: join(folder, 'b/c') }]);
  await expect(discoverRuns(join(folder, 'none'))).rejects.toThrow('does not exist');
});
