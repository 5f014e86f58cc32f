/**
 * Reads PyTorch checkpoints (.pth, .pt; the ZIP format of PyTorch 1.6 and later) without Python, and without running
 * what their pickle asks for: tensors and plain values get their meaning, everything else is named in `warnings`.
 */
import { InputError } from '../errors.ts';
import { retold } from './damage.ts';
import { byteLength, dtypeBits, toFloat32 } from './dtypes.ts';
import type { DType } from './dtypes.ts';
import { readPickle } from './pickle.ts';
import type { PickleTensor } from './pickleValues.ts';
import { openSource } from './positioned.ts';
import type { SourceFile } from './positioned.ts';
import { PthArchive } from './pthArchive.ts';
import type { ArchiveRecord } from './pthArchive.ts';
import { contentsOf } from './pthContents.ts';
import type { PthContents } from './pthContents.ts';
import { shown } from './safetensorsHeader.ts';
import { gather, isContiguous, spanOf } from './strided.ts';
import type { TensorFile, TensorInfo } from './tensorFile.ts';
import { isPlainGlobal, storageType, torchMeaning, torchType } from './torchPickle.ts';

/** The pickle of a checkpoint describes tensors and holds none of them. */
const maxPickleBytes = 2 ** 25;
/** A view may repeat its storage (`expand`); beyond this many bytes it is taken for a bomb. */
const maxRepeatedBytes = 2 ** 26;
/** What cannot be read in pieces is not read at all beyond this, where pieces are asked for. */
const maxGatheredBytes = 2 ** 30;

/** Opens a PyTorch checkpoint; of its content only the pickle is read. Throws InputError where it is damaged or hostile. */
export async function openPth(path: string): Promise<TensorFile> {
  const source = await openSource(path);
  try {
    const archive = await PthArchive.open(source);
    const folder = archiveFolder(archive);
    await refuseBigEndian(archive, folder);
    const { value, globals } = await pickleOf(archive, archive.records.get(`${folder}/data.pkl`)!);
    return new PthFile(source, archive, folder, contentsOf(value), globals);
  } catch (error) {
    await source.handle.close();
    if (error instanceof InputError) throw retold(error, `${path} cannot be read as a PyTorch checkpoint: ${error.message}. If you trust it, load it in PyTorch and save the model's state_dict() again`);
    throw error;
  }
}

/** The archive's one top folder, by its data.pkl. */
function archiveFolder({ records }: PthArchive): string {
  const pickles = [...records.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle, second] = pickles;
  if (!pickle) throw new InputError('it is a ZIP archive without data.pkl');
  if (second) throw new InputError(`it has two pickles, "${pickle.name}" and "${second.name}"`);
  const folder = pickle.name.slice(0, -'/data.pkl'.length);
  if (records.has(`${folder}/constants.pkl`)) throw new InputError('it is a TorchScript program, not a state dict');
  if (pickle.bytes > maxPickleBytes) throw new InputError(`its data.pkl claims ${pickle.bytes} bytes, more than ${maxPickleBytes}`);
  return folder;
}

async function pickleOf(archive: PthArchive, record: ArchiveRecord): Promise<ReturnType<typeof readPickle>> {
  const bytes = await archive.read(record);
  try {
    return readPickle(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), torchMeaning);
  } catch (error) {
    // Where it lies in the file is known only of a pickle that is not compressed.
    if (error instanceof InputError) throw archive.isPlain(record) ? retold(error, error.message, await archive.startOf(record)) : new InputError(error.message);
    throw error;
  }
}

async function refuseBigEndian(archive: PthArchive, folder: string): Promise<void> {
  const record = archive.records.get(`${folder}/byteorder`);
  if (!record) return;
  const order = record.bytes <= 16 ? Buffer.from(await archive.read(record)).toString('latin1') : 'unknown';
  if (order !== 'little') throw new InputError(`its byte order is "${shown(order)}", not little-endian`);
}

interface StoredTensor {
  info: TensorInfo;
  layout: PickleTensor;
  record: ArchiveRecord;
}

class PthFile implements TensorFile {
  readonly format = 'pth';
  readonly path: string;
  readonly tensors: TensorInfo[];
  readonly metadata: Record<string, unknown>;
  readonly warnings: string[];
  readonly containers: string[];
  private readonly source: SourceFile;
  private readonly archive: PthArchive;
  private readonly byName = new Map<string, StoredTensor>();

  constructor(source: SourceFile, archive: PthArchive, folder: string, contents: PthContents, globals: string[]) {
    this.source = source;
    this.path = source.path;
    this.archive = archive;
    for (const [name, layout] of contents.tensors) this.byName.set(name, located(archive, folder, name, layout));
    this.tensors = [...this.byName.values()].map(({ info }) => info);
    this.containers = contents.containers;
    this.metadata = contents.metadata;
    this.warnings = warningsFor(globals, archive);
  }

