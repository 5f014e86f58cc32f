/** The ZIP archive that a .pth file is: its records found by the central directory, each checked before it is believed. */
import { read } from 'node:fs';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { RandomAccessReader, fromRandomAccessReaderPromise } from 'yauzl';
import type { Entry } from 'yauzl';
import { InputError } from '../errors.ts';
import { crc32 } from './crc.ts';
import { readAt } from './positioned.ts';
import type { SourceFile } from './positioned.ts';

const maxRecords = 200_000;
const localHeaderBytes = 30;
const stored = 0, deflated = 8;
/** General purpose bits that say the bytes are not plain: encryption, patches, strong encryption. */
const refusedFlags = [[0x1, 'encrypted'], [0x20, 'stored as a patch'], [0x40, 'strongly encrypted']] as const;
/** The most that DEFLATE can expand a byte to. */
const maxExpansion = 1032;
/** A checksum is taken over pieces of this size. */
const chunkBytes = 2 ** 22;

export interface ArchiveRecord {
  name: string;
  /** Bytes of its content. */
  bytes: number;
  entry: Entry;
}

export class PthArchive {
  readonly records: ReadonlyMap<string, ArchiveRecord>;
  /** PyTorch writes zeros for checksums where the saver turned them off. */
  readonly hasChecksums: boolean;
  private readonly source: SourceFile;
  /** Stored records whose checksum has been found right. */
  private readonly verified = new Set<string>();

  private constructor(source: SourceFile, records: Map<string, ArchiveRecord>) {
    this.source = source;
    this.records = records;
    this.hasChecksums = [...records.values()].some(({ entry }) => entry.crc32 !== 0);
  }

  /** Reads the central directory. Throws InputError where it is malformed, or names a record twice. */
  static async open(source: SourceFile): Promise<PthArchive> {
    const records = new Map<string, ArchiveRecord>();
    for (const entry of await centralDirectory(source)) {
      const { fileName: name, generalPurposeBitFlag: flags, compressionMethod: method, uncompressedSize, compressedSize } = entry;
      for (const [bit, meaning] of refusedFlags) if (flags & bit) throw new InputError(`its record "${name}" is marked as ${meaning} (flag 0x${bit.toString(16)}), which PyTorch never writes`);
      if (method !== stored && method !== deflated) throw new InputError(`its record "${name}" is compressed by method ${method}, which PyTorch never writes`);
      if (records.has(name)) throw new InputError(`it has two records named "${name}"`);
      if (![uncompressedSize, compressedSize, entry.relativeOffsetOfLocalHeader].every(Number.isSafeInteger) || compressedSize > source.size) throw new InputError(`its record "${name}" claims ${compressedSize} bytes, more than the file has`);
      if (method === stored && uncompressedSize !== compressedSize) throw new InputError(`its record "${name}" claims ${uncompressedSize} bytes, but ${compressedSize} are stored`);
      if (uncompressedSize > compressedSize * maxExpansion + maxExpansion) throw new InputError(`its record "${name}" claims to expand from ${compressedSize} to ${uncompressedSize} bytes, which is impossible`);
      records.set(name, { name, bytes: uncompressedSize, entry });
    }
    return new PthArchive(source, records);
  }

  /** Whether the record's bytes lie in the file as they are. */
  isPlain({ entry }: ArchiveRecord): boolean {
    return entry.compressionMethod === stored;
  }

  /** The record's whole content, held against its checksum. */
  async read(record: ArchiveRecord): Promise<Uint8Array<ArrayBuffer>> {
    const { entry, bytes } = record;
    const raw = await readAt(this.source, await this.startOf(record), entry.compressedSize);
    const content = entry.compressionMethod === stored ? raw : await inflate(raw, record);
    if (content.length !== bytes) throw new InputError(`its record "${record.name}" has ${content.length} bytes instead of the ${bytes} that it claims`);
    this.check(record, crc32(content));
    return content;
  }

