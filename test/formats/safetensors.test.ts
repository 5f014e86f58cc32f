/** safetensors: what is written is read, by us and by the Python package; and each way to break the format has its own message. */
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../backend/errors.ts';
import { byteLength, dtypes } from '../../backend/formats/dtypes.ts';
import type { DType } from '../../backend/formats/dtypes.ts';
import { openTensorFile, writeSafetensors } from '../../backend/formats/tensorFile.ts';
import type { TensorToWrite } from '../../backend/formats/tensorFile.ts';
import { Random } from '../../backend/random.ts';
import { pythonWith, runPython } from '../helpers/python.ts';
import { expectWithin, leastTime } from '../helpers/expectWithin.ts';
import { processorTime, wallTime } from '../helpers/slowness.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();

/** A file of the given header text (or bytes) and data. */
function file(name: string, header: string | Buffer, data = 0, claims?: bigint): string {
  const text = Buffer.from(header as string);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claims ?? BigInt(text.length));
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([length, text, Buffer.alloc(data)]));
  return path;
}

const header = (tensors: Record<string, [dtype: string, shape: number[], offsets: number[]]>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(tensors).map(([name, [dtype, shape, data_offsets]]) => [name, { dtype, shape, data_offsets }])));

/** Random tensors of every dtype and of awkward shapes and names. */
function randomTensors(seed: number): TensorToWrite[] {
  const random = new Random(seed);
  return dtypes.flatMap((dtype) => [[], [0], [3, 0, 2], [2, 4], [1, 8, 3]].map((shape, i) => {
    const bytes = byteLength(dtype, shape);
    return bytes === null ? [] : [{ name: `${dtype}.${i} "é\\\n漢`, dtype, shape, data: Uint8Array.from({ length: bytes }, () => random.uint32()) }];
  }).flat());
}

describe('round trip', () => {
  test('every dtype, shape and name comes back, with order, metadata and checksum', async () => {
    const tensors = randomTensors(1);
    const path = join(folder, 'all.safetensors');
    const written = await writeSafetensors(path, tensors, { epoch: '3', note: 'a "quoted"\nnote' });
    const bytes = readFileSync(path);
    expect(written).toEqual({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    const opened = await openTensorFile(path);
    expect(opened.format).toBe('safetensors');
    expect(opened.metadata).toEqual({ epoch: '3', note: 'a "quoted"\nnote' });
    expect(opened.tensors).toEqual(tensors.map(({ name, dtype, shape, data }) => ({ name, dtype, shape, bytes: (data as Uint8Array).length })));
    for (const { name, data } of tensors) expect(Buffer.from(await opened.read(name)).equals(data as Uint8Array), name).toBe(true);
    await opened.close();
  });

  test('the data of each tensor is aligned to its type', async () => {
    const path = join(folder, 'aligned.safetensors');
    await writeSafetensors(path, [{ name: 'odd', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) }, { name: 'wide', dtype: 'F64', shape: [1], data: Float64Array.of(0.1) }]);
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE());
    expect(length % 8).toBe(0);
    expect(JSON.parse(bytes.toString('utf8', 8, 8 + length))).toMatchObject({ odd: { data_offsets: [8, 11] }, wide: { data_offsets: [0, 8] } });
  });

  test('tensors can be got one at a time, when their turn has come', async () => {
    const order: string[] = [];
    const lazy = (name: string, dtype: DType, data: ArrayBufferView): TensorToWrite => ({ name, dtype, shape: [2], data: () => { order.push(name); return Promise.resolve(data); } });
    const path = join(folder, 'lazy.safetensors');
    await writeSafetensors(path, [lazy('a', 'F32', Float32Array.of(1, 2)), lazy('b', 'F32', Float32Array.of(3, 4))]);
    expect(order).toEqual(['a', 'b']);
    const opened = await openTensorFile(path);
    expect([...await opened.readFloat32('b')]).toEqual([3, 4]);
    await opened.close();
  });

  test('tensors that do not fit their shape, twice the same name, or a reserved one are refused', async () => {
    const path = join(folder, 'refused.safetensors');
    const one = { name: 'a', dtype: 'F32', shape: [1], data: Float32Array.of(1) } as const;
    await expect(writeSafetensors(path, [{ ...one, shape: [2] }])).rejects.toThrow('tensor "a" has 4 bytes, but dtype F32 and shape [2] need 8');
    await expect(writeSafetensors(path, [{ ...one, shape: [1] }, { ...one, shape: [1] }])).rejects.toThrow('two tensors cannot have the name "a"');
    await expect(writeSafetensors(path, [{ ...one, shape: [1], name: '__metadata__' }])).rejects.toThrow('none may be "__metadata__"');
    await expect(writeSafetensors(path, [{ ...one, shape: [2 ** 40, 2 ** 40] }])).rejects.toThrow('no whole number of bytes up to 2^53 - 1');
  });
});