  async read(name: string): Promise<Uint8Array> {
    const { info, layout, record } = this.find(name);
    const itemBytes = dtypeBits(info.dtype) / 8;
    if (info.bytes === 0) return new Uint8Array(0);
    if (info.bytes > record.bytes && info.bytes > maxRepeatedBytes) throw new InputError(`${this.path}: tensor "${shown(name)}" repeats the ${record.bytes} bytes of its storage to ${info.bytes}, which is refused beyond ${maxRepeatedBytes}`);
    try {
      const bytes = await this.archive.readRange(record, layout.offset * itemBytes, spanOf(layout) * itemBytes);
      return isContiguous(layout) ? bytes : gather(bytes, layout, itemBytes);
    } catch (error) {
      if (error instanceof InputError) throw new InputError(`${this.path}: tensor "${shown(name)}" cannot be read: ${error.message}. Copy or save the file again`);
      throw error;
    }
  }

  async readFloat32(name: string): Promise<Float32Array> {
    return toFloat32(await this.read(name), this.find(name).info.dtype);
  }

  async *pieces(name: string, most: number): AsyncGenerator<Uint8Array> {
    const { info, layout, record } = this.find(name);
    if (!isContiguous(layout) || !this.archive.isPlain(record)) {
      if (info.bytes > maxGatheredBytes) throw new InputError(`${this.path}: tensor "${shown(name)}" is compressed or strided, and its ${info.bytes} bytes are refused beyond ${maxGatheredBytes}: save it again as it is written by torch.save`);
      const bytes = await this.read(name);
      for (let at = 0; at < bytes.length; at += most) yield bytes.subarray(at, at + most);
      return;
    }
    const start = layout.offset * (dtypeBits(info.dtype) / 8);
    for (let at = 0; at < info.bytes; at += most) {
      try {
        yield await this.archive.readRange(record, start + at, Math.min(most, info.bytes - at));
      } catch (error) {
        if (error instanceof InputError) throw new InputError(`${this.path}: tensor "${shown(name)}" cannot be read: ${error.message}. Copy or save the file again`);
        throw error;
      }
    }
  }

  close(): Promise<void> {
    return this.source.handle.close();
  }

  private find(name: string): StoredTensor {
    const tensor = this.byName.get(name);
    if (!tensor) throw new InputError(`${this.path} has no tensor "${shown(name)}"`);
    return tensor;
  }
}

/** Holds what the pickle says of a tensor against the archive: its storage is there, as large as claimed, and the view lies inside. */
function located(archive: PthArchive, folder: string, name: string, layout: PickleTensor): StoredTensor {
  const { storage, offset, shape } = layout;
  const dtype = elementType(name, layout);
  const record = archive.records.get(`${folder}/data/${storage.key}`);
  if (!record) throw new InputError(`tensor "${shown(name)}" lies in storage "${shown(storage.key)}", which the archive does not have`);
  const unitBytes = dtypeBits(storageType(storage.type) ?? 'U8') / 8;
  if (storage.elements * unitBytes !== record.bytes) throw new InputError(`storage "${shown(storage.key)}" claims ${storage.elements * unitBytes} bytes, but its record has ${record.bytes}`);
  const bytes = byteLength(dtype, shape);
  if (bytes === null) throw new InputError(`tensor "${shown(name)}" of shape [${shape.slice(0, 8).join(', ')}] is larger than 2^53 - 1 bytes`);
  const end = (offset + spanOf(layout)) * (dtypeBits(dtype) / 8);
  if (!(end <= record.bytes)) throw new InputError(`tensor "${shown(name)}" reaches to byte ${end} of its storage, which has ${record.bytes}`);
  return { info: { name, dtype, shape, bytes }, layout, record };
}

function elementType(name: string, { storage, dtype }: PickleTensor): DType {
  const found = dtype === null ? storageType(storage.type) : torchType(dtype);
  if (!found) throw new InputError(`tensor "${shown(name)}" has the element type ${dtype ?? storage.type}, which is not supported`);
  return found;
}

function warningsFor(globals: string[], archive: PthArchive): string[] {
  const others = globals.filter((name) => !isPlainGlobal(name)).map((name) => shown(name));
  const warnings: string[] = [];
  if (others.length > 0) warnings.push(`holds more than tensors: ${others.slice(0, 12).join(', ')}${others.length > 12 ? ` and ${others.length - 12} more` : ''} (left out; nothing of them was run)`);
  if (!archive.hasChecksums) warnings.push('has no checksums: damage cannot be noticed');
  return warnings;
}
