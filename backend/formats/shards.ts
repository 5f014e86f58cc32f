/**
 * A model in several safetensors files with an index that says which tensor is in which. The index comes from anywhere, and names files: only
 * ones that lie beside it are opened.
 */
import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { openSource, readAt } from './positioned.ts';
import { openSafetensors } from './safetensors.ts';
import { maxHeaderBytes, shown } from './safetensorsHeader.ts';
import type { TensorFile, TensorInfo } from './tensorFile.ts';

export const indexEnding = '.index.json';

/** All are open while the model is: far fewer than a process may have. */
const maxShards = 256;
/** A plain name: no folder, drive, stream or server in it, on any system. */
const plainName = /^(?!\.)[^/\\:\p{Cc}]{1,255}\.safetensors$/u;

/** Opens `model.safetensors.index.json` and the files that it names. Throws InputError where it is damaged, a file is missing, or lies elsewhere. */
export async function openShards(path: string): Promise<TensorFile> {
  const { weightMap, metadata } = await readIndex(path);
  const names = [...new Set(weightMap.values())];
  if (names.length > maxShards) throw new InputError(`${path} names ${names.length} files, more than the limit of ${maxShards}`);
  const folder = await realpath(dirname(path));
  const shards = new Map<string, TensorFile>();
  try {
    for (const name of names) shards.set(name, await openSafetensors(await shardPath(path, folder, name)));
    return new ShardedFile(path, metadata, tensorsOf(path, weightMap, shards), shards);
  } catch (error) {
    await closeAll(shards);
    throw error;
  }
}

async function readIndex(path: string): Promise<{ weightMap: Map<string, string>; metadata: Record<string, unknown> }> {
  const source = await openSource(path);
  let index: unknown;
  try {
    if (source.size > maxHeaderBytes) throw new InputError(`${path} has ${source.size} bytes, more than the limit of ${maxHeaderBytes}`);
    index = JSON.parse(Buffer.from(await readAt(source, 0, source.size)).toString());
  } catch (error) {
    if (error instanceof SyntaxError) throw new InputError(`${path} is not JSON: ${error.message}. Copy or save it again`);
    throw error;
  } finally {
    await source.handle.close();
  }
  const { weight_map, metadata } = isObject(index) ? index : {};
  if (!isObject(weight_map)) throw new InputError(`${path} has no "weight_map" of tensors and files: it is no index of a model`);
  for (const [tensor, file] of Object.entries(weight_map)) {
    if (typeof file !== 'string') throw new InputError(`${path} says of "${shown(tensor)}" no name of a file`);
    if (!plainName.test(file)) throw new InputError(`${path} says that "${shown(tensor)}" is in "${shown(file)}": only .safetensors files beside it are opened`);
  }
  return { weightMap: new Map(Object.entries(weight_map as Record<string, string>)), metadata: isObject(metadata) ? metadata : {} };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where a shard really is, which must be this folder. */
async function shardPath(index: string, folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  const real = await realpath(path).catch(() => {
    throw new InputError(`${path} does not exist, and ${index} says that tensors are in it: copy it beside`);
  });
  if (dirname(real) !== folder) throw new InputError(`${path} is a link to another folder (${real}), which is not followed: copy the file beside ${index}`);
  return real;
}

function tensorsOf(path: string, weightMap: ReadonlyMap<string, string>, shards: ReadonlyMap<string, TensorFile>): Map<string, { info: TensorInfo; shard: TensorFile }> {
  const found = new Map([...shards].map(([name, { tensors }]) => [name, new Map(tensors.map((info) => [info.name, info]))]));
  return new Map([...weightMap].map(([tensor, name]) => {
    const info = found.get(name)!.get(tensor);
    if (!info) throw new InputError(`${path} says that "${shown(tensor)}" is in ${name}, which has no such tensor: copy or save both again`);
    return [tensor, { info, shard: shards.get(name)! }];
  }));
}

async function closeAll(shards: ReadonlyMap<string, TensorFile>): Promise<void> {
  await Promise.all([...shards.values()].map((shard) => shard.close()));
}

class ShardedFile implements TensorFile {
  readonly format = 'safetensors';
  readonly path: string;
  readonly tensors: TensorInfo[];
  readonly metadata: Record<string, unknown>;
  readonly warnings: string[] = [];
  readonly containers: string[];
  private readonly byName: ReadonlyMap<string, { info: TensorInfo; shard: TensorFile }>;
  private readonly shards: ReadonlyMap<string, TensorFile>;

  constructor(path: string, metadata: Record<string, unknown>, byName: ReadonlyMap<string, { info: TensorInfo; shard: TensorFile }>, shards: ReadonlyMap<string, TensorFile>) {
    this.path = path;
    this.metadata = metadata;
    this.byName = byName;
    this.shards = shards;
    this.tensors = [...byName.values()].map(({ info }) => info);
    this.containers = this.tensors.length > 0 ? [''] : [];
  }

  read(name: string): Promise<Uint8Array> {
    return this.shardOf(name).read(name);
  }

  readFloat32(name: string): Promise<Float32Array> {
    return this.shardOf(name).readFloat32(name);
  }

  pieces(name: string, most: number): AsyncIterable<Uint8Array> {
    return this.shardOf(name).pieces(name, most);
  }

  close(): Promise<void> {
    return closeAll(this.shards);
  }

  private shardOf(name: string): TensorFile {
    const found = this.byName.get(name);
    if (!found) throw new InputError(`${this.path} has no tensor "${shown(name)}"`);
    return found.shard;
  }
}