  /** `length` bytes of the record from byte `start`. The first time, the whole record is held against its checksum. */
  async readRange(record: ArchiveRecord, start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (start === 0 && length === record.bytes) return this.read(record);
    if (record.entry.compressionMethod !== stored) return (await this.read(record)).slice(start, start + length);
    const dataStart = await this.startOf(record);
    if (!this.verified.has(record.name)) {
      let crc = 0;
      for (let at = 0; at < record.bytes; at += chunkBytes) crc = crc32(await readAt(this.source, dataStart + at, Math.min(chunkBytes, record.bytes - at)), crc);
      this.check(record, crc);
      this.verified.add(record.name);
    }
    return readAt(this.source, dataStart + start, length);
  }

  /** Where the record's bytes begin, by its local header, which must agree with the central directory. */
  async startOf({ name, entry }: ArchiveRecord): Promise<number> {
    const at = entry.relativeOffsetOfLocalHeader;
    const beyond = () => new InputError(`its record "${name}" lies beyond the end of the file: the file was cut short`);
    if (at + localHeaderBytes + entry.fileNameLength > this.source.size) throw beyond();
    const header = Buffer.from(await readAt(this.source, at, localHeaderBytes + entry.fileNameLength));
    if (header.readUInt32LE(0) !== 0x04034b50) throw new InputError(`its record "${name}" does not begin with a local header`);
    const agrees = header.readUInt16LE(26) === entry.fileNameLength && header.subarray(localHeaderBytes).equals(entry.fileNameRaw)
      && header.readUInt16LE(6) === entry.generalPurposeBitFlag && header.readUInt16LE(8) === entry.compressionMethod;
    if (!agrees) throw new InputError(`its record "${name}" has another name, flags or compression in its local header than in the central directory`);
    const start = at + localHeaderBytes + entry.fileNameLength + header.readUInt16LE(28);
    if (start + entry.compressedSize > this.source.size) throw beyond();
    return start;
  }

  private check(record: ArchiveRecord, crc: number): void {
    if (this.hasChecksums && crc !== record.entry.crc32) throw new InputError(`its record "${record.name}" does not have the checksum that the archive gives: the file is damaged`);
  }
}

async function centralDirectory(source: SourceFile): Promise<Entry[]> {
  const entries: Entry[] = [];
  try {
    const zip = await fromRandomAccessReaderPromise(await BoundedReader.over(source), source.size, { strictFileNames: true, validateEntrySizes: false });
    if (zip.entryCount > maxRecords) throw new InputError(`its archive claims ${zip.entryCount} records, more than ${maxRecords}`);
    for await (const entry of zip.eachEntry()) entries.push(entry);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`its archive cannot be read (${(error as Error).message})`);
  }
  return entries;
}

const inflateAsync = promisify(inflateRaw) as (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer<ArrayBuffer>>;

async function inflate(raw: Uint8Array, { name, bytes }: ArchiveRecord): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await inflateAsync(raw, { maxOutputLength: Math.max(1, bytes) });
  } catch (error) {
    throw new InputError(`its record "${name}" cannot be decompressed (${(error as Error).message})`);
  }
}

/** Gives yauzl the file's bytes: the end, where the directory is, out of memory; and an error, not an exception, for offsets outside. */
class BoundedReader extends RandomAccessReader {
  private readonly source: SourceFile;
  private readonly tail: Buffer;

  private constructor(source: SourceFile, tail: Buffer) {
    super();
    this.source = source;
    this.tail = tail;
  }

  static async over(source: SourceFile): Promise<BoundedReader> {
    const length = Math.min(source.size, 2 ** 21);
    return new BoundedReader(source, Buffer.from(await readAt(source, source.size - length, length)));
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null, bytesRead?: number) => void): void {
    const { source, tail } = this;
    const tailStart = source.size - tail.length;
    if (!(position >= 0 && position + length <= source.size)) process.nextTick(callback, new Error('it points outside the file'));
    else if (position >= tailStart) process.nextTick(callback, null, tail.copy(buffer, offset, position - tailStart, position - tailStart + length));
    else read(source.handle.fd, buffer, offset, length, position, callback);
  }
}
