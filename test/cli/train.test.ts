/** Whole runs through the command: results, stops, kills and resumes to the bit, and what is said when something is in the way. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readScalars } from '../../backend/formats/tfevents.ts';
import { Random } from '../../backend/random.ts';
import { listCheckpoints, verifyCheckpoint } from '../../backend/train/checkpoint.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos, quick, rowsOf, run, start, statusOf } from './command.ts';

const folder = temporaryFolder();
const steps = 14;
const file = join(folder, 'tiny.siam.json');
const resumed = ['--set', `schedule.steps=${steps}`, '--set', 'checkpoint.everySteps=3', ...quick];
const train = (name: string, ...more: string[]): string[] => ['train', file, '--run', join(folder, name), '--json', ...resumed, ...more];

/** What must not depend on kills: all but the clock. */
const essence = (name: string): unknown[] => rowsOf(join(folder, name)).map(({ step, epoch, loss, grad_norm, learning_rate, momentum, positive_term, feature_std }) => ({ step, epoch, loss, grad_norm, learning_rate, momentum, positive_term, feature_std }));

const model = (name: string): string => readFileSync(join(folder, name, 'checkpoints', String(steps), 'model.safetensors'), 'latin1');

/** Every listed checkpoint reads through. */
async function allValid(name: string): Promise<number[]> {
  const listed = await listCheckpoints(join(folder, name, 'checkpoints'));
  for (const checkpoint of listed) expect((await verifyCheckpoint(checkpoint.folder)).state.step).toBe(checkpoint.step);
  return listed.map(({ step }) => step);
}

beforeAll(async () => {
  expect((await run(['init', file, '--data', photos])).code).toBe(0);
  expect(await run(train('whole'))).toMatchObject({ code: 0 });
});

