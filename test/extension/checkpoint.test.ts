/** The inspector's plain parts: what a file is good for, its tree, its numbers, and how it compares. Each number against a slow and simple computation. */
import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, readlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import type { DType } from '../../backend/formats/dtypes.ts';
import { writeSafetensors, type TensorToWrite } from '../../backend/formats/tensorFile.ts';
import type { CheckpointCalls, CheckpointNotice, CheckpointSummary } from '../../backend/protocol.ts';
import { Random } from '../../backend/random.ts';
import { CheckpointHost, type CheckpointHostOptions } from '../../extension/checkpoint/host.ts';
import { PanelPort } from '../../extension/panels/port.ts';
import { filterPictures, positionSimilarity, relativeBias } from '../../extension/checkpoint/pictures.ts';
import { Tally } from '../../extension/checkpoint/statistics.ts';
import { entriesOf, shownText } from '../../extension/checkpoint/text.ts';
import { checkpoint, dict, global, int, pickle, tensor, text } from '../formats/hostile.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const fixtures = join(import.meta.dirname, '../fixtures');

function hostOf(path: string, options: Partial<CheckpointHostOptions> = {}): { host: CheckpointHost; notices: CheckpointNotice[]; ask: <K extends keyof CheckpointCalls>(call: K, request: CheckpointCalls[K]['request']) => Promise<CheckpointCalls[K]['reply']> } {
  const notices: CheckpointNotice[] = [];
  const nothing = (): Promise<void> => Promise.resolve();
  const host = new CheckpointHost({ path, onDisk: true, place: path, trusted: () => true, actions: () => [], act: nothing, choose: () => Promise.resolve(null), save: () => Promise.resolve(null), asText: nothing, trust: nothing, onNotice: (notice) => notices.push(notice), ...options });
  return { host, notices, ask: (call, request) => host.answer(call, request) };
}

async function summaryOf(path: string): Promise<CheckpointSummary> {
  const { host } = hostOf(path);
  await host.load();
  const { summary, problem } = host.open();
  host.dispose();
  if (!summary) throw new Error(problem!.message);
  return summary;
}

/** A tensor of normal values. */
const normal = (name: string, shape: number[], seed = 1): TensorToWrite => {
  const random = new Random(seed);
  return { name, dtype: 'F32', shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal() * 0.02) };
};

