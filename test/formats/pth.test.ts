/** PyTorch checkpoints: files that PyTorch wrote are read to the last value, and a damaged one never is. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../backend/errors.ts';
import { modelStateDict } from '../../backend/formats/stateDict.ts';
import { openTensorFile } from '../../backend/formats/tensorFile.ts';
import { expectWithin, leastTime } from '../helpers/expectWithin.ts';
import { processorTime } from '../helpers/slowness.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { checkpoint, dict, global, pickle, tensor, text, zip } from './hostile.ts';

const folder = temporaryFolder();
const fixtures = join(import.meta.dirname, '../fixtures/pth');
const reference = join(import.meta.dirname, '../fixtures/reference');
type Expected = Record<string, { shape: number[]; values: (number | string)[] }>;
const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as { views: Expected; types: Expected };

function written(name: string, bytes: Buffer): string {
  const path = join(folder, `${name}.pth`);
  writeFileSync(path, bytes);
  return path;
}

async function expectTensors(path: string, tensors: Expected): Promise<void> {
  const file = await openTensorFile(path);
  expect(file.format).toBe('pth');
  expect(file.tensors.map(({ name }) => name)).toEqual(Object.keys(tensors));
  for (const { name, shape } of file.tensors) {
    expect(shape, name).toEqual(tensors[name]!.shape);
    expect([...await file.readFloat32(name)], name).toEqual(tensors[name]!.values.map((value) => Math.fround(Number(String(value).replace('inf', 'Infinity')))));
  }
  await file.close();
}

describe('what PyTorch wrote', () => {
  test('views: transposed, sliced, expanded, offset, shared, empty', () => expectTensors(join(fixtures, 'views.pth'), expected.views));
  test('the same, deflated', () => expectTensors(join(fixtures, 'deflated.pth'), expected.views));
  test('every element type', () => expectTensors(join(fixtures, 'types.pth'), expected.types));

  test.each(['training.pth', 'protocol5.pth'])('a training checkpoint with all that goes along: %s', async (name) => {
    const file = await openTensorFile(join(fixtures, name));
    expect(file.tensors.map((t) => t.name)).toEqual(['model.module.fc.weight', 'model.module.fc.bias', 'optimizer.state.0.step', 'optimizer.state.0.exp_avg', 'parameter']);
    expect(file.containers).toEqual(['model', 'optimizer.state.0', '']);
    expect(file.metadata).toEqual({
      optimizer: { param_groups: [{ lr: 0.1, betas: [0.9, 0.95], params: [0, 1] }] },
      epoch: 7, loss: 'NaN', best: 0.25, device: 'cuda:1', size: [2, 3], seed: String(2n ** 80n),
      args: { lr: 0.1, name: 'a', nested: { x: [1, 2] } }, ['__proto__']: { polluted: true },
    });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(file.warnings).toEqual([]);
    const state = modelStateDict(file);
    expect(state.container).toBe('model');
    expect([...state.tensors].map(([own, { name: inFile }]) => [own, inFile])).toEqual([['fc.weight', 'model.module.fc.weight'], ['fc.bias', 'model.module.fc.bias']]);
    expect([...modelStateDict(file, '').tensors.keys()]).toEqual(['parameter']);
    expect(() => modelStateDict(file, 'teacher')).toThrow('has no tensors in "teacher", only in: model, optimizer.state.0');
    await file.close();
  });

  test('a whole pickled module: its tensors by their names in its state_dict, its class named, and nothing of it made', async () => {
    const file = await openTensorFile(join(fixtures, 'module.pth'));
    expect(file.warnings).toHaveLength(1);
    expect(file.warnings[0]).toMatch(/^holds more than tensors: __main__\.Model, .*torch\.nn\.modules\.linear\.Linear.* \(left out; nothing of them was run\)$/);
    expect(file.tensors.map(({ name, shape }) => [name, shape])).toEqual([['fc.weight', [2, 2]], ['fc.bias', [2]]]);
    expect([...modelStateDict(file).tensors.keys()]).toEqual(file.tensors.map(({ name }) => name));
    expect((await file.readFloat32(file.tensors[0]!.name)).every(Number.isFinite)).toBe(true);
    await file.close();
  });

  describe('modules that no program pickles', () => {
    /** An object of a class, with what every module keeps as its state. */
    const module = ({ parameters = {}, buffers = {}, modules = {}, more = {} }: { parameters?: Record<string, string>; buffers?: Record<string, string>; modules?: Record<string, string>; more?: Record<string, string> }): string =>
      `${global('evil', 'Module')})\x81${dict({ _parameters: dict(parameters), _buffers: dict(buffers), _modules: dict(modules), ...more })}b`;
    const names = async (data: string): Promise<string[]> => {
      const file = await openTensorFile(written('evil', checkpoint(pickle(data))));
      await file.close();
      return file.tensors.map(({ name }) => name);
    };

    test('a buffer that state_dict() leaves out, an absent bias and other fields are left out', async () => {
      expect(await names(module({ parameters: { w: tensor(), bias: 'N' }, buffers: { kept: tensor(), scratch: tensor() }, modules: { inner: module({ parameters: { w: tensor() } }), none: 'N' }, more: { hooks: dict({ secret: tensor() }), _non_persistent_buffers_set: `${global('builtins', 'set')}](${text('scratch')}e\x85R` } }))).toEqual(['w', 'kept', 'inner.w']);
      expect(await names(dict({ model: module({ modules: { inner: module({ parameters: { w: tensor() } }) } }) }))).toEqual(['model.inner.w']);
    });

    test.each([
      ['a module within itself', `${global('evil', 'Module')})\x81q\x01${dict({ _parameters: dict({}), _modules: dict({ again: 'h\x01' }) })}b`, 'nested deeper than 100 levels'],
      ['two tensors of one name', module({ parameters: { 'a.w': tensor() }, modules: { a: module({ parameters: { w: tensor() } }) } }), 'two tensors that are both named "a.w"'],
      ['a name that is none', `${global('evil', 'Module')})\x81${dict({ _parameters: `}(]${tensor()}u`, _modules: dict({}) })}b`, 'keys are neither names nor numbers'],
      ['a tensor beyond its storage', module({ modules: { a: module({ parameters: { w: tensor({ shape: [5] }) } }) } }), 'reaches to byte 20 of its storage'],
      // Each level holds the one below twice: 2^40 modules in a kilobyte.
      ['modules that multiply', `${Array.from({ length: 40 }).reduce<string>((inner) => `${global('evil', 'Module')})\x81(${text('_parameters')}}${text('_modules')}}(${text('a')}${inner}q\x02${text('b')}h\x02uub`.replace('\x81(', '\x81}('), module({ parameters: { w: tensor() } }))}`, 'expands to more than'],
    ])('%s is refused', async (_, data, reason) => {
      await expect(names(data)).rejects.toThrow(InputError);
      await expect(names(data)).rejects.toThrow(reason);
    });
  });

  test('without checksums it is read, and says so', async () => {
    const file = await openTensorFile(join(fixtures, 'nochecksum.pth'));
    expect(file.warnings).toEqual(['has no checksums: damage cannot be noticed']);
    expect([...await file.readFloat32('a')]).toEqual(Array.from({ length: 24 }, (_, i) => i));
    await file.close();
  });

  test('the format of PyTorch before 1.6 is refused with what to do', async () => {
    await expect(openTensorFile(join(fixtures, 'legacy.pth'))).rejects.toThrow(/old format, from before 1\.6 .* load it once in PyTorch 1\.6 or later and save it again with torch\.save$/);
  });

  test.each([['siamese-0', 210], ['siamese-1', 210], ['siamese-2', 124], ['mae-0', 62]])('the authors\' own checkpoint %s', async (name, count) => {
    const file = await openTensorFile(join(reference, name, 'model.pth'));
    const { container, tensors } = modelStateDict(file);
    expect([container, tensors.size, file.tensors.length]).toEqual(['model', count, count]);
    expect(file.metadata.epoch).toBe(name === 'mae-0' ? 3 : 7);
    for (const info of tensors.values()) expect((await file.readFloat32(info.name)).every(Number.isFinite), info.name).toBe(true);
    await file.close();
  });
});

