/**
 * Takes named members out of a Python wheel (a ZIP file with a RECORD of hashes), each verified as it is written.
 *
 * A wheel is hostile until its hash has matched the pinned one, and is read as if it still were: whatever two ZIP readers could
 * understand differently (duplicates, headers that disagree, overlaps, bytes before or after) refuses the whole wheel, before
 * the first byte is written.
 */
import { createHash, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise, type Entry, type LocalFileHeader, type ZipFile } from 'yauzl';
import { RunError } from '../../errors.ts';

export interface ExtractedFile {
  /** Relative to the target folder, '/'-separated. */
  path: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

export interface ExtractOptions {
  /** Names of members; `*` stands for anything but '/'. A name without `*` must be there. */
  members: string[];
  /** A folder that exists and that nobody else writes to. */
  target: string;
  signal?: AbortSignal;
  /** Bytes written so far, of how many. */
  onProgress?: (bytes: number, total: number) => void;
}

const maxEntries = 100_000;
const maxRecordBytes = 32 << 20;
const maxKeptBytes = 16 * 2 ** 30;
const localHeaderBytes = 30;
const symlinkMode = 0o120000, fileTypeMask = 0o170000;

const refuse = (wheel: string, why: string): RunError => new RunError(`${wheel} is refused, nothing of it was kept: ${why}`);

/** Whether a member's name matches one of the patterns. */
export function matchesMember(name: string, patterns: string[]): boolean {
  return patterns.some((pattern) => new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('[^/]*')}$`).test(name));
}

/** Throws where the name could lead out of the target folder, or mean different files to different readers. */
function checkName(wheel: string, name: string): void {
  const parts = name.replace(/\/$/, '').split('/');
  if (/[\0\\:]/.test(name) || parts.some((part) => part === '' || part === '.' || part === '..')) throw refuse(wheel, `member "${name}" is not a plain relative path`);
}

/** The central directory, checked as a whole. */
async function readEntries(wheel: string, zip: ZipFile, size: number): Promise<Entry[]> {
  if (zip.comment.length > 0) throw refuse(wheel, 'it has a trailing comment');
  if (zip.entryCount > maxEntries) throw refuse(wheel, `it claims ${zip.entryCount} members`);
  const entries: Entry[] = [];
  const names = new Set<string>();
  for await (const entry of zip.eachEntry()) {
    checkName(wheel, entry.fileName);
    const key = entry.fileName.toLowerCase().replace(/\/$/, '');
    if (names.has(key)) throw refuse(wheel, `member "${entry.fileName}" is there twice`);
    names.add(key);
    entries.push(entry);
  }
  const inOrder = entries.toSorted((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  let end = 0;
  for (const [i, entry] of inOrder.entries()) {
    if (i === 0 ? entry.relativeOffsetOfLocalHeader !== 0 : entry.relativeOffsetOfLocalHeader < end) throw refuse(wheel, i === 0 ? 'there are bytes before the first member' : `member "${entry.fileName}" overlaps another`);
    end = entry.relativeOffsetOfLocalHeader + localHeaderBytes + entry.fileNameLength + entry.compressedSize;
  }
  if (end > size) throw refuse(wheel, 'its last member is cut off');
  return entries;
}

/** Throws where a member is not a plain file, or its own header says other things than the central directory. */
function checkHeader(wheel: string, entry: Entry, local: LocalFileHeader): void {
  if (((entry.externalFileAttributes >>> 16) & fileTypeMask) === symlinkMode) throw refuse(wheel, `member "${entry.fileName}" is a symbolic link`);
  if (entry.isEncrypted() || !entry.canDecodeFileData()) throw refuse(wheel, `member "${entry.fileName}" is encrypted or packed in an unknown way`);
  const streamed = (local.generalPurposeBitFlag & 8) !== 0; // sizes and checksum follow the data
  const wide = 0xffffffff; // sizes stand in the ZIP64 extra field
  const differs =
    !local.fileName.equals(entry.fileNameRaw) ||
    local.compressionMethod !== entry.compressionMethod ||
    local.generalPurposeBitFlag !== entry.generalPurposeBitFlag ||
    (!streamed && (local.crc32 !== entry.crc32 || (local.compressedSize !== wide && local.compressedSize !== entry.compressedSize) || (local.uncompressedSize !== wide && local.uncompressedSize !== entry.uncompressedSize)));
  if (differs) throw refuse(wheel, `the two headers of member "${entry.fileName}" disagree`);
}

/** RECORD: name -> [sha256 in hexadecimal, bytes]. Lines without a hash (RECORD itself) are left out. */
function parseRecord(wheel: string, text: string): Map<string, { sha256: string; bytes: number }> {
  const record = new Map<string, { sha256: string; bytes: number }>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",]*)),sha256=([\w-]+)=*,(\d+)$/.exec(line);
    if (!match) continue;
    const name = match[1]?.replaceAll('""', '"') ?? match[2]!;
    if (record.has(name)) throw refuse(wheel, `RECORD lists "${name}" twice`);
    record.set(name, { sha256: Buffer.from(match[3]!, 'base64url').toString('hex'), bytes: Number(match[4]) });
  }
  return record;
}

async function readText(wheel: string, zip: ZipFile, entry: Entry): Promise<string> {
  if (entry.uncompressedSize > maxRecordBytes) throw refuse(wheel, `${entry.fileName} claims ${entry.uncompressedSize} bytes`);
  checkHeader(wheel, entry, await zip.readLocalFileHeaderPromise(entry));
  const chunks: Buffer[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Writes a stream to a new file (never through a link), durable when it returns; gives the hash of what was written. */
async function writeHashed(openSource: () => Promise<Readable>, path: string, signal: AbortSignal | undefined, onBytes: (n: number) => void): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const hash: Hash = createHash('sha256');
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
  // Opened last: a stream that fails while nobody listens ends the process.
  await pipeline(await openSource(), counted, createWriteStream(path, { flags: 'wx', mode: 0o644 }), { signal });
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/**
 * Extracts the wheel's matching members under the target folder, by their names. Throws RunError where the wheel is malformed,
 * a member is missing, or one differs from RECORD; the target then holds rubbish and is for the caller to remove.
 */
export async function extractWheel(path: string, options: ExtractOptions): Promise<ExtractedFile[]> {
  const { members, target, signal } = options;
  let zip: ZipFile;
  try {
    zip = await openPromise(path, { autoClose: false, strictFileNames: true, validateEntrySizes: true });
  } catch (error) {
    throw refuse(path, `it is no whole ZIP file (${(error as Error).message})`);
  }
  try {
    const entries = await readEntries(path, zip, (await stat(path)).size);
    const records = entries.filter((entry) => /^[^/]+\.dist-info\/RECORD$/.test(entry.fileName));
    if (records.length !== 1) throw refuse(path, `it has ${records.length} RECORD files, not one`);
    const record = parseRecord(path, await readText(path, zip, records[0]!));
    const kept = entries.filter((entry) => !entry.fileName.endsWith('/') && matchesMember(entry.fileName, members));
    const missing = members.find((name) => !kept.some((entry) => matchesMember(entry.fileName, [name])));
    if (missing !== undefined) throw refuse(path, `it has no member "${missing}"`);
    const total = kept.reduce((sum, entry) => sum + entry.uncompressedSize, 0);
    if (total > maxKeptBytes) throw refuse(path, `its members claim ${total} bytes`);
    for (const entry of kept) {
      checkHeader(path, entry, await zip.readLocalFileHeaderPromise(entry));
      if (record.get(entry.fileName)?.bytes !== entry.uncompressedSize) throw refuse(path, `member "${entry.fileName}" is not in RECORD with its size`);
    }
    const files: ExtractedFile[] = [];
    let written = 0;
    for (const entry of kept) {
      signal?.throwIfAborted();
      const sha256 = await writeHashed(() => zip.openReadStreamPromise(entry), join(target, ...entry.fileName.split('/')), signal, (n) => options.onProgress?.((written += n), total));
      if (sha256 !== record.get(entry.fileName)!.sha256) throw refuse(path, `member "${entry.fileName}" does not have the hash that RECORD gives`);
      files.push({ path: entry.fileName, bytes: entry.uncompressedSize, sha256 });
    }
    return files;
  } catch (error) {
    // What yauzl and zlib find wrong comes without the file's name.
    if (error instanceof RunError || signal?.aborted || (error as NodeJS.ErrnoException).syscall) throw error;
    throw refuse(path, (error as Error).message);
  } finally {
    zip.close();
  }
}