describe('what a file is and is good for', () => {
  test('a SiameseIM checkpoint of the authors', async () => {
    const summary = await summaryOf(join(fixtures, 'reference/siamese-0/model.pth'));
    expect(summary).toMatchObject({ method: 'SiameseIM', architecture: 'Vision Transformer: 2 blocks of width 48, patches of 16 × 16, images of 96 × 96', tensors: 210, values: 430_096 });
    expect(summary.groups.map(({ title }) => title)).toEqual(['Online encoder', 'Online projector', 'Online predictor', 'Target encoder', 'Target projector']);
    expect(summary.groups.reduce((sum, { values }) => sum + values, 0)).toBe(430_096);
    expect(Object.fromEntries(summary.uses.map(({ title, verdict }) => [title, verdict]))).toEqual({ 'Features: k-NN, linear, fine-tuning': 'yes', 'Dense correspondence': 'yes', 'Correspondence by prediction': 'yes', Reconstruction: 'no', 'Export to timm': 'yes', 'Resuming training': 'no' });
    expect(summary.findings.map(({ tone }) => tone)).toEqual(['good']);
    expect(summary.pictures.map(({ title }) => title)).toEqual(['Patch embedding, online', 'Patch embedding, target', 'Position embedding, online', 'Position embedding, online predictor']);
    expect(summary.metadata).toContainEqual({ key: 'args.decoder_embed_dim', value: '48' });
  });

  test('a tokenizer\'s weights', async () => {
    const { method, groups, uses } = await summaryOf(join(fixtures, 'tokenizer/encoder.pkl'));
    expect([method, groups.map(({ title }) => title)]).toEqual(['dVAE (BEiT\'s tokenizer)', ['Tokenizer']]);
    expect(Object.fromEntries(uses.map(({ title, verdict }) => [title, verdict]))).toEqual({ 'Codes for BEiT': 'yes', 'Features: k-NN, linear, fine-tuning': 'no', 'Dense correspondence': 'no', Reconstruction: 'no' });
    const decoder = join(folder, 'decoder.safetensors');
    await writeSafetensors(decoder, ['blocks.input.w', 'blocks.group_1.block_1.id_path.w', 'blocks.group_1.block_1.res_path.conv_1.w', 'blocks.output.conv.w'].map((name) => normal(name, [4, 4, 1, 1])));
    const summary = await summaryOf(decoder);
    expect(summary.method).toBe('dVAE (decoder alone)');
    expect(summary.uses.find(({ title }) => title === 'Codes for BEiT')).toMatchObject({ verdict: 'no', why: expect.stringContaining('encoder.pkl') as string });
  });

  test('MAE with and without its decoder, and with a block gone', async () => {
    expect((await summaryOf(join(fixtures, 'reference/mae-0/model.pth'))).uses.find(({ title }) => title === 'Reconstruction')).toMatchObject({ verdict: 'yes' });
    const block = (i: number): TensorToWrite[] => ['norm1.weight', 'attn.qkv.weight', 'mlp.fc1.weight'].map((name) => normal(`blocks.${i}.${name}`, [4, 4]));
    const encoder = [normal('cls_token', [1, 1, 4]), normal('pos_embed', [1, 5, 4]), normal('patch_embed.proj.weight', [4, 3, 8, 8]), normal('patch_embed.proj.bias', [4])];
    const path = join(folder, 'encoder.safetensors');
    await writeSafetensors(path, [...encoder, ...block(0), ...block(1)]);
    const whole = await summaryOf(path);
    expect(whole).toMatchObject({ method: 'Vision Transformer', architecture: 'Vision Transformer: 2 blocks of width 4, patches of 8 × 8, images of 16 × 16' });
    expect(whole.uses.find(({ title }) => title === 'Reconstruction')).toMatchObject({ verdict: 'no', why: 'no decoder: reconstruction impossible' });
    await writeSafetensors(path, [...encoder.slice(0, 3), ...block(0), ...block(2).slice(1), ...block(3)]);
    const broken = await summaryOf(path);
    expect(broken.findings.filter(({ tone }) => tone === 'bad').map(({ text: said }) => said)).toEqual(['The encoder is not whole: block 1 of 4 is missing.', 'The encoder is not whole: block 2 lacks norm1.weight.']);
    expect(broken.uses.filter(({ verdict }) => verdict === 'yes')).toEqual([]);
  });

  test('a pickle that would run something is warned of, and nothing of it runs', async () => {
    const path = join(folder, 'calls.pth');
    writeFileSync(path, checkpoint(pickle(dict({ model: dict({ a: tensor() }), b: `${global('os', 'system')}(${text('touch /tmp/never')}tR`, c: `${global('my.module', 'Config')})R`, epoch: int(3) }))));
    const { findings, metadata } = await summaryOf(path);
    expect(findings.map(({ tone, text: said }) => [tone, said])).toEqual([
      ['bad', 'Do not load it with pickle or torch.load: that would reach os.system. Nothing of it was run here.'],
      ['warning', 'It holds more than tensors: os.system, my.module.Config (left out; nothing of them was run).'],
    ]);
    expect(metadata).toEqual([{ key: 'b', value: '<os.system>' }, { key: 'c', value: '<my.module.Config>' }, { key: 'epoch', value: '3' }]);
  });

  test('a run\'s checkpoint knows its run, its siblings, and whether it is what was written', async () => {
    const run = join(folder, 'run');
    for (const step of [10, 20]) {
      const at = join(run, 'checkpoints', String(step));
      mkdirSync(at, { recursive: true });
      const { bytes, sha256 } = await writeSafetensors(join(at, 'model.safetensors'), [normal('a', [100, 7], step), normal('b', [50], 3)]);
      writeFileSync(join(at, 'optimizer.safetensors'), '');
      writeFileSync(join(at, 'state.json'), JSON.stringify({ version: 1, step, files: { 'model.safetensors': { bytes, sha256 } } }));
    }
    writeFileSync(join(run, 'config.json'), JSON.stringify({ name: 'flowers', model: { arch: 'vit_small', depth: 12 } }));
    const path = join(run, 'checkpoints/20/model.safetensors');
    const { host, ask } = hostOf(path);
    await host.load();
    const { summary } = host.open();
    expect(summary!.run).toEqual({ name: 'flowers', step: 20, state: null, config: [{ key: 'name', value: 'flowers' }, { key: 'model.arch', value: 'vit_small' }, { key: 'model.depth', value: '12' }] });
    expect(summary!.siblings).toEqual([{ id: 0, title: 'step 10' }]);
    expect((await ask('check', {}))!.findings.map(({ text: said }) => said)).toEqual(['Every byte is what the run wrote: its sha256 is that of the manifest.']);
    const difference = (await ask('compare', { sibling: 0 }))!;
    expect(difference).toMatchObject({ other: 'step 10', compared: 2, identical: 1, counts: { shapes: 0, onlyHere: 0, onlyThere: 0 } });
    const [a, b] = [normal('a', [100, 7], 20).data as Float32Array, normal('a', [100, 7], 10).data as Float32Array];
    const norm = (values: Iterable<number>): number => Math.sqrt([...values].reduce((sum, value) => sum + value * value, 0));
    expect(difference.changes[0]!.change).toBeCloseTo(norm(a.map((value, i) => b[i]! - value)) / norm(a), 6);
    // A byte of the values is another: the header does not show it.
    const file = openSync(path, 'r+');
    writeSync(file, Uint8Array.of(1), 0, 1, host.open().file.bytes! - 3);
    closeSync(file);
    await host.lookAgain();
    expect(host.open().changed).toBe(true);
    await ask('again', {});
    expect((await ask('check', {}))!.findings[0]).toMatchObject({ tone: 'bad', text: 'It is not what the run wrote: its sha256 differs from that of the manifest.' });
    host.dispose();
  });
});