describe('which state dict is the model\'s', () => {
  const make = (...containers: [name: string, keys: string[]][]) => checkpoint(pickle(dict(Object.fromEntries(containers.map(([name, keys]) => [name, dict(Object.fromEntries(keys.map((key) => [key, tensor()])))])))));

  test.each([
    ['DINO: the teacher', [['student', ['module.backbone.a']], ['teacher', ['backbone.a']]], 'teacher', ['backbone.a']],
    ['MSN: the target', [['encoder', ['module.a']], ['target_encoder', ['module.a', 'module.fc.b']]], 'target_encoder', ['a', 'fc.b']],
    ['MoCo-v3', [['state_dict', ['module.base_encoder.a', 'module.predictor.b']]], 'state_dict', ['base_encoder.a', 'predictor.b']],
    ['compiled and distributed', [['model', ['_orig_mod.module.a', '_orig_mod.module.b']]], 'model', ['a', 'b']],
    ['a prefix that not all have stays', [['model', ['module.a', 'b']]], 'model', ['module.a', 'b']],
  ] as [string, [string, string[]][], string, string[]][])('%s', async (name, containers, container, keys) => {
    const file = await openTensorFile(written(`nested ${name}`, make(...containers)));
    const state = modelStateDict(file);
    expect([state.container, [...state.tensors.keys()]]).toEqual([container, keys]);
    await file.close();
  });

  test('a flat state dict whose own parts are called encoder and model', async () => {
    const file = await openTensorFile(written('flat', checkpoint(pickle(dict({ 'encoder.a': tensor(), 'model.b': tensor() })))));
    expect([...modelStateDict(file).tensors.keys()]).toEqual(['encoder.a', 'model.b']);
    await file.close();
  });
});