test('a run leaves a folder that tells its story', async () => {
  const path = join(folder, 'whole');
  expect(readdirSync(path).filter((name) => !name.startsWith('events')).sort()).toEqual(['checkpoints', 'config.json', 'log.txt', 'metrics.jsonl', 'status.json']);
  const rows = rowsOf(path);
  expect(rows.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  expect(rows[0]).toMatchObject({ epoch: 0.2, learning_rate: 0, momentum: 0.995 });
  for (const row of rows) for (const key of ['loss', 'grad_norm', 'positive_term', 'feature_std', 'effective_rank', 'images_per_second', 'memory_mb', 'seconds']) expect(row[key], key).toSatisfy((value) => Number.isFinite(value));
  expect(statusOf(path)).toMatchObject({ state: 'done', step: steps, steps, images: 40, checkpoint: steps, error: null, eta: 0 });
  expect(JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'))).toMatchObject({ name: 'tiny', data: { train: photos }, optimizer: { betas: [0.9, 0.95] }, checkpoint: { everySteps: 3, keep: 2 } });
  expect(await allValid('whole')).toEqual([14, 12]);
  const curves = await readScalars(path);
  expect(curves.get('loss')!.map(({ value }) => value)).toEqual(rows.map(({ loss }) => Math.fround(loss)));
});

test('the same seed gives the same run, another one another', async () => {
  await run(train('again'));
  expect(essence('again')).toEqual(essence('whole'));
  expect(model('again')).toBe(model('whole'));
  await run(train('other', '--set', 'seed=1'));
  expect(essence('other')).not.toEqual(essence('whole'));
});

test('MAE trains as well', async () => {
  expect(await run(['train', file, '--run', join(folder, 'mae'), ...quick, '--set', 'method={"name":"mae","decoderWidth":32,"decoderDepth":1,"decoderHeads":2}', '--set', 'schedule.steps=4'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^done: 4 steps in /) });
  expect(rowsOf(join(folder, 'mae'))[0]!.loss).toBeGreaterThan(0.9);
});

test('accumulated batches count as one step', async () => {
  await run(train('accumulated', '--set', 'batch.accumulate=2', '--set', 'schedule.steps=3'));
  const rows = rowsOf(join(folder, 'accumulated'));
  // 40 images in batches of 8 are 5 batches an epoch, 2.5 steps.
  expect(rows.map(({ epoch }) => epoch)).toEqual([0.4, 0.8, 1.2]);
});

describe('stopped and resumed', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s finishes the step, saves, exits with 1; --resume goes on to the bit', async (signal) => {
    const stopped = start(train(signal));
    await stopped.until((event) => event.kind === 'step' && event.row.step >= 4);
    stopped.child.kill(signal);
    const began = performance.now();
    const { code, stderr } = await stopped.result;
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(code).toBe(1);
    expect(stderr).toMatch(/stopped at step \d+; resume with:\n {2}siamscope train .* --resume/);
    const { step, checkpoint } = statusOf(join(folder, signal)) as { step: number; checkpoint: number };
    expect(statusOf(join(folder, signal))).toMatchObject({ state: 'stopped', error: null });
    expect(checkpoint).toBe(step);
    expect(await run(train(signal))).toMatchObject({ code: 2, stderr: expect.stringContaining('--resume') });
    expect(await run(train(signal, '--resume'))).toMatchObject({ code: 0 });
    expect(essence(signal)).toEqual(essence('whole'));
    expect(model(signal)).toBe(model('whole'));
  });

  test('killed six times at random moments, three times within an epoch: every checkpoint whole, the same losses in the end', async () => {
    const random = new Random(4);
    let saved = 0;
    for (let kill = 0; kill < 6; kill++) {
      const killed = start(train('killed', '--resume'));
      const more = random.integer(1, 3);
      let seen = 0;
      await Promise.race([killed.until((event) => event.kind === 'step' && ++seen >= more), killed.result]).catch(() => undefined);
      await setTimeout(random.uniform(0, 60));
      killed.child.kill('SIGKILL');
      const { signal } = await killed.result;
      const [newest = 0] = await allValid('killed');
      expect(newest).toBeGreaterThanOrEqual(saved);
      saved = newest;
      if (signal === null) break;
    }
    expect(await run(train('killed', '--resume'))).toMatchObject({ code: 0 });
    expect(essence('killed')).toEqual(essence('whole'));
    expect(model('killed')).toBe(model('whole'));
    const curve = (await readScalars(join(folder, 'killed'))).get('loss')!;
    expect(curve.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    expect(readdirSync(join(folder, 'killed/checkpoints')).sort()).toEqual(['12', '14']);
    expect(readdirSync(join(folder, 'killed')).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('a second Ctrl-C ends it at once', async () => {
    const stopped = start(train('impatient'));
    await stopped.until((event) => event.kind === 'step');
    stopped.child.kill('SIGINT');
    await setTimeout(5);
    stopped.child.kill('SIGINT');
    const { code, signal } = await stopped.result;
    expect(code === 1 || signal === 'SIGINT').toBe(true);
    await allValid('impatient');
    expect(await run(train('impatient', '--resume'))).toMatchObject({ code: 0 });
    expect(essence('impatient')).toEqual(essence('whole'));
  });

  test('a damaged newest checkpoint is kept and said, the one before it taken', async () => {
    cpSync(join(folder, 'whole'), join(folder, 'damaged'), { recursive: true });
    const path = join(folder, 'damaged/checkpoints/14/optimizer.safetensors');
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
    const { code, stdout } = await run(train('damaged', '--resume'));
    expect(code).toBe(0);
    expect(stdout).toContain('sha256 differs');
    expect(stdout).toContain('"resumedFrom":12');
    expect(readdirSync(join(folder, 'damaged/checkpoints')).sort()).toEqual(['12', '14', '14.damaged']);
    expect(model('damaged')).toBe(model('whole'));
    expect(readFileSync(join(folder, 'damaged/log.txt'), 'utf8')).toContain('14.damaged');
  });

  test('a run folder can be named in place of the file; another problem is refused, a longer schedule is not', async () => {
    cpSync(join(folder, 'whole'), join(folder, 'longer'), { recursive: true });
    expect(await run(['train', join(folder, 'longer'), '--resume', '--set', 'batch.size=4'])).toMatchObject({ code: 2, stderr: expect.stringContaining('batch.size: 8 -> 4') });
    expect(await run(['train', join(folder, 'longer')])).toMatchObject({ code: 2, stderr: expect.stringContaining('--resume') });
    expect(await run(['train', join(folder, 'longer'), '--resume', '--set', 'schedule.steps=16'])).toMatchObject({ code: 0 });
    expect(rowsOf(join(folder, 'longer')).map(({ step }) => step)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    const log = readFileSync(join(folder, 'longer/log.txt'), 'utf8');
    expect(log).toContain('schedule.steps: 14 -> 16');
    expect(log).not.toContain('was saved on');
  });

  test('another engine than it was saved on goes on, and says that the numbers are others', async () => {
    cpSync(join(folder, 'whole'), join(folder, 'elsewhere'), { recursive: true });
    const { code, stdout } = await run(train('elsewhere', '--resume', '--engine', 'wasm', '--set', 'schedule.steps=15'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/the run was saved on torch [^,]+, cpu, (fp32|bf16) and goes on on wasm [^,]+, [^,]+, fp32: from here on/);
    expect(rowsOf(join(folder, 'elsewhere')).at(-1)).toMatchObject({ step: 15, loss: expect.toSatisfy(Number.isFinite) as unknown });
  });
});

describe('in the way', () => {
  test('another process trains there: refused, and the run is unharmed', async () => {
    const first = start(train('shared', '--set', 'schedule.steps=200'));
    await first.until((event) => event.kind === 'step');
    for (const more of [[], ['--resume']]) expect(await run(train('shared', ...more))).toMatchObject({ code: 1, stderr: expect.stringContaining(`process ${first.child.pid} trains there`) });
    first.child.kill('SIGTERM');
    expect((await first.result).code).toBe(1);
    const written = rowsOf(join(folder, 'shared')).map(({ step }) => step);
    expect(written).toEqual(Array.from({ length: written.length }, (_, i) => i + 1));
  });

  test('a missing dataset, an empty one, a file that is no dataset', async () => {
    mkdirSync(join(folder, 'empty'));
    for (const [data, message] of [['nowhere', 'does not exist'], ['empty', 'image'], ['tiny.siam.json', 'neither a folder']] as const) {
      const name = `no-data-${data}`;
      const { code, stderr } = await run(train(name, '--set', `data.train=${join(folder, data)}`));
      expect(code).toBe(2);
      expect(stderr).toContain(message);
      expect(statusOf(join(folder, name))).toMatchObject({ state: 'failed', error: { message: expect.stringContaining(message) } });
    }
  });

  test('a file in place of the run folder, and a folder that may not be written', async () => {
    writeFileSync(join(folder, 'occupied'), '');
    expect(await run(train('occupied'))).toMatchObject({ code: 2, stderr: expect.stringContaining('a file is in its place') });
    if (process.getuid?.() === 0) return void console.warn('SKIPPED: a folder that may not be written: root may write everywhere');
    mkdirSync(join(folder, 'locked'));
    chmodSync(join(folder, 'locked'), 0o500);
    expect(await run(train('locked/run'))).toMatchObject({ code: 2, stderr: expect.stringContaining('you may not write there') });
  });

  test('a loss that is not finite stops the run with its step, its images, and a checkpoint from before', async () => {
    const { code, stderr } = await run(train('diverged', '--set', 'optimizer.baseLearningRate=1e18', '--set', 'optimizer.clipNorm=null', '--set', 'schedule.warmupSteps=3', '--set', 'checkpoint.everySteps=null'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/step \d+: the (loss|gradient) is not finite .*Lower optimizer\.baseLearningRate.*Images of the batch: .*\.jpg/);
    const status = statusOf(join(folder, 'diverged')) as { step: number; error: { files: string[]; step: number } };
    expect(status).toMatchObject({ state: 'failed', checkpoint: status.step, error: { step: status.step } });
    expect(status.error.files).toHaveLength(8);
    expect(await allValid('diverged')).toEqual([status.step]);
    expect(rowsOf(join(folder, 'diverged'))).toHaveLength(status.step);
  });

  test('images that cannot be read are skipped, counted and named', async () => {
    const images = join(folder, 'some-broken');
    cpSync(photos, images, { recursive: true });
    writeFileSync(join(images, 'boat/0001.jpg'), 'no image');
    const { code, stdout } = await run(train('skipping', '--set', `data.train=${images}`));
    expect(code).toBe(0);
    expect(stdout).toContain('"kind":"skipped","file":"boat/0001.jpg"');
    expect(statusOf(join(folder, 'skipping'))).toMatchObject({ skipped: 1 });
    expect(readFileSync(join(folder, 'skipping/log.txt'), 'utf8')).toContain('skipped boat/0001.jpg');
  });

  test('a reader that goes away does not stop a run', async () => {
    const running = start(train('pipe'));
    await running.until((event) => event.kind === 'opened');
    running.child.stdout!.destroy();
    expect((await running.result).code).toBe(0);
    expect(rowsOf(join(folder, 'pipe'))).toHaveLength(steps);
  });
});

describe('a full disk', () => {
  const disk = join(folder, 'disk');
  const noDisk = ((): string | null => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount a small disk';
    mkdirSync(disk);
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk], { encoding: 'utf8' });
    return status === 0 ? null : `mount failed: ${stderr}`;
  })();
  if (noDisk) console.warn(`SKIPPED: a full disk: ${noDisk}`);
  afterAll(() => {
    if (!noDisk) spawnSync('umount', ['-l', disk]);
  });

  test.skipIf(noDisk !== null)('training waits, says so, keeps the old checkpoint, and goes on when there is space', async () => {
    const full = start(['train', file, '--run', join(disk, 'run'), '--json', ...resumed, '--set', 'checkpoint.keep=1']);
    await full.until((event) => event.kind === 'saved');
    const listed = await listCheckpoints(join(disk, 'run/checkpoints'));
    spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=4k']);
    await full.until((event) => event.kind === 'warning' && event.text.includes('the disk is full'));
    for (const checkpoint of listed) if (existsSync(checkpoint.folder)) await verifyCheckpoint(checkpoint.folder);
    const freed = performance.now();
    rmSync(join(disk, 'ballast'));
    await full.until((event) => event.kind === 'note' && event.text.includes('training goes on'));
    expect(performance.now() - freed).toBeLessThan(60_000);
    expect((await full.result).code).toBe(0);
    expect(rowsOf(join(disk, 'run')).map(({ loss }) => loss)).toEqual(rowsOf(join(folder, 'whole')).map(({ loss }) => loss));
  });
});