describe('numbers', () => {
  test('statistics are those of a plain computation, in whatever pieces the values come', () => {
    const random = new Random(5);
    for (let round = 0; round < 50; round++) {
      const values = Array.from({ length: random.integer(1, 3000) }, () => [1e6 + random.normal(), random.normal(), 0, NaN, Infinity, -Infinity][random.integer(0, round % 6)]!);
      const tally = new Tally();
      for (let at = 0; at < values.length; ) {
        const next = at + random.integer(1, 700);
        tally.add(Float64Array.from(values.slice(at, next)));
        at = next;
      }
      const finite = values.filter(Number.isFinite);
      const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
      const found = tally.result;
      expect([found.count, found.nan, found.positiveInfinite, found.negativeInfinite, found.zeros]).toEqual([values.length, values.filter(Number.isNaN).length, values.filter((value) => value === Infinity).length, values.filter((value) => value === -Infinity).length, values.filter((value) => value === 0).length]);
      if (finite.length === 0) expect([found.min, found.max, found.mean, found.deviation, found.norm].every(Number.isNaN)).toBe(true);
      else {
        expect([found.min, found.max]).toEqual([Math.min(...finite), Math.max(...finite)]);
        expect(found.mean).toBeCloseTo(mean, 6);
        expect(found.deviation).toBeCloseTo(Math.sqrt(finite.reduce((sum, value) => sum + (value - mean) ** 2, 0) / finite.length), 5);
        expect(found.norm / Math.max(1e-300, Math.sqrt(finite.reduce((sum, value) => sum + value * value, 0)))).toBeCloseTo(finite.every((value) => value === 0) ? 0 : 1, 9);
      }
    }
  });

  test('NaN and infinities of every type are counted, named, and in the rows and the table', async () => {
    const half = Uint16Array.of(0x3c00, 0x7c00, 0xfc00, 0x7e00, 0x0001, 0x8000);
    const tensors: TensorToWrite[] = [
      { name: 'half', dtype: 'F16', shape: [2, 3], data: half }, { name: 'brain', dtype: 'BF16', shape: [2, 2], data: Uint16Array.of(0x3f80, 0x7fc0, 0x7f80, 0x0000) },
      { name: 'double', dtype: 'F64', shape: [2], data: Float64Array.of(1e300, -1e300) }, { name: 'dead', dtype: 'F32', shape: [8, 8], data: new Float32Array(64) },
      { name: 'bn.running_var', dtype: 'F32', shape: [2], data: Float32Array.of(1, -0.5) }, { name: 'counter', dtype: 'I64', shape: [], data: BigInt64Array.of(2n ** 60n + 1n) }, { name: 'packed', dtype: 'F4', shape: [4], data: new Uint8Array(2) },
      { name: '=cmd()', dtype: 'U8', shape: [0, 3], data: new Uint8Array(0) },
    ];
    const path = join(folder, 'sick.safetensors');
    await writeSafetensors(path, tensors);
    const saved: string[] = [];
    const { host, ask } = hostOf(path, { save: (_, table) => Promise.resolve(String(saved.push(table))) });
    await host.load();
    const checked = (await ask('check', {}))!;
    expect(checked).toMatchObject({ tensors: 7, values: 6 + 4 + 2 + 64 + 2 + 1, nan: 2, infinite: 3 });
    expect(checked.findings.map(({ tone, text: said }) => `${tone}: ${said}`).sort()).toEqual([
      'bad: bn.running_var: a variance of -0.5.', 'bad: brain: 1 NaN and 1 infinite of 4 values.', 'bad: half: 1 NaN and 2 infinite of 6 values.', 'warning: dead: all 64 values are 0.',
    ].sort());
    const { rows } = await ask('rows', { query: 'half', open: [], from: 0, count: 10 });
    expect(rows[0]!.statistics).toMatchObject({ nan: 1, positiveInfinite: 1, negativeInfinite: 1, zeros: 1, max: 1 });
    expect((await ask('detail', { tensor: 5 }))!.first).toEqual([String(2n ** 60n + 1n)]);
    expect((await ask('detail', { tensor: 2 }))!.histogram!.counts.reduce((a, b) => a + b, 0)).toBe(2);
    await expect(ask('detail', { tensor: 6 })).rejects.toThrow('values of dtype F4 share bytes');
    await expect(ask('detail', { tensor: 99 })).rejects.toThrow('there is no such tensor');
    await ask('saveTable', {});
    expect(saved[0]!.split('\n')).toHaveLength(tensors.length + 2);
    expect(saved[0]).toContain('"\'=cmd()"');
    host.dispose();
  });

  test('a histogram counts every finite value', async () => {
    const path = join(folder, 'histogram.safetensors');
    const data = Float32Array.from({ length: 100_000 }, (_, i) => (i % 1000 === 0 ? NaN : Math.sin(i)));
    await writeSafetensors(path, [{ name: 'a', dtype: 'F32', shape: [100_000], data }]);
    const { host, ask } = hostOf(path);
    await host.load();
    const { histogram } = (await ask('detail', { tensor: 0 }))!;
    const { low, high, counts } = histogram!;
    const expected = new Array<number>(counts.length).fill(0);
    for (const value of data) if (!Number.isNaN(value)) expected[Math.min(counts.length - 1, Math.floor(((value - low) / (high - low)) * counts.length))]!++;
    expect(counts.reduce((a, b) => a + b, 0)).toBe(100_000 - 100);
    expect(counts.map((count, i) => Math.abs(count - expected[i]!)).reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(4);
    host.dispose();
  });

  test('what takes long is stopped, tells how far it is, and leaves the process free meanwhile', async () => {
    const path = sparse('long', 2 ** 31, [['a', [2 ** 29]]]);
    const { host, ask, notices } = hostOf(path);
    await host.load();
    let longest = 0, last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const checking = ask('check', {});
    await new Promise((done) => setTimeout(done, 600));
    await ask('stop', { lane: 'tensor' });
    await new Promise((done) => setTimeout(done, 20));
    const before = notices.length;
    await new Promise((done) => setTimeout(done, 300));
    expect(notices.length, 'the other lane goes on').toBeGreaterThan(before);
    await ask('stop', { lane: 'whole' });
    expect(await checking).toBeNull();
    clearInterval(timer);
    const progress = notices.filter((notice) => notice.kind === 'progress');
    expect(progress.length).toBeGreaterThan(0);
    expect(progress.at(-1)).toMatchObject({ total: 2 ** 31 });
    console.log(`values are looked at in pieces: other work waited at most ${longest.toFixed(1)} ms`);
    expect(longest).toBeLessThan(100);
    host.dispose();
  });
});

/** A file that claims so many bytes and takes none of them: names with shapes of F32, the first ones; a filler takes the rest. */
function sparse(name: string, dataBytes: number, tensors: [string, number[]][]): string {
  let at = 0;
  const entries = Object.fromEntries(tensors.map(([tensorName, shape]) => {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    return [tensorName, { dtype: 'F32', shape, data_offsets: [at, (at += bytes)] }];
  }));
  if (at < dataBytes) Object.assign(entries, { filler: { dtype: 'U8', shape: [dataBytes - at], data_offsets: [at, dataBytes] } });
  const header = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const path = join(folder, `${name}.safetensors`);
  const file = openSync(path, 'w');
  writeSync(file, Buffer.concat([length, header]));
  ftruncateSync(file, 8 + header.length + dataBytes);
  closeSync(file);
  return path;
}

describe('large files', () => {
  test('one of 10 GB opens in less than 300 ms', async () => {
    const shapes: [string, number[]][] = Array.from({ length: 48 }, (_, i) => ['attn.qkv.weight', 'attn.proj.weight', 'mlp.fc1.weight', 'mlp.fc2.weight'].map((name): [string, number[]] => [`blocks.${i}.${name}`, [3072, 3072]])).flat();
    const path = sparse('ten', 10_000_000_000, [['cls_token', [1, 1, 3072]], ['pos_embed', [1, 197, 3072]], ['patch_embed.proj.weight', [3072, 3, 16, 16]], ...shapes]);
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const began = performance.now();
      const { host, ask } = hostOf(path);
      await host.load();
      const { total } = await ask('rows', { query: '', open: ['encoder'], from: 0, count: 200 });
      times.push(performance.now() - began);
      expect(host.open()).toMatchObject({ state: 'ready', summary: { architecture: expect.stringContaining('48 blocks of width 3072') as string } });
      expect(total).toBeGreaterThan(4);
      host.dispose();
    }
    console.log(`10 GB: opened in ${times.map((ms) => ms.toFixed(1)).join(', ')} ms`);
    expect(Math.min(...times)).toBeLessThan(300);
  });

  test('one of 100,000 tensors is shown row by row and searched', async () => {
    const path = sparse('many', 4 * 100_000, Array.from({ length: 100_000 }, (_, i): [string, number[]] => [i % 2 === 0 ? `blocks.${Math.floor(i / 100)}.x.t${i}` : `flat${i}`, [1]]));
    const began = performance.now();
    const { host, ask } = hostOf(path);
    await host.load();
    const opened = performance.now() - began;
    const timed = async (request: CheckpointCalls['rows']['request']): Promise<[CheckpointCalls['rows']['reply'], number]> => {
      const start = performance.now();
      return [await ask('rows', request), performance.now() - start];
    };
    const [flat, flatTime] = await timed({ query: '', open: ['other'], from: 40_000, count: 200 });
    expect(flat.total).toBe(2 + 50_000);
    expect(flat.rows).toHaveLength(200);
    expect(flat.rows[0]).toMatchObject({ kind: 'tensor', level: 2, parent: 1 });
    const [found, searchTime] = await timed({ query: 'flat 99999', open: [], from: 0, count: 200 });
    expect(found.rows.map(({ label }) => label)).toEqual(['flat99999']);
    const [group] = await timed({ query: '', open: ['encoder', 'encoder/7'], from: 0, count: 500 });
    expect(group.rows.find(({ key }) => key === 'encoder/7')).toMatchObject({ open: true, tensors: 50, label: '7.x' });
    console.log(`100,000 tensors: opened in ${opened.toFixed(0)} ms, 200 rows in ${flatTime.toFixed(1)} ms, found in ${searchTime.toFixed(1)} ms`);
    expect(opened).toBeLessThan(5000);
    expect(Math.max(flatTime, searchTime)).toBeLessThan(1000);
    host.dispose();
  });
});