const good = pickle(dict({ a: tensor() }));
const data = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);

/** Archives that lie, and what the message must say; those of `onRead` only show when the tensor is read. */
const broken: [name: string, bytes: () => Buffer, message: string, onRead?: true][] = [
  ['encrypted (0x1)', () => checkpoint(good, { flags: 0x1 }), 'is marked as encrypted (flag 0x1)'],
  ['patch (0x20)', () => checkpoint(good, { flags: 0x20 }), 'is marked as stored as a patch (flag 0x20)'],
  ['strong encryption (0x40)', () => checkpoint(good, { flags: 0x40 }), 'strong encryption'],
  ['a flag on a storage', () => checkpoint(good, {}, { flags: 0x20 }), 'its record "m/data/0" is marked as stored as a patch'],
  ['bad checksum of the pickle', () => checkpoint(good, { crc: 1 }), 'its record "m/data.pkl" does not have the checksum that the archive gives'],
  ['bad checksum of a storage', () => checkpoint(good, {}, { crc: 1 }), 'its record "m/data/0" does not have the checksum', true],
  ['other name in the local header', () => checkpoint(good, { localName: 'm/data.pk1' }), 'has another name, flags or compression in its local header'],
  ['other name of a storage', () => checkpoint(good, {}, { localName: 'm/data/1' }), 'has another name, flags or compression in its local header', true],
  ['unknown compression', () => checkpoint(good, { method: 12 }), 'is compressed by method 12'],
  ['deflate of garbage', () => checkpoint(good, { method: 8, claims: 100 }), 'cannot be decompressed'],
  ['deflate bomb', () => checkpoint(good, { method: 8, claims: 2 ** 31 }), 'which is impossible'],
  ['two records of one name', () => zip([{ name: 'm/data.pkl', data: good }, { name: 'm/data.pkl', data: good }]), 'it has two records named "m/data.pkl"'],
  ['two pickles', () => zip([{ name: 'm/data.pkl', data: good }, { name: 'n/data.pkl', data: good }]), 'it has two pickles'],
  ['no pickle', () => zip([{ name: 'm/data/0', data }]), 'it is a ZIP archive without data.pkl'],
  ['name that climbs out', () => zip([{ name: 'm/data.pkl', data: good }, { name: '../x', data }]), 'its archive cannot be read'],
  ['absolute name', () => zip([{ name: 'm/data.pkl', data: good }, { name: '/etc/x', data }]), 'its archive cannot be read'],
  ['TorchScript', () => zip([{ name: 'm/data.pkl', data: good }, { name: 'm/constants.pkl', data: good }]), 'it is a TorchScript program'],
  ['big-endian', () => zip([{ name: 'm/data.pkl', data: good }, { name: 'm/byteorder', data: Buffer.from('big') }]), 'its byte order is "big"'],
  ['no directory', () => checkpoint(good).subarray(0, 200), 'its archive cannot be read'],
  ['bytes after the end', () => Buffer.concat([checkpoint(good), Buffer.from('x')]), 'its archive cannot be read'],
  ['storage missing', () => checkpoint(pickle(dict({ a: tensor({ key: '../0' }) }))), 'lies in storage "../0", which the archive does not have'],
  ['storage larger than its record', () => checkpoint(pickle(dict({ a: tensor({ elements: 2 ** 30 }) }))), 'storage "0" claims 4294967296 bytes, but its record has 16'],
  ['storage smaller than its record', () => checkpoint(pickle(dict({ a: tensor({ elements: 3, shape: [3] }) }))), 'storage "0" claims 12 bytes, but its record has 16'],
  ['view beyond its storage', () => checkpoint(pickle(dict({ a: tensor({ offset: 1 }) }))), 'reaches to byte 20 of its storage, which has 16'],
  ['stride beyond its storage', () => checkpoint(pickle(dict({ a: tensor({ strides: [2] }) }))), 'reaches to byte 28'],
  ['overflowing shape', () => checkpoint(pickle(dict({ a: tensor({ shape: Array.from({ length: 60 }, () => 2 ** 30), strides: Array.from({ length: 60 }, () => 0) }) }))), 'is larger than 2^53 - 1 bytes'],
  ['negative size', () => checkpoint(pickle(dict({ a: tensor({ shape: [-1] }) }))), 'whose storage, offset, size or stride makes no sense'],
  ['unknown storage class', () => checkpoint(pickle(dict({ a: tensor({ type: 'QInt8Storage' }) }))), 'has the element type torch.QInt8Storage, which is not supported'],
  ['a view that repeats its storage without end', () => checkpoint(pickle(dict({ a: tensor({ shape: [2 ** 30], strides: [0] }) }))), 'repeats the 16 bytes of its storage to 4294967296', true],
];