describe('opening', () => {
  test('a file of 10 GB opens by its header alone, in well under 300 ms', async () => {
    const path = join(folder, 'large.safetensors');
    const size = 10 * 2 ** 30;
    file('large.safetensors', header({ big: ['U8', [size - 4], [0, size - 4]], last: ['F32', [1], [size - 4, size]] }));
    const start = readFileSync(path).length;
    // Sparse: its blocks are never written.
    truncateSync(path, start + size);
    const handle = openSync(path, 'r+');
    writeSync(handle, Float32Array.of(1.5), 0, 4, start + size - 4);
    closeSync(handle);
    const milliseconds = await leastTime(300, wallTime, async () => (await openTensorFile(path)).close());
    const opened = await openTensorFile(path);
    expect([...await opened.readFloat32('last')]).toEqual([1.5]);
    await opened.close();
    expect(milliseconds).toBeLessThan(300);
  });

  test('white space after the header, scalars and empty tensors are valid', async () => {
    const opened = await openTensorFile(file('padded', `${header({ s: ['F32', [], [0, 4]], e: ['F32', [0], [4, 4]] })}     `, 4));
    expect(opened.tensors.map(({ name, shape, bytes }) => [name, shape, bytes])).toEqual([['s', [], 4], ['e', [0], 0]]);
    await opened.close();
  });

  test('"__proto__" is a name like any other', async () => {
    const opened = await openTensorFile(file('proto', '{"__metadata__":{"__proto__":"x"},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1));
    expect(opened.tensors[0]!.name).toBe('__proto__');
    expect(Object.keys(opened.metadata)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    await opened.close();
  });

  test('a file cut while it is open is an error that says so', async () => {
    const path = file('cut', header({ a: ['F32', [4], [0, 16]] }), 16);
    const opened = await openTensorFile(path);
    const handle = openSync(path, 'r+');
    ftruncateSync(handle, readFileSync(path).length - 1);
    closeSync(handle);
    await expect(opened.read('a')).rejects.toThrow('it was cut short while open');
    await expect(opened.read('b')).rejects.toThrow('has no tensor "b"');
    await opened.close();
  });
});

const f32 = (offsets: number[], shape = [1]): [string, number[], number[]] => ['F32', shape, offsets];
const entry = (fields: string): string => `{"a":{${fields}}}`;
const whole = '"dtype":"F32","shape":[1],"data_offsets":[0,4]';

/** Each way to break the format: the header, bytes of data, and what the message must say. */
const broken: [name: string, header: string | Buffer, data: number, message: string, claims?: bigint][] = [
  ['header over the limit', '{}', 0, 'its header claims 100000001 bytes, more than the format\'s limit of 100000000', 100_000_001n],
  ['header of 2^64 - 1 bytes', '{}', 0, 'its header claims 18446744073709551615 bytes', 2n ** 64n - 1n],
  ['header longer than the file', '{}', 3, 'its header claims 6 bytes, but only 5 follow: the file was cut short', 6n],
  ['no opening brace', ' {}', 0, 'its header does not begin with "{"'],
  ['not UTF-8', Buffer.from('{"\xff":1}', 'latin1'), 0, 'its header is not UTF-8 text'],
  ['not closed', '{', 0, 'its header lacks a string (at byte 1)'],
  ['trailing comma', `{"a":{${whole}},}`, 4, 'its header lacks a string'],
  ['second value', '{}{}', 0, 'its header goes on after its closing brace'],
  ['unended string', '{"a', 0, 'its header has a string without an end'],
  ['control character', '{"a\n":1}', 0, 'its header has a string without an end'],
  ['bad escape', '{"\\x":{}}', 0, 'its header has a string with an invalid escape'],
  ['tensor is an array', '{"a":[]}', 0, 'its header lacks "{"'],
  ['metadata is not text', '{"__metadata__":{"a":1}}', 0, 'its header lacks a string'],
  ['metadata twice', '{"__metadata__":{},"__metadata__":{}}', 0, 'its header has the key "__metadata__" twice'],
  ['metadata key twice', '{"__metadata__":{"a":"","a":""}}', 0, 'its header has the metadata key "a" twice'],
  ['tensor twice', `{"a":{${whole}},"a":{${whole}}}`, 4, 'its header has the key "a" twice'],
  ['tensor twice, once escaped', `{"a":{${whole}},"\\u0061":{${whole}}}`, 4, 'its header has the key "a" twice'],
  ['field twice', entry(`"dtype":"F32",${whole}`), 4, 'gives tensor "a" the key "dtype" twice'],
  ['unknown field', entry(`${whole},"x":1`), 4, 'gives tensor "a" the unknown key "x"'],
  ['no dtype', entry('"shape":[1],"data_offsets":[0,4]'), 4, 'gives tensor "a" no dtype'],
  ['no shape', entry('"dtype":"F32","data_offsets":[0,4]'), 4, 'gives tensor "a" no shape'],
  ['no offsets', entry('"dtype":"F32","shape":[1]'), 4, 'gives tensor "a" no data_offsets'],
  ['unknown dtype', header({ a: ['F33', [1], [0, 4]] }), 4, 'gives tensor "a" the unknown dtype "F33"'],
  ['dtype of Object.prototype', header({ a: ['toString', [1], [0, 4]] }), 4, 'gives tensor "a" the unknown dtype "toString"'],
  ['one offset', header({ a: f32([0]) }), 4, 'data_offsets that are not two numbers'],
  ['three offsets', header({ a: f32([0, 4, 8]) }), 4, 'data_offsets that are not two numbers'],
  ['negative size', entry('"dtype":"F32","shape":[-1],"data_offsets":[0,4]'), 4, 'a number that is not a non-negative integer'],
  ['leading zero', entry('"dtype":"F32","shape":[01],"data_offsets":[0,4]'), 4, 'a number that is not a non-negative integer'],
  ['fraction', entry('"dtype":"F32","shape":[1.0],"data_offsets":[0,4]'), 4, 'lacks "," or "]"'],
  ['exponent', entry('"dtype":"F32","shape":[1e0],"data_offsets":[0,4]'), 4, 'lacks "," or "]"'],
  ['offset of 2^53', entry('"dtype":"U8","shape":[1],"data_offsets":[9007199254740992,9007199254740993]'), 4, 'a number beyond 2^53 - 1'],
  ['offset of 2^64', entry('"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551616]'), 4, 'a number beyond 2^53 - 1'],
  ['overflowing shape', header({ a: f32([0, 4], [2 ** 40, 2 ** 40]) }), 4, 'has no whole number of bytes up to 2^53 - 1'],
  ['half a byte', header({ a: ['F4', [3], [0, 1]] }), 1, 'has no whole number of bytes'],
  ['backwards', header({ a: f32([4, 0]) }), 4, 'ends at byte 0, before it starts at byte 4'],
  ['beyond the data', header({ a: f32([0, 4]) }), 3, 'ends at byte 4 of the data, which has only 3: the file was cut short'],
  ['size mismatch', header({ a: f32([0, 8]) }), 8, 'takes 8 bytes, but dtype F32 and shape [1] need 4'],
  ['overlap', header({ a: f32([0, 4]), b: f32([2, 6]) }), 6, 'tensor "b" starts at byte 2 of the data, inside another tensor that ends at byte 4'],
  ['same bytes twice', header({ a: f32([0, 4]), b: f32([0, 4]) }), 4, 'starts at byte 0 of the data, inside another tensor'],
  ['hole', header({ a: f32([0, 4]), b: f32([8, 12]) }), 12, 'bytes 4 to 8 of the data, before tensor "b", belong to no tensor'],
  ['hole at the start', header({ a: f32([4, 8]) }), 8, 'bytes 0 to 4 of the data, before tensor "a", belong to no tensor'],
  ['trailer', header({ a: f32([0, 4]) }), 5, 'the last 1 bytes of the data belong to no tensor'],
  ['trailer without tensors', '{}', 5, 'the last 5 bytes of the data belong to no tensor'],
];

describe('refused, with its own message:', () => {
  test.each(broken)('%s', async (name, text, data, message, claims) => {
    const path = file(`broken ${name}.safetensors`, text, data, claims);
    let error: unknown = null;
    const milliseconds = await leastTime(2000, processorTime, async () => (error = await openTensorFile(path).then(() => null, (e: unknown) => e)));
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toContain(`${path} is not a valid safetensors file: `);
    expect((error as Error).message).toContain(message);
    await expectWithin(2000, milliseconds, processorTime);
  });

  test('fewer than 8 bytes, an empty file, a folder, nothing at all', async () => {
    const short = join(folder, 'short.safetensors'), empty = join(folder, 'empty.safetensors');
    writeFileSync(short, 'abc');
    writeFileSync(empty, '');
    await expect(openTensorFile(short)).rejects.toThrow('it has 3 bytes, fewer than the 8 of its header\'s length');
    await expect(openTensorFile(empty)).rejects.toThrow('is empty');
    await expect(openTensorFile(folder)).rejects.toThrow('is not a file');
    await expect(openTensorFile(join(folder, 'none'))).rejects.toThrow('does not exist');
  });

  test('headers of the full 100 MB, within 2 s of the processor each', async () => {
    const entries = (count: number) => `{${Array.from({ length: count }, (_, i) => `"${i}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`).join(',')}}`.padEnd(100_000_000);
    for (const [text, data, message] of [[entries(1_000_000), 0, 'names more than 250000 tensors'], [entries(250_000), 250_001, 'the last 1 bytes'], ['{'.repeat(1e8), 0, 'lacks a string'], [`{"${'\\\\'.repeat(4e7)}`, 0, 'a string without an end'], [`{"a":{"shape":[${'1,'.repeat(4e7)}`, 0, 'more than 64 dimensions']] as const) {
      const path = file('huge.safetensors', text, data);
      const milliseconds = await leastTime(2000, processorTime, () => expect(openTensorFile(path)).rejects.toThrow(message));
      await expectWithin(2000, milliseconds, processorTime, message);
    }
  });
});

const python = ['safetensors==0.8.0', 'numpy==2.4.6'];

describe('with the Python package', () => {
  let interpreter: string | null = null;
  beforeAll(async () => { interpreter = await pythonWith(python); });

  test('what Python wrote is read', async (context) => {
    if (!interpreter) return context.skip('no Python with safetensors');
    const path = join(folder, 'python.safetensors');
    await runPython(interpreter, `
import sys, numpy as np
from safetensors.numpy import save_file
save_file({'f': np.arange(6, dtype=np.float32).reshape(2, 3) / 7, 'h': np.float16([1.5, -2]), 'i': np.int64([2**40, -1]), 'b': np.array([True, False]), 's': np.array(0.1), 'e': np.zeros((0, 2), np.uint8)}, sys.argv[1], {'who': 'Python é'})`, [path]);
    const opened = await openTensorFile(path);
    expect(opened.metadata).toEqual({ who: 'Python é' });
    expect([...await opened.readFloat32('f')]).toEqual([0, 1, 2, 3, 4, 5].map((x) => Math.fround(x / 7)));
    expect([...await opened.readFloat32('h')]).toEqual([1.5, -2]);
    expect([...await opened.readFloat32('i')]).toEqual([2 ** 40, -1]);
    expect([...await opened.readFloat32('b')]).toEqual([1, 0]);
    expect([...await opened.readFloat32('s')]).toEqual([Math.fround(0.1)]);
    expect(opened.tensors.find(({ name }) => name === 'e')).toEqual({ name: 'e', dtype: 'U8', shape: [0, 2], bytes: 0 });
    await opened.close();
  });

  test('what we wrote is read by Python', async (context) => {
    if (!interpreter) return context.skip('no Python with safetensors');
    const path = join(folder, 'ours.safetensors');
    // numpy has no sub-byte, 8-bit float or bfloat16 types.
    const tensors = randomTensors(2).filter(({ dtype }) => !/^(F[468]|BF)/.test(dtype) || dtype === 'F64');
    await writeSafetensors(path, tensors, { a: 'b' });
    const printed = await runPython(interpreter, `
import sys, json, hashlib
from safetensors import safe_open
with safe_open(sys.argv[1], 'np') as f:
    t = {k: f.get_tensor(k) for k in f.keys()}
    print(json.dumps([f.metadata(), {k: [list(v.shape), hashlib.sha256(v.tobytes()).hexdigest()] for k, v in t.items()}]))`, [path]);
    const expected = Object.fromEntries(tensors.map(({ name, shape, data }) => [name, [shape, createHash('sha256').update(data as Uint8Array).digest('hex')]]));
    expect(JSON.parse(printed)).toEqual([{ a: 'b' }, expected]);
  });

  test('what Python refuses, we refuse', async (context) => {
    if (!interpreter) return context.skip('no Python with safetensors');
    const paths = broken.map(([name]) => join(folder, `broken ${name}.safetensors`));
    const printed = await runPython(interpreter, `
import sys, json
from safetensors import safe_open
def opens(path):
    try:
        with safe_open(path, 'np'): return True
    except Exception: return False
print(json.dumps([opens(p) for p in sys.argv[1:]]))`, paths);
    const accepted = broken.map(([name]) => name).filter((_, i) => (JSON.parse(printed) as boolean[])[i]);
    // We are stricter: these are ambiguous, and Python takes one of two readings, or ignores what it does not know.
    for (const name of accepted) expect(['no opening brace', 'metadata twice', 'metadata key twice', 'tensor twice', 'tensor twice, once escaped', 'unknown field']).toContain(name);
    expect(accepted).not.toContain('overlap');
  });
});
