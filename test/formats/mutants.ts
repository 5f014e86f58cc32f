/** Feeds damaged and hostile variants of good files to the readers: each must open, or be refused with an InputError, soon. */
import { writeFileSync } from 'node:fs';
import { InputError } from '../../backend/errors.ts';
import { readPickle } from '../../backend/formats/pickle.ts';
import { contentsOf } from '../../backend/formats/pthContents.ts';
import { parseHeader } from '../../backend/formats/safetensorsHeader.ts';
import { openTensorFile } from '../../backend/formats/tensorFile.ts';
import { torchMeaning } from '../../backend/formats/torchPickle.ts';
import { Random } from '../../backend/random.ts';

export interface FuzzResult {
  opened: number;
  refused: number;
  /** Milliseconds of the slowest variant. */
  slowest: number;
  /** Distinct messages, numbers and names left out: how many ways to fail were reached. */
  messages: Set<string>;
}

/** Numbers at which sizes and offsets break. */
const edges = ['0', '-1', '1e9', '4294967295', '4294967296', '9007199254740991', '9007199254740992', '18446744073709551615', '18446744073709551616', '0.5', '""', 'null', '[]', '{}', '00', 'NaN'];

/** One to four random changes: bits, bytes, cuts, copies, and numbers of the text. */
export function mutate(random: Random, original: Buffer): Buffer {
  let bytes = Buffer.from(original);
  const at = () => random.integer(0, Math.max(0, bytes.length - 1));
  for (let changes = random.integer(1, 4); changes > 0; changes--) {
    if (bytes.length === 0) return bytes;
    const start = at(), length = random.integer(1, 16);
    switch (random.integer(0, 7)) {
      case 0: bytes[start] = bytes[start]! ^ (1 << random.integer(0, 7)); break;
      case 1: bytes[start] = random.uint32() & 255; break;
      case 2: bytes.subarray(start, start + length).fill(random.chance(0.5) ? 0xff : 0); break;
      case 3: bytes = Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + length)]); break;
      case 4: bytes = bytes.subarray(0, start); break;
      case 5: {
        const from = at();
        bytes = Buffer.concat([bytes.subarray(0, start), bytes.subarray(from, from + length * 8), bytes.subarray(start)]);
        break;
      }
      case 6: bytes.copy(bytes, start, at(), at() + length); break;
      case 7: {
        const numbers = [...bytes.toString('latin1').matchAll(/\d+/g)];
        const number = numbers[random.integer(0, numbers.length - 1)];
        const edge = edges[random.integer(0, edges.length - 1)]!;
        if (number) bytes = Buffer.concat([bytes.subarray(0, number.index), Buffer.from(edge), bytes.subarray(number.index + number[0].length)]);
        break;
      }
    }
  }
  return bytes;
}

/** Runs `read` on `count` variants from number `first` on. Throws, with the variant, on any error that is not an InputError. */
async function fuzz(originals: Buffer[], seed: number, first: number, count: number, read: (bytes: Buffer) => unknown): Promise<FuzzResult> {
  const result: FuzzResult = { opened: 0, refused: 0, slowest: 0, messages: new Set() };
  for (let i = first; i < first + count; i++) {
    const random = new Random(seed, i);
    const bytes = mutate(random, originals[random.integer(0, originals.length - 1)]!);
    const begin = performance.now();
    try {
      const pending = read(bytes);
      if (pending instanceof Promise) await pending;
      result.opened++;
    } catch (error) {
      if (!(error instanceof InputError)) throw new Error(`variant ${i} of seed ${seed}: ${String(error)}\n${bytes.toString('base64')}`, { cause: error });
      result.refused++;
      if (result.messages.size < 500) result.messages.add(error.message.replaceAll(/"[^"]*"|[\d.]+|\/\S+|\[[^\]]*\]/g, '#'));
    }
    result.slowest = Math.max(result.slowest, performance.now() - begin);
  }
  return result;
}

/** Variants of safetensors headers, each given as the text and the bytes of data that follow. */
export function fuzzHeaders(seed: number, first: number, count: number): Promise<FuzzResult> {
  const tensors = { 'a.weight': { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] }, b: { dtype: 'BF16', shape: [], data_offsets: [24, 26] }, 'é\n': { dtype: 'I64', shape: [0, 4], data_offsets: [26, 26] } };
  const originals = [tensors, { __metadata__: { format: 'pt', é: '' }, ...tensors }].map((header) => Buffer.from(JSON.stringify(header)));
  return fuzz(originals, seed, first, count, (bytes) => parseHeader(bytes, 26));
}

/** The pickle of a checkpoint as PyTorch writes it: the first record, stored, its data up to the descriptor that follows. */
export function pickleOf(file: Buffer): Buffer {
  const start = 30 + file.readUInt16LE(26) + file.readUInt16LE(28);
  return file.subarray(start, file.indexOf('PK\x07\x08', start, 'latin1'));
}

/** Variants of checkpoints' pickles. */
export function fuzzPickles(originals: Buffer[], seed: number, first: number, count: number): Promise<FuzzResult> {
  return fuzz(originals, seed, first, count, (bytes) => contentsOf(readPickle(bytes, torchMeaning).value));
}

/** Variants of whole files, opened from the disk at `path`; every tensor of those that open is read. */
export function fuzzFiles(originals: Buffer[], path: string, seed: number, first: number, count: number): Promise<FuzzResult> {
  return fuzz(originals, seed, first, count, async (bytes) => {
    writeFileSync(path, bytes);
    const file = await openTensorFile(path);
    try {
      for (const { name } of file.tensors) await file.read(name);
    } finally {
      await file.close();
    }
  });
}