describe('pictures', () => {
  test('filters are scaled each to its own range, strongest first', () => {
    // Two filters of 3 by 1 by 2: the second is stronger, and of one channel only.
    const found = filterPictures([0, 1, 0, 1, 0, 1, -4, 4, 0, 0, 0, 0], [2, 3, 1, 2]);
    expect(found).toMatchObject({ all: 2, shown: 2, order: [1, 0] });
    expect([...new Uint8ClampedArray(found.pixels)]).toEqual([0, 128, 128, 255, 255, 128, 128, 255, 0, 0, 0, 255, 255, 255, 255, 255]);
    expect([...new Uint8ClampedArray(filterPictures([NaN, 1, 1], [1, 3, 1, 1]).pixels)]).toEqual([255, 128, 128, 255]);
  });

  test('positions are compared by cosine, without the class token', () => {
    const random = new Random(2);
    const values = Float32Array.from({ length: 10 * 6 }, () => random.normal());
    const { rows, columns, extra, similarities, overview } = positionSimilarity(values, [1, 10, 6], 4, true);
    expect([rows, columns, extra]).toEqual([3, 3, 1]);
    const at = (position: number): number[] => [...values.slice((position + 1) * 6, (position + 2) * 6)];
    const dot = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const expected = Array.from({ length: 9 }, (_, other) => dot(at(4), at(other)) / Math.sqrt(dot(at(4), at(4)) * dot(at(other), at(other))));
    new Float32Array(similarities).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
    expect([...new Float32Array(overview!).slice(4 * 9, 5 * 9)]).toEqual([...new Float32Array(similarities)]);
  });

  test('relative positions come head by head', () => {
    const { heads, side, biases } = relativeBias(Float32Array.from({ length: 12 * 2 }, (_, i) => i), [12, 2]);
    expect([heads, side, [...new Float32Array(biases)].slice(0, 3), [...new Float32Array(biases)].slice(9, 11)]).toEqual([2, 3, [0, 2, 4], [1, 3]]);
  });
});

