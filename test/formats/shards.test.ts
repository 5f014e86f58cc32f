/** Models in several files: read as one, and whatever an index says, nothing outside its folder is opened. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../backend/errors.ts';
import { openTensorFile, writeSafetensors } from '../../backend/formats/tensorFile.ts';
import { Random } from '../../backend/random.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const root = temporaryFolder();

async function shard(path: string, name: string, values: number[]): Promise<void> {
  await writeSafetensors(path, [{ name, dtype: 'F32', shape: [values.length], data: new Uint8Array(Float32Array.from(values).buffer) }]);
}

async function model(folder: string, weightMap: unknown): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await shard(join(folder, 'model-00001-of-00002.safetensors'), 'a', [1, 2]);
  await shard(join(folder, 'model-00002-of-00002.safetensors'), 'b', [3]);
  const index = join(folder, 'model.safetensors.index.json');
  writeFileSync(index, JSON.stringify({ metadata: { total_size: 12 }, weight_map: weightMap }));
  return index;
}

test('a model in two files is one', async () => {
  const file = await openTensorFile(await model(join(root, 'good'), { b: 'model-00002-of-00002.safetensors', a: 'model-00001-of-00002.safetensors' }));
  expect(file.tensors.map(({ name, shape }) => [name, shape])).toEqual([['b', [1]], ['a', [2]]]);
  expect([[...(await file.readFloat32('a'))], [...(await file.readFloat32('b'))], file.metadata]).toEqual([[1, 2], [3], { total_size: 12 }]);
  await file.close();
});

describe('an index is refused', () => {
  const outside = join(root, 'outside.safetensors');

  test('100 of names that lead elsewhere: nothing outside is opened', async () => {
    await shard(outside, 'a', [66]);
    const random = new Random(7);
    const pick = <T>(values: readonly T[]): T => values[random.integer(0, values.length - 1)]!;
    for (let i = 0; i < 100; i++) {
      const folder = join(root, `elsewhere-${i}`);
      const link = `link-${i}.safetensors`;
      const name = pick<() => string>([
        () => '../outside.safetensors', () => `x/${'../'.repeat(random.integer(2, 5))}outside.safetensors`, () => outside, () => './../outside.safetensors', () => '..\\outside.safetensors',
        () => '\\\\server\\share\\outside.safetensors', () => '//server/share/outside.safetensors', () => 'C:outside.safetensors', () => 'C:\\outside.safetensors', () => 'file:///outside.safetensors', () => '/proc/self/root/outside.safetensors',
        () => 'model.safetensors\u0000/../outside.safetensors', () => '..', () => '',
        () => (mkdirSync(folder, { recursive: true }), rmSync(join(folder, link), { force: true }), symlinkSync(outside, join(folder, link)), link),
        () => (mkdirSync(folder, { recursive: true }), rmSync(join(folder, 'sub'), { force: true }), symlinkSync(root, join(folder, 'sub')), 'sub/outside.safetensors'),
      ])();
      const index = await model(folder, { a: name });
      // Had the file been opened, it would have been read: it holds tensor "a".
      const error = await openTensorFile(index).then(() => null, (reason: Error) => reason);
      expect(error, name).toBeInstanceOf(InputError);
      expect(error!.message, name).toMatch(/only \.safetensors files beside it are opened|is a link to another folder/);
    }
  });

  test.each([
    ['no JSON', '{"weight_map"', /is not JSON/],
    ['no map', '{"weight_map":[1]}', /no "weight_map"/],
    ['no name', '{"weight_map":{"a":1}}', /says of "a" no name of a file/],
    ['a file that is not there', '{"weight_map":{"a":"gone.safetensors"}}', /gone\.safetensors does not exist/],
    ['a tensor that is not there', '{"weight_map":{"z":"model-00001-of-00002.safetensors"}}', /"z" is in model-00001-of-00002\.safetensors, which has no such tensor/],
    ['257 files', JSON.stringify({ weight_map: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [String(i), `${i}.safetensors`])) }), /257 files, more than the limit of 256/],
  ])('%s', async (name, text, message) => {
    const index = await model(join(root, name), {});
    writeFileSync(index, text);
    await expect(openTensorFile(index)).rejects.toThrow(message);
    expect(readFileSync(index, 'utf8')).toBe(text);
  });
});