describe('refused, with its own message:', () => {
  test.each(broken)('%s', async (name, bytes, message, onRead) => {
    const path = written(`broken ${name.replaceAll(/\W/g, ' ')}`, bytes());
    let error: unknown = null;
    const milliseconds = await leastTime(2000, processorTime, async () => {
      const open = openTensorFile(path);
      const file = onRead ? await open : null;
      error = await (file ? file.read('a') : open).then(() => null, (e: unknown) => e);
      await file?.close();
    });
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toContain(path);
    expect((error as Error).message).toContain(message);
    await expectWithin(2000, milliseconds, processorTime);
  });

  test('other files, by what they are', async () => {
    await expect(openTensorFile(written('text', Buffer.from('hello, this is text')))).rejects.toThrow('is neither a safetensors file nor a PyTorch checkpoint');
    await expect(openTensorFile(written('bare', good))).rejects.toThrow('old format');
  });

  test('a ZIP64 directory beyond 2^53 is an error, not an exception in a callback', async () => {
    const end = checkpoint(good).subarray(-22);
    const locator = Buffer.alloc(20, 0xff);
    locator.writeUInt32LE(0x07064b50);
    await expect(openTensorFile(written('zip64', Buffer.concat([checkpoint(good).subarray(0, -22), locator, end])))).rejects.toThrow('it points outside the file');
  });
});
