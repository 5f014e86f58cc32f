/** Event files: TensorBoard reads what we write, torn files lose nothing whole, and a resumed run has one value a step. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { crc32, crc32c } from '../../backend/formats/crc.ts';
import { TfEventsReader, TfEventsWriter, eventFiles, readScalars } from '../../backend/formats/tfevents.ts';
import { Random } from '../../backend/random.ts';
import { noFileLimit, runWithFileLimit } from '../helpers/interruptedDisk.ts';
import { pythonWith, runPython } from '../helpers/python.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const root = temporaryFolder();
const newFolder = () => mkdtempSync(join(root, 'run-'));

async function log(folder: string, steps: Iterable<number>, value: (step: number) => number, purgeStep: number | null = null): Promise<string> {
  const writer = await TfEventsWriter.open(folder, purgeStep);
  for (const step of steps) await writer.scalars(step, { loss: value(step), 'train/lr': step / 1000 });
  await writer.close();
  return writer.path;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('the checksums are the standard ones', () => {
  const digits = Buffer.from('123456789');
  expect(crc32(digits)).toBe(0xcbf43926);
  expect(crc32c(digits)).toBe(0xe3069283);
  for (let split = 0; split <= 9; split++) expect(crc32c(digits.subarray(split), crc32c(digits.subarray(0, split)))).toBe(0xe3069283);
});

describe('reading back', () => {
  test('scalars, NaN and infinities, as float32', async () => {
    const folder = newFolder();
    const values = [0.1, NaN, Infinity, -Infinity, 1e39, -0];
    await log(folder, range(0, values.length), (step) => values[step]!);
    const curves = await readScalars(folder);
    expect([...curves.keys()]).toEqual(['loss', 'train/lr']);
    expect(curves.get('loss')!.map(({ value }) => value)).toEqual(values.map(Math.fround));
    expect(curves.get('loss')!.map(({ step }) => step)).toEqual(range(0, values.length));
    expect(Math.abs(curves.get('loss')![0]!.wallTime - Date.now() / 1000)).toBeLessThan(60);
  });

  test('cut at each of its last 4096 bytes: every whole record, no error; completed: each once', async () => {
    const folder = newFolder();
    const bytes = readFileSync(await log(folder, range(0, 200), (step) => step));
    const whole = (await new TfEventsReader(join(folder, (await eventFiles(folder))[0]!)).read()).length;
    expect(whole).toBe(202);
    // Where each record ends, by their lengths.
    const ends: number[] = [];
    for (let at = 0; at < bytes.length; ends.push(at)) at += 16 + Number(bytes.readBigUInt64LE(at));
    const path = join(folder, 'cut');
    for (let cut = Math.max(0, bytes.length - 4096); cut <= bytes.length; cut++) {
      writeFileSync(path, bytes.subarray(0, cut));
      const reader = new TfEventsReader(path);
      const before = await reader.read();
      expect(before.length, `cut at ${cut}`).toBe(ends.filter((end) => end <= cut).length);
      appendFileSync(path, bytes.subarray(cut));
      expect(before.length + (await reader.read()).length).toBe(whole);
      expect([reader.problem, reader.damaged]).toEqual([null, 0]);
    }
  });

  test('a damaged record is left out and counted; lost framing ends the file, and says so', async () => {
    const folder = newFolder();
    const path = await log(folder, range(0, 10), (step) => step);
    const bytes = readFileSync(path);
    const second = 16 + Number(bytes.readBigUInt64LE());
    const copy = Buffer.from(bytes);
    copy[second + 14] = copy[second + 14]! ^ 1;
    writeFileSync(path, copy);
    const reader = new TfEventsReader(path);
    expect((await reader.read()).length).toBe(11);
    expect([reader.damaged, reader.problem]).toEqual([1, null]);
    copy[second] = copy[second]! ^ 1;
    writeFileSync(path, copy);
    const stopped = new TfEventsReader(path);
    expect((await stopped.read()).length).toBe(1);
    expect(stopped.problem).toContain(`no record begins at byte ${second}`);
  });

  test('no event files, no folder', async () => {
    await expect(readScalars(newFolder())).rejects.toThrow('has no TensorBoard event files');
    await expect(new TfEventsReader(join(root, 'none')).read()).rejects.toThrow('does not exist');
  });
});

describe('resuming', () => {
  test('each start opens a later file, even at the same second or with the clock set back', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'events.out.tfevents.4000000000.other'), '');
    for (let i = 0; i < 3; i++) await log(folder, [i], () => i);
    expect(await eventFiles(folder)).toEqual(['4000000000.other', '4000000001.siamscope', '4000000002.siamscope', '4000000003.siamscope'].map((end) => `events.out.tfevents.${end}`));
  });

  test('100 runs torn at random and resumed at a random step have one value a step, the later one', async () => {
    for (let i = 0; i < 100; i++) {
      const random = new Random(9, i);
      const folder = newFolder();
      const steps = random.integer(2, 40), resumeAt = random.integer(0, steps);
      const path = await log(folder, range(0, steps), () => 1);
      truncateSync(path, statSync(path).size - random.integer(0, 30));
      await log(folder, range(resumeAt, steps + 5), () => (random.chance(0.1) ? NaN : 2), resumeAt);
      const points = (await readScalars(folder)).get('loss')!;
      // The torn record may have been the last before the resumed step.
      expect(points.map(({ step }) => step).filter((step) => step >= resumeAt)).toEqual(range(resumeAt, steps + 5));
      expect(new Set(points.map(({ step }) => step)).size).toBe(points.length);
      for (const { step, value } of points) expect(step < resumeAt ? value === 1 : value === 2 || Number.isNaN(value)).toBe(true);
    }
  });

  test('a disk that fills leaves whole records, and logging goes on when there is room again', (context) => {
    if (noFileLimit) return context.skip(noFileLimit);
    const folder = newFolder();
    const output = JSON.parse(runWithFileLimit(`
      import { truncateSync, statSync } from 'node:fs';
      import { TfEventsWriter, TfEventsReader } from '../backend/formats/tfevents.ts';
      const writer = await TfEventsWriter.open('.');
      let step = 0, message = '';
      while (message === '') await writer.scalars(step, { loss: step }).then(() => { step++; }, (error) => { message = error.message; });
      const reader = new TfEventsReader(writer.path);
      const events = await reader.read();
      console.log(JSON.stringify({ step, message, whole: events.length, size: statSync(writer.path).size, problem: reader.problem, damaged: reader.damaged, rest: (await reader.read()).length }));
    `, folder, 4)) as { step: number; message: string; whole: number; size: number; problem: string | null; damaged: number; rest: number };
    expect(output.message).toMatch(/cannot be written \((EFBIG|ENOSPC)\)/);
    expect(output.whole).toBe(output.step + 2);
    expect(output.size).toBeLessThan(4096);
    expect([output.problem, output.damaged, output.rest]).toEqual([null, 0, 0]);
  });
});

/** What TensorBoard's three readers find in a folder, all alike: tag to [step, value] pairs. The third is the server that it uses by default. */
const accumulate = `
import sys, json, time, warnings
warnings.simplefilter('ignore')
from tensorboard import context
from tensorboard.data import server_ingester
from tensorboard.util import grpc_util
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
def served(path):
    try: binary = server_ingester.get_server_binary()
    except server_ingester.NoDataServerError: return None
    ingester = server_ingester.SubprocessServerDataIngester(server_binary=binary, logdir=path, reload_interval=0, channel_creds_type=grpc_util.ChannelCredsType.LOCAL, samples_per_plugin={'scalars': 0})
    ingester.start()
    for _ in range(300):
        runs = ingester.data_provider.read_scalars(context.RequestContext(), experiment_id='', plugin_name='scalars', downsample=100000)
        if runs: break
        time.sleep(0.1)
    (tags,) = runs.values()
    return {t: [[e.step, repr(float(e.value))] for e in points] for t, points in tags.items()}
def curves(path):
    a = event_accumulator.EventAccumulator(path, size_guidance={'scalars': 0, 'tensors': 0}); a.Reload()
    b = plugin_event_accumulator.EventAccumulator(path, size_guidance={'tensors': 0}); b.Reload()
    one = {t: [[e.step, repr(e.value)] for e in a.Scalars(t)] for t in a.Tags()['scalars']}
    two = {t: [[e.step, repr(float(e.tensor_proto.float_val[0]))] for e in b.Tensors(t)] for t in b.Tags()['tensors']}
    three = served(path)
    assert one == two and (three is None or two == three), (one, two, three)
    return one
print(json.dumps([curves(p) for p in sys.argv[1:]]))`;

