/**
 * Files made to break decoders, through the real workers: the pool outlives them, each is either decoded or named.
 * SIAMSCOPE_MUTANTS sets how many mutants of each format are tried, SIAMSCOPE_FIRST_MUTANT from which on (bench/hostile_images.mjs runs the full count).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DecodePool } from '../../backend/data/pool.ts';
import { Random } from '../../backend/random.ts';
import sharp from 'sharp';
import { jpeg, picture, temporaryFolder, writeFiles } from './images.ts';

const mutants = Number(process.env.SIAMSCOPE_MUTANTS ?? 150), first = Number(process.env.SIAMSCOPE_FIRST_MUTANT ?? 0);
const chunk = 500;
const size = 32;

const seeds = async (): Promise<Record<string, Buffer>> => ({
  jpg: await jpeg(1),
  progressive: await picture(2).jpeg({ progressive: true }).toBuffer(),
  cmyk: await picture(3).toColourspace('cmyk').jpeg().toBuffer(),
  png: await picture(4).png().toBuffer(),
  webp: await picture(5).webp().toBuffer(),
  avif: await picture(6).avif({ effort: 0 }).toBuffer(),
  tiff: await picture(7).tiff({ compression: 'deflate' }).toBuffer(),
  gif: await picture(8).gif().toBuffer(),
});

/** Flips, overwrites, cuts, repeats or removes a few bytes, mostly near the front where the headers are. */
function mutate(random: Random, seed: Buffer): Buffer {
  let bytes = Buffer.from(seed);
  const place = () => Math.min(bytes.length - 1, Math.floor(bytes.length * random.uniform() ** random.integer(1, 4)));
  for (let i = random.integer(1, 3); i > 0 && bytes.length > 1; i--) {
    const at = place();
    switch (random.integer(0, 4)) {
      case 0:
        bytes[at]! ^= 1 << random.integer(0, 7);
        break;
      case 1:
        bytes[at] = [0, 0xff, 0x7f, 0x80][random.integer(0, 3)]!;
        break;
      case 2:
        bytes = bytes.subarray(0, Math.max(1, at));
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + random.integer(1, 64)), bytes.subarray(at)]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(1, 64))]);
    }
  }
  return bytes;
}

test(`${mutants} mutants of each format`, { timeout: 24 * 3600_000 }, async () => {
  const root = await temporaryFolder();
  const pool = new DecodePool({ kind: 'evaluation', size }, 2);
  let decoded = 0;
  let refused = 0;
  let workersLost = 0;
  let megabytes = 0;
  try {
    for (const [format, seed] of Object.entries(await seeds())) {
      for (let start = first; start < first + mutants; start += chunk) {
        const count = Math.min(chunk, first + mutants - start);
        const files = Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}.${format}`, mutate(new Random(start + i, seed.length), seed)]));
        await writeFiles(root, files);
        const reasons = new Map<number, string>();
        const samples = Object.keys(files).map((name, index) => ({ path: join(root, name), offset: 0, length: -1, index, epoch: 0 }));
        const batch = await pool.submit(samples, (slot, reason) => {
          reasons.set(slot, reason);
          return null;
        });
        for (let slot = 0; slot < count; slot++) expect(batch.isDone(slot)).toBe(true);
        for (const reason of reasons.values()) expect(reason.length).toBeGreaterThan(3);
        refused += reasons.size;
        workersLost += [...reasons.values()].filter((reason) => /decoder died|took longer/.test(reason)).length;
        decoded += count - reasons.size;
        if (process.platform === 'linux') megabytes = Math.max(megabytes, ...decoders().map((decoder) => Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${decoder}/status`, 'utf8'))?.[1]) / 1024));
      }
    }
  } finally {
    await pool.close();
  }
  console.log(`${decoded} mutants decoded, ${refused} refused, ${workersLost} workers lost; greatest memory of a decoder ${Math.round(megabytes)} MiB`);
  expect(decoded).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
  expect(megabytes).toBeLessThan(1024);
});

test('a file that takes too long is given up on, its worker replaced, and the rest goes on', async () => {
  const root = await temporaryFolder();
  const slow = await sharp({ create: { width: 8000, height: 8000, channels: 3, background: 'gray' } }).jpeg({ progressive: true }).toBuffer();
  await writeFiles(root, { 'slow.jpg': slow, ...Object.fromEntries(await Promise.all(Array.from({ length: 10 }, async (_, i) => [`${i}.jpg`, await jpeg(i)]))) });
  const pool = new DecodePool({ kind: 'evaluation', size }, 1, 200);
  try {
    const samples = ['0', 'slow', '1', '2', '3', '4'].map((name, index) => ({ path: join(root, `${name}.jpg`), offset: 0, length: -1, index, epoch: 0 }));
    const reasons: [number, string][] = [];
    const batch = await pool.submit(samples, (slot, reason) => {
      reasons.push([slot, reason]);
      return { ...samples[0]!, path: join(root, '9.jpg') };
    });
    expect(reasons).toEqual([[1, 'decoding took longer than 0.2 s']]);
    const image = (slot: number) => batch.views[0]!.pixels.subarray(slot * size * size * 3, (slot + 1) * size * size * 3);
    for (let slot = 0; slot < samples.length; slot++) expect(image(slot).some((byte) => byte > 0)).toBe(true);
    const alone = await pool.submit([{ ...samples[0]!, path: join(root, '9.jpg') }], () => null);
    expect(Buffer.compare(alone.views[0]!.pixels, image(1))).toBe(0);
  } finally {
    await pool.close();
  }
});

test.skipIf(process.platform !== 'linux')('a decoder that crashes costs its file, and nothing else', async () => {
  const root = await temporaryFolder();
  const slow = await sharp({ create: { width: 8000, height: 8000, channels: 3, background: 'gray' } }).jpeg({ progressive: true }).toBuffer();
  await writeFiles(root, { 'slow.jpg': slow, '0.jpg': await jpeg(1), '1.jpg': await jpeg(2) });
  const pool = new DecodePool({ kind: 'evaluation', size }, 1);
  try {
    const samples = ['0', 'slow', '1'].map((name, index) => ({ path: join(root, `${name}.jpg`), offset: 0, length: -1, index, epoch: 0 }));
    await pool.submit([samples[0]!], () => null);
    const [decoder] = decoders();
    const reasons: [number, string][] = [];
    const batch = pool.submit(samples, (slot, reason) => {
      reasons.push([slot, reason]);
      return null;
    });
    // The large picture takes a second or so; the one before it a millisecond.
    setTimeout(() => process.kill(decoder!, 'SIGSEGV'), 100);
    const done = await batch;
    expect(reasons).toEqual([[1, 'the decoder died on it (SIGSEGV)']]);
    expect([0, 1, 2].map((slot) => done.isDone(slot))).toEqual([true, true, true]);
    expect(decoders()).not.toContain(decoder);
  } finally {
    await pool.close();
  }
  expect(decoders()).toEqual([]);
});

/** Process numbers of this process's decoders. */
function decoders(): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes('decode.process.mjs') && !line.includes('<defunct>')).map((line) => Number(line.trim().split(' ')[0]));
}
