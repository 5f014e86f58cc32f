/** One face for the files that hold named tensors, whichever format they are in: safetensors, in one file or several, or PyTorch's .pth. */
import { InputError } from '../errors.ts';
import type { DType } from './dtypes.ts';
import { openSource, readAt } from './positioned.ts';
import { openPth } from './pth.ts';
import { openSafetensors } from './safetensors.ts';
import { indexEnding, openShards } from './shards.ts';

export type { DType } from './dtypes.ts';
export { writeSafetensors } from './safetensorsWriter.ts';
export type { TensorToWrite } from './safetensorsWriter.ts';

export interface TensorInfo {
  name: string;
  dtype: DType;
  shape: number[];
  /** Bytes when contiguous. */
  bytes: number;
}

/** An open file of tensors. Only its header has been read; tensors are read one at a time, by position. */
export interface TensorFile {
  readonly path: string;
  readonly format: 'safetensors' | 'pth';
  readonly tensors: TensorInfo[];
  /** What else the file holds, as plain JSON values: epoch, arguments, ... */
  readonly metadata: Record<string, unknown>;
  /** Sentences for the person who opened the file, such as "holds more than tensors: ...". */
  readonly warnings: string[];
  /** Names of the dictionaries that hold tensors directly, '' for the file's top level: `['model', 'optimizer.state.0']`. */
  readonly containers: string[];
  /** The tensor's bytes, little-endian and contiguous. Throws InputError for an unknown name or a damaged file. */
  read(name: string): Promise<Uint8Array>;
  /** The tensor's values as float32, in row-major order. */
  readFloat32(name: string): Promise<Float32Array>;
  /** The tensor's bytes in order, `most` of them at a time, so that one of any size takes little memory. `most` is a multiple of the element's size. */
  pieces(name: string, most: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a safetensors or .pth file, told apart by content, not by name, or an index of several (`.index.json`). Throws InputError where it is neither, or damaged. */
export async function openTensorFile(path: string): Promise<TensorFile> {
  const start = await firstBytes(path, 64);
  if (start.length === 0) throw new InputError(`${path} is empty: copy or save it again`);
  const text = start.toString('latin1');
  if (text.startsWith('version https://git-lfs')) throw new InputError(`${path} is a pointer of Git LFS, not the file that it stands for: fetch that with "git lfs pull"`);
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) throw new InputError(`${path} is a web page, not a checkpoint: a download has gone wrong, fetch it again`);
  if (path.endsWith(indexEnding)) return openShards(path);
  if (start.toString('latin1', 0, 4) === 'PK\x03\x04') return openPth(path);
  // After the header's length (8 bytes) every safetensors file has the opening brace of its header.
  if (start[8] === 0x7b || path.endsWith('.safetensors')) return openSafetensors(path);
  if (start[0] === 0x80) throw new InputError(`${path} is in PyTorch's old format, from before 1.6 (or another pickle), which cannot be read without running what is in it: load it once in PyTorch 1.6 or later and save it again with torch.save`);
  throw new InputError(`${path} is neither a safetensors file nor a PyTorch checkpoint (.pth, .pt): give one of those`);
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  const source = await openSource(path);
  try {
    return Buffer.from(await readAt(source, 0, Math.min(count, source.size)));
  } finally {
    await source.handle.close();
  }
}