describe('TensorBoard', () => {
  let python: string | null = null;
  beforeAll(async () => { python = await pythonWith(['tensorboard==2.20.0', 'setuptools==80.9.0']); });

  test('its loader reads our records one by one', async (context) => {
    if (!python) return context.skip('no Python with tensorboard');
    const folder = newFolder();
    const path = await log(folder, range(0, 5), (step) => [0.5, NaN, Infinity, -Infinity, 1.25][step]!);
    const printed = await runPython(python, `
import sys, json
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
print(json.dumps([[e.step, e.file_version, e.session_log.status, [[v.tag, repr(v.simple_value)] for v in e.summary.value]] for e in LegacyEventFileLoader(sys.argv[1]).Load()]))`, [path]);
    expect(JSON.parse(printed)).toEqual([
      [0, 'brain.Event:2', 0, []],
      [0, '', 1, []],
      ...['0.5', 'nan', 'inf', '-inf', '1.25'].map((value, step) => [step, '', 0, [['loss', value], ['train/lr', expect.stringMatching(/^0\.0/)]]]),
    ]);
  });

  test('it shows a torn and resumed run without superseded points, as we do', async (context) => {
    if (!python) return context.skip('no Python with tensorboard');
    const folders = await Promise.all([[30, 12, 7], [20, 20, 0], [15, 0, 25], [40, 39, 3]].map(async ([steps, resumeAt, cut]) => {
      const folder = newFolder();
      const path = await log(folder, range(0, steps!), () => 1);
      truncateSync(path, statSync(path).size - cut!);
      await log(folder, range(resumeAt!, steps! + 10), (step) => (step === resumeAt ? NaN : 2), resumeAt);
      return folder;
    }));
    const theirs = JSON.parse(await runPython(python, accumulate, folders)) as Record<string, [number, string][]>[];
    for (const [i, folder] of folders.entries()) {
      const ours = await readScalars(folder);
      expect(Object.keys(theirs[i]!).sort()).toEqual([...ours.keys()].sort());
      for (const [tag, points] of ours) {
        expect(theirs[i]![tag]!.map(([step]) => step), tag).toEqual(points.map(({ step }) => step));
        expect(theirs[i]![tag]!.map(([, value]) => (value === 'nan' ? NaN : Number(value))), tag).toEqual(points.map(({ value }) => value));
      }
    }
  });

  test('what its writer wrote, we read', async (context) => {
    if (!python) return context.skip('no Python with tensorboard');
    const folder = join(newFolder(), 'theirs');
    mkdirSync(folder);
    await runPython(python, `
import sys
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.compat.proto import event_pb2, summary_pb2
w = EventFileWriter(sys.argv[1])
for i in range(50):
    w.add_event(event_pb2.Event(step=i, wall_time=1e9 + i, summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag='x', simple_value=i / 4), summary_pb2.Summary.Value(tag='text', image=summary_pb2.Summary.Image(height=1))])))
w.close()`, [folder]);
    expect(readdirSync(folder)).toHaveLength(1);
    const curves = await readScalars(folder);
    expect([...curves.keys()]).toEqual(['x']);
    expect(curves.get('x')).toEqual(range(0, 50).map((i) => ({ step: i, value: i / 4, wallTime: 1e9 + i })));
  });
});