describe('comparing', () => {
  test('finds what is only in one, what differs in shape, and what changed, under other prefixes as well', async () => {
    const base = [normal('blocks.0.w', [30, 30], 1), normal('blocks.1.w', [30, 30], 2), normal('norm.weight', [30], 3), { name: 'n.num_batches_tracked', dtype: 'I64' as DType, shape: [], data: BigInt64Array.of(5n) }];
    const [here, there] = [join(folder, 'here.safetensors'), join(folder, 'there.safetensors')];
    await writeSafetensors(here, [...base, normal('gone', [2])]);
    const doubled = Float32Array.from(base[1]!.data as Float32Array, (value) => 2 * value);
    await writeSafetensors(there, [base[0]!, { ...base[1]!, data: doubled }, normal('norm.weight', [31], 3), { ...base[3]!, data: BigInt64Array.of(50_000n) }, normal('new', [2])].map((one) => ({ ...one, name: `module.backbone.${one.name}` })));
    const { host, ask } = hostOf(here, { choose: () => Promise.resolve(there) });
    await host.load();
    const difference = (await ask('compare', { sibling: null }))!;
    expect(difference).toMatchObject({ other: 'there.safetensors', compared: 3, identical: 1, onlyHere: ['gone'], onlyThere: ['module.backbone.new'], shapes: [{ name: 'norm.weight', here: '30', there: '31' }] });
    expect(difference.matched).toMatch(/without what training code put before them/);
    expect(difference.changes.find(({ name }) => name === 'blocks.1.w')!.change).toBeCloseTo(1, 6);
    // The counter's change does not hide the weights'.
    const squares = [base[0]!, base[1]!].map(({ data }) => (data as Float32Array).reduce((sum, value) => sum + value * value, 0));
    expect(difference.groups.find(({ part }) => part === 'encoder')!.change).toBeCloseTo(Math.sqrt(squares[1]! / (squares[0]! + squares[1]!)), 6);
    await expect(ask('compare', { sibling: 3 })).rejects.toThrow('no longer there');
    host.dispose();
  });
});

