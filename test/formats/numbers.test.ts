/** Values as they are: each type against what its definition says, and files that are read in pieces. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../backend/errors.ts';
import { DamagedFileError } from '../../backend/formats/damage.ts';
import { toNumbers } from '../../backend/formats/numbers.ts';
import { openTensorFile, writeSafetensors } from '../../backend/formats/tensorFile.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { checkpoint, dict, pickle, tensor } from './hostile.ts';

const folder = temporaryFolder();

describe('values', () => {
  test('8-bit floats by the table of their specification', () => {
    // OCP 8-bit Floating Point Specification (OFP8), revision 1.0, table 2.
    expect([...toNumbers(Uint8Array.of(0x00, 0x80, 0x01, 0x07, 0x08, 0x38, 0xb8, 0x7e, 0xfe, 0x7f, 0xff), 'F8_E4M3')]).toEqual([0, -0, 2 ** -9, 7 * 2 ** -9, 2 ** -6, 1, -1, 448, -448, NaN, NaN]);
    expect([...toNumbers(Uint8Array.of(0x00, 0x01, 0x03, 0x04, 0x3c, 0x7b, 0xfb, 0x7c, 0xfc, 0x7d, 0x7f), 'F8_E5M2')]).toEqual([0, 2 ** -16, 3 * 2 ** -16, 2 ** -14, 1, 57344, -57344, Infinity, -Infinity, NaN, NaN]);
    expect([...toNumbers(Uint8Array.of(127, 128, 126, 255), 'F8_E8M0')]).toEqual([1, 2, 0.5, NaN]);
  });

  test('64-bit ones stay finite, and unaligned bytes are no matter', () => {
    const bytes = new Uint8Array(17);
    new DataView(bytes.buffer).setFloat64(1, 1e300, true);
    new DataView(bytes.buffer).setFloat64(9, -0.1, true);
    expect([...toNumbers(bytes.subarray(1), 'F64')]).toEqual([1e300, -0.1]);
    expect([...toNumbers(new Uint8Array(BigInt64Array.of(-3n, 2n ** 40n).buffer), 'I64')]).toEqual([-3, 2 ** 40]);
    expect([...toNumbers(new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer), 'C64')]).toEqual([1, 2, 3, 4]);
    expect(() => toNumbers(new Uint8Array(3), 'F4')).toThrow('cannot be read as float32');
  });
});

describe('pieces', () => {
  const joined = async (path: string, name: string, most: number): Promise<{ sizes: number[]; bytes: Buffer }> => {
    const file = await openTensorFile(path);
    const parts: Uint8Array[] = [];
    for await (const part of file.pieces(name, most)) parts.push(part);
    await file.close();
    return { sizes: parts.map(({ length }) => length), bytes: Buffer.concat(parts) };
  };

  test('of safetensors are the whole', async () => {
    const path = join(folder, 'pieces.safetensors');
    const data = Float32Array.from({ length: 1001 }, (_, i) => i / 7);
    await writeSafetensors(path, [{ name: 'before', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) }, { name: 'a', dtype: 'F32', shape: [1001], data }]);
    const { sizes, bytes } = await joined(path, 'a', 1000);
    expect(sizes).toEqual([1000, 1000, 1000, 1000, 4]);
    expect(bytes.equals(Buffer.from(data.buffer))).toBe(true);
  });

  test('of .pth are the whole, contiguous, strided and compressed ones alike', async () => {
    for (const name of ['views.pth', 'deflated.pth', 'types.pth']) {
      const path = join(import.meta.dirname, '../fixtures/pth', name);
      const file = await openTensorFile(path);
      for (const { name: tensorName } of file.tensors) expect((await joined(path, tensorName, 8)).bytes.equals(Buffer.from(await file.read(tensorName))), `${name} ${tensorName}`).toBe(true);
      await file.close();
    }
  });

  test('of a damaged record are none', async () => {
    const path = join(folder, 'damaged.pth');
    writeFileSync(path, checkpoint(pickle(dict({ a: tensor() })), {}, { crc: 1 }));
    await expect(joined(path, 'a', 8)).rejects.toThrow('does not have the checksum that the archive gives');
  });
});

describe('where damage shows', () => {
  const damageOf = async (name: string, bytes: Uint8Array): Promise<number | null> => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    const error = await openTensorFile(path).then(() => null, (reason: Error) => reason);
    expect(error).toBeInstanceOf(InputError);
    return error instanceof DamagedFileError ? error.byte : null;
  };
  const safetensors = (header: string, data: number): Buffer => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
    return Buffer.concat([length, Buffer.from(header), Buffer.alloc(data)]);
  };

  test('is told by its byte in the file', async () => {
    expect(await damageOf('comma.safetensors', safetensors('{"é":{"dtype":"F32" "shape":[1],"data_offsets":[0,4]}}', 4))).toBe(8 + Buffer.byteLength('{"é":{"dtype":"F32" '));
    const header = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    expect(await damageOf('trailer.safetensors', safetensors(header, 9))).toBe(8 + header.length + 4);
    expect(await damageOf('cut.safetensors', safetensors(header, 3))).toBe(8 + header.length + 3);
    const pth = checkpoint(Buffer.from('\x80\x02}z.', 'latin1'));
    expect(await damageOf('opcode.pth', pth)).toBe(pth.indexOf('}z.') + 2);
  });

  test('is explained where the file is something else', async () => {
    for (const [name, bytes, message] of [['lfs2.safetensors', 'version https://git-lfs.github.com/spec/v1\n', 'git lfs pull'], ['page.pth', '\n<!DOCTYPE html><html>404</html>', 'is a web page']] as const) {
      writeFileSync(join(folder, name), bytes);
      await expect(openTensorFile(join(folder, name))).rejects.toThrow(message);
    }
  });
});
