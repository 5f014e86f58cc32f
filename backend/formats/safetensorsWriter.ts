/** Writes safetensors files, one tensor in memory at a time, with the checksum of what was written. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { byteLength, dtypeBits } from './dtypes.ts';
import type { DType } from './dtypes.ts';
import { maxHeaderBytes } from './safetensorsHeader.ts';

export interface TensorToWrite {
  name: string;
  dtype: DType;
  shape: number[];
  /** Row-major and little-endian; or a function that gets it when its turn has come. */
  data: ArrayBufferView | (() => Promise<ArrayBufferView>);
}

/** One write call takes at most 2^31 - 1 bytes. */
const chunkBytes = 2 ** 28;

/**
 * Writes the tensors to `path` and syncs the file; the caller renames it into place. The header keeps the given order,
 * the data lies widest type first, so that every tensor is aligned to its type.
 * Gives the file's sha256 (hexadecimal) and its bytes. Throws InputError for tensors that no safetensors file can hold.
 */
export async function writeSafetensors(path: string, tensors: readonly TensorToWrite[], metadata: Record<string, string> = {}): Promise<{ sha256: string; bytes: number }> {
  const inOrder = [...tensors].sort((a, b) => dtypeBits(b.dtype) - dtypeBits(a.dtype));
  const header = encodeHeader(tensors, inOrder, metadata);
  const handle = await open(path, 'w');
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    const write = async (part: Uint8Array) => {
      hash.update(part);
      bytes += part.byteLength;
      await writeAll(handle, part);
    };
    await write(header);
    for (const tensor of inOrder) {
      const view = typeof tensor.data === 'function' ? await tensor.data() : tensor.data;
      const expected = byteLength(tensor.dtype, tensor.shape);
      if (view.byteLength !== expected) throw new InputError(`tensor "${tensor.name}" has ${view.byteLength} bytes, but dtype ${tensor.dtype} and shape [${tensor.shape.join(', ')}] need ${expected}`);
      await write(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    }
    await handle.sync();
    return { sha256: hash.digest('hex'), bytes };
  } finally {
    await handle.close();
  }
}

/** The header's length and its JSON, padded with spaces to a multiple of 8 so that the data is aligned. */
function encodeHeader(tensors: readonly TensorToWrite[], inOrder: readonly TensorToWrite[], metadata: Record<string, string>): Uint8Array {
  const offsets = new Map<string, [number, number]>();
  let end = 0;
  for (const { name, dtype, shape } of inOrder) {
    const bytes = byteLength(dtype, shape);
    if (bytes === null) throw new InputError(`tensor "${name}" of dtype ${dtype} and shape [${shape.join(', ')}] has no whole number of bytes up to 2^53 - 1`);
    if (name === '__metadata__' || offsets.has(name)) throw new InputError(`two tensors cannot have the name "${name}", and none may be "__metadata__"`);
    offsets.set(name, [end, end + bytes]);
    end += bytes;
  }
  const entries: [string, unknown][] = tensors.map(({ name, dtype, shape }) => [name, { dtype, shape, data_offsets: offsets.get(name) }]);
  if (Object.keys(metadata).length > 0) entries.unshift(['__metadata__', metadata]);
  const text = `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  const length = Math.ceil(Buffer.byteLength(text) / 8) * 8;
  if (length > maxHeaderBytes) throw new InputError(`the header would take ${length} bytes, more than safetensors' limit of ${maxHeaderBytes}: store fewer tensors a file`);
  const bytes = Buffer.alloc(8 + length, ' ');
  bytes.writeBigUInt64LE(BigInt(length));
  bytes.write(text, 8);
  return bytes;
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(chunkBytes, bytes.byteLength - done));
    done += bytesWritten;
  }
}
