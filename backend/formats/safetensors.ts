/** Reads safetensors files: 8 bytes of header length, the header as JSON, then the tensors' bytes. Only the header is read on opening. */
import { InputError } from '../errors.ts';
import { DamagedFileError, retold } from './damage.ts';
import { toFloat32 } from './dtypes.ts';
import { openSource, readAt } from './positioned.ts';
import type { SourceFile } from './positioned.ts';
import type { Header, HeaderTensor } from './safetensorsHeader.ts';
import { maxHeaderBytes, parseHeader, shown } from './safetensorsHeader.ts';
import type { TensorFile, TensorInfo } from './tensorFile.ts';

const lengthBytes = 8;

/** Opens a safetensors file. Throws InputError, with the precise reason, where it breaks any rule of the format. */
export async function openSafetensors(path: string): Promise<TensorFile> {
  const source = await openSource(path);
  try {
    const headerBytes = await headerLength(source);
    const dataStart = lengthBytes + headerBytes;
    const text = Buffer.from((await readAt(source, lengthBytes, headerBytes)).buffer);
    return new SafetensorsFile(source, dataStart, headerOf(text, source.size - dataStart));
  } catch (error) {
    await source.handle.close();
    if (error instanceof InputError) throw retold(error, `${path} is not a valid safetensors file: ${error.message}. Copy or save it again`);
    throw error;
  }
}

function headerOf(text: Buffer, dataBytes: number): Header {
  try {
    return parseHeader(text, dataBytes);
  } catch (error) {
    throw error instanceof InputError ? retold(error, error.message, lengthBytes) : error;
  }
}

/** The header's length, refused before anything of that size is allocated. */
async function headerLength(source: SourceFile): Promise<number> {
  if (source.size < lengthBytes) throw new DamagedFileError(`it has ${source.size} bytes, fewer than the ${lengthBytes} of its header's length`, source.size);
  const length = Buffer.from(await readAt(source, 0, lengthBytes)).readBigUInt64LE();
  if (length > maxHeaderBytes) throw new DamagedFileError(`its header claims ${length} bytes, more than the format's limit of ${maxHeaderBytes}`, 0);
  if (Number(length) > source.size - lengthBytes) throw new DamagedFileError(`its header claims ${length} bytes, but only ${source.size - lengthBytes} follow: the file was cut short`, source.size);
  return Number(length);
}

class SafetensorsFile implements TensorFile {
  readonly format = 'safetensors';
  readonly path: string;
  readonly tensors: TensorInfo[];
  readonly metadata: Record<string, unknown>;
  readonly warnings: string[] = [];
  readonly containers: string[];
  private readonly source: SourceFile;
  private readonly dataStart: number;
  private readonly byName: Map<string, HeaderTensor>;

  constructor(source: SourceFile, dataStart: number, header: Header) {
    this.source = source;
    this.path = source.path;
    this.dataStart = dataStart;
    this.byName = new Map(header.tensors.map((tensor) => [tensor.name, tensor]));
    this.tensors = header.tensors.map(({ name, dtype, shape, start, end }) => ({ name, dtype, shape, bytes: end - start }));
    this.containers = this.tensors.length > 0 ? [''] : [];
    this.metadata = header.metadata;
  }

  async read(name: string): Promise<Uint8Array> {
    const { start, end } = this.find(name);
    return readAt(this.source, this.dataStart + start, end - start);
  }

  async readFloat32(name: string): Promise<Float32Array> {
    return toFloat32(await this.read(name), this.find(name).dtype);
  }

  async *pieces(name: string, most: number): AsyncGenerator<Uint8Array> {
    const { start, end } = this.find(name);
    for (let at = start; at < end; at += most) yield readAt(this.source, this.dataStart + at, Math.min(most, end - at));
  }

  close(): Promise<void> {
    return this.source.handle.close();
  }

  private find(name: string): HeaderTensor {
    const tensor = this.byName.get(name);
    if (!tensor) throw new InputError(`${this.path} has no tensor "${shown(name)}"`);
    return tensor;
  }
}