describe('hostile texts', () => {
  test('are shown as what they are, and short', () => {
    expect(shownText('a\u202eb\u0007\u2028\ud800<b>\u200d')).toBe('a\\u202eb\\u0007\\u2028\\ud800<b>\\u200d');
    expect(shownText('x'.repeat(1_000_000))).toMatch(/^x{144} … x{72} \(1,000,000 characters\)$/);
    expect(shownText('Ünïcode 漢字 😀')).toBe('Ünïcode 漢字 😀');
  });

  test('nested ones end', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`) as Record<string, unknown>;
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i]));
    expect(entriesOf({ deep, wide, __proto__: null }).length).toBeLessThan(500);
    expect(entriesOf({ list: [1, 2], none: null, text: '\u001b[2J' })).toEqual([{ key: 'list', value: '[1,2]' }, { key: 'none', value: 'null' }, { key: 'text', value: '\\u001b[2J' }]);
  });

  test('requests that are none are refused, with a reason', async () => {
    const { host, ask } = hostOf(join(fixtures, 'reference/mae-0/model.pth'));
    await host.load();
    const refused: [string, unknown][] = [['rows', {}], ['rows', { query: 'x'.repeat(5000), open: [], from: 0, count: 1 }], ['rows', { query: '', open: [1], from: 0, count: 1 }], ['rows', { query: '', open: [], from: -1, count: 1 }], ['rows', { query: '', open: [], from: 0, count: 1e9 }], ['detail', { tensor: '../x' }], ['act', { action: 'delete' }], ['compare', { sibling: '/etc/passwd' }], ['stop', {}], ['__proto__', {}], ['toString', {}], ['detail', null]];
    for (const [call, request] of refused) await expect(ask(call as 'detail', request as { tensor: number })).rejects.toThrow(/not understood/);
    await expect(ask('positions', { tensor: 0, chosen: 5, overview: true })).rejects.toThrow();
    await expect(ask('filters', { tensor: 1e9 })).rejects.toThrow('there is no such tensor');
    host.dispose();
  });
});

test('10,000 fuzzed messages cause no fault, and each request is answered once', async () => {
  const { host } = hostOf(join(fixtures, 'reference/siamese-0/model.pth'), { act: () => Promise.reject(new Error('no')) });
  await host.load();
  const random = new Random(7);
  const pick = <T>(values: readonly T[]): T => values[random.integer(0, values.length - 1)]!;
  const value = (): unknown => pick<unknown>([0, 1, -1, 3, 200, 1e9, NaN, '', 'blocks', 'encoder', '../x', '__proto__', 'x'.repeat(2000), null, undefined, true, [], ['encoder', 'encoder/blocks'], [1], {}, { tensor: 1 }]);
  const calls = ['rows', 'detail', 'stop', 'filters', 'positions', 'relative', 'compare', 'act', 'saveTable', 'trust', 'asText', 'constructor', '__proto__'];
  const replies = new Map<number, number>();
  const port = new PanelPort({ open: () => host.open(), answer: (call, request) => host.answer(call, request) }, (message) => {
    if (message.kind === 'reply' || message.kind === 'failure') replies.set(message.id, (replies.get(message.id) ?? 0) + 1);
  });
  const sent = Array.from({ length: 10_000 }, (_, id) => port.receive({ kind: 'request', id, call: pick(calls), request: random.integer(0, 9) === 0 ? value() : { tensor: value(), query: value(), open: value(), from: value(), count: value(), chosen: value(), overview: value(), sibling: pick<unknown>([null, value()]), action: value(), lane: value() } }));
  await Promise.all(sent);
  expect(replies.size).toBe(10_000);
  expect([...replies.values()].every((count) => count === 1)).toBe(true);
  host.dispose();
});

test('a file that is gone, cut or something else becomes a problem that is explained, with the bytes where it shows', async () => {
  const header = '{"a":{"dtype":"F32" "shape":[1],"data_offsets":[0,4]}}';
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const cases: [string, Buffer | null, string, number | null][] = [
    ['grammar.safetensors', Buffer.concat([length, Buffer.from(header), Buffer.alloc(4)]), 'This checkpoint is damaged', 8 + header.indexOf('"shape"')],
    ['short.safetensors', Buffer.from([1, 2, 3]), 'This file is not whole', 3],
    ['empty.pth', Buffer.alloc(0), 'This file is not whole', null],
    ['text.pth', Buffer.from('import os; this is a path file of Python\n'), 'This is not a checkpoint that can be shown', null],
    ['gone.pth', null, 'This file is not there any more', null],
  ];
  for (const [name, bytes, title, byte] of cases) {
    const path = join(folder, name);
    if (bytes) writeFileSync(path, bytes);
    const { host } = hostOf(path);
    await host.load();
    const { problem, state } = host.open();
    expect([name, state, problem!.title, problem!.byte]).toEqual([name, 'broken', title, byte]);
    if (bytes && bytes.length > 0) expect(problem!.excerpt).toEqual({ start: 0, bytes: [...bytes.subarray(0, 128)] });
    host.dispose();
  }
  const { host } = hostOf(join(folder, 'x.pth'), { onDisk: false, place: 'git:/x.pth' });
  await host.load();
  expect(host.open().problem!.message).toContain('lies on no disk of this machine');
});

test('a file is let go of when nobody reads it, so that a run can remove it', async () => {
  const path = join(folder, 'kept.safetensors');
  await writeSafetensors(path, [normal('a', [4])]);
  if (process.platform !== 'linux') return console.warn('Skipped: open files are counted on Linux only.');
  const { host } = hostOf(path);
  const isOpen = (): boolean => readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  });
  await host.load();
  for (const end = performance.now() + 10_000; isOpen() && performance.now() < end; ) await new Promise((done) => setTimeout(done, 100));
  expect(isOpen()).toBe(false);
  host.dispose();
});
