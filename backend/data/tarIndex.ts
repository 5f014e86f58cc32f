/**
 * What a tar archive holds and where, by scanning its headers once: ustar, GNU long names and PAX records. Only plain
 * files are listed; links, devices and sparse files are passed over. Every size is checked against the archive before use.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { InputError } from '../errors.ts';

export interface TarMember {
  name: string;
  /** Of the first byte of the contents, in the archive. */
  offset: number;
  size: number;
}

const block = 512;
/** What a header says where the size does not fit into it, or 0: then a PAX record has it. */
const octalMaximum = 8 ** 11 - 1;
/** Long names and PAX records are text; larger ones are an attack. */
const maxTextBytes = 1024 * 1024;
const windowBytes = 256 * 1024;

/** Reads ahead in windows, since headers of small members lie close together. */
class WindowedFile {
  private start = 0;
  private window: Buffer = Buffer.alloc(0);
  private readonly file: FileHandle;

  constructor(file: FileHandle) {
    this.file = file;
  }

  /** Up to `length` bytes at `offset`; fewer where the file ends. */
  async read(offset: number, length: number): Promise<Buffer> {
    if (offset < this.start || offset + length > this.start + this.window.length) {
      const buffer = Buffer.alloc(Math.max(windowBytes, length));
      const { bytesRead } = await this.file.read(buffer, 0, buffer.length, offset);
      this.start = offset;
      this.window = buffer.subarray(0, bytesRead);
    }
    return this.window.subarray(offset - this.start, Math.min(offset - this.start + length, this.window.length));
  }
}

/** Lists the plain files of an archive in its order. Throws InputError, with the archive and the offset, where it is cut off or damaged. */
export async function scanTar(path: string): Promise<TarMember[]> {
  const handle = await open(path).catch((error: Error) => {
    throw new InputError(`cannot open the archive ${path}: ${error.message}`);
  });
  try {
    return await scan(path, new WindowedFile(handle), (await handle.stat()).size);
  } finally {
    await handle.close();
  }
}

async function scan(path: string, file: WindowedFile, fileBytes: number): Promise<TarMember[]> {
  const fail = (offset: number, what: string) => new InputError(`the archive ${path} is damaged at offset ${offset}: ${what}. Copy or pack it again`);
  const members: TarMember[] = [];
  const names = new Set<string>();
  let extended: { name?: string; size?: number; sparse?: boolean } = {};
  let at = 0;
  for (;;) {
    const header = await file.read(at, block);
    if (header.length < block) throw fail(Math.min(at, fileBytes), header.length === 0 && at > 0 ? 'it ends without an end marker, so it may have been cut off' : 'it ends inside a header');
    if (isZero(header)) break;
    if (!checksumHolds(header)) throw fail(at, 'this is no tar header (its checksum is wrong)');
    const type = String.fromCharCode(header[156]!);
    const plain = type === '0' || type === '\0' || type === '7';
    const headerSize = readNumber(header.subarray(124, 136));
    const size = plain ? extended.size ?? headerSize : headerSize;
    if (size === null || size < 0) throw fail(at, 'the size of a member is no number');
    if (plain && extended.size !== undefined && ![0, extended.size, octalMaximum].includes(headerSize ?? -1)) throw fail(at, `a member has two sizes, ${headerSize} and ${extended.size}`);
    const contents = at + block;
    const name = extended.name ?? headerName(header);
    if (contents + size > fileBytes) throw fail(at, `${JSON.stringify(name.slice(0, 200))} claims ${size} bytes, but ${fileBytes - contents} are left, so it may have been cut off`);

    if (type === 'x' || type === 'L') {
      if (size > maxTextBytes) throw fail(at, `a name or attribute record of ${size} bytes`);
      const text = (await file.read(contents, size)).subarray(0, size);
      if (type === 'L') extended = { ...extended, name: cString(text) };
      else extended = { ...extended, ...readPax(text, (what) => fail(contents, what)) };
    } else {
      if (plain && !extended.sparse && !name.endsWith('/')) {
        if (names.has(name)) throw fail(at, `${JSON.stringify(name.slice(0, 200))} occurs twice`);
        names.add(name);
        members.push({ name, offset: contents, size });
      }
      // A global PAX record ('g') and a long link name ('K') say nothing of where files lie.
      if (type !== 'g' && type !== 'K') extended = {};
    }
    at = contents + Math.ceil(size / block) * block;
  }
  await checkEnd(file, at, fileBytes, fail);
  return members;
}

/** Behind the end marker there may be nothing but zeros: a second archive there would be lost without a word. */
async function checkEnd(file: WindowedFile, from: number, fileBytes: number, fail: (offset: number, what: string) => InputError): Promise<void> {
  for (let at = from; at < fileBytes; at += windowBytes) {
    const bytes = await file.read(at, Math.min(windowBytes, fileBytes - at));
    if (!isZero(bytes)) throw fail(at, 'there is data behind the end marker; of archives that were joined, give each as its own file');
  }
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

/** A header's checksum is the sum of its bytes, its own eight taken as spaces. */
function checksumHolds(header: Buffer): boolean {
  let sum = 8 * 0x20;
  for (let i = 0; i < block; i++) if (i < 148 || i >= 156) sum += header[i]!;
  return sum === readNumber(header.subarray(148, 156));
}

/** Octal text, or GNU's base-256 where the first bit is set; null where it is neither or beyond 2^53. */
function readNumber(field: Buffer): number | null {
  if (field[0]! & 0x80) {
    let value = field[0]! & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return Number.isSafeInteger(value) ? value : null;
  }
  const text = cString(field).trim();
  return /^[0-7]+$/.test(text) ? parseInt(text, 8) : text === '' ? 0 : null;
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

function headerName(header: Buffer): string {
  const name = cString(header.subarray(0, 100));
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? cString(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** The records of a PAX header that matter, each "length key=value\n". */
function readPax(bytes: Buffer, fail: (what: string) => InputError): { name?: string; size?: number; sparse?: boolean } {
  const found: { name?: string; size?: number; sparse?: boolean } = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 ? NaN : Number(bytes.toString('latin1', at, space));
    if (!Number.isInteger(length) || length < 5 || at + length > bytes.length || bytes[at + length - 1] !== 0x0a) throw fail('a malformed PAX record');
    const equals = bytes.indexOf(0x3d, space);
    if (equals < 0 || equals >= at + length) throw fail('a malformed PAX record');
    const key = bytes.toString('utf8', space + 1, equals);
    const value = bytes.toString('utf8', equals + 1, at + length - 1);
    if (key === 'path') found.name = value;
    if (key === 'size') {
      if (!/^\d{1,15}$/.test(value) || (found.size !== undefined && found.size !== Number(value))) throw fail('the PAX record of a size is malformed or contradicts another');
      found.size = Number(value);
    }
    if (key.startsWith('GNU.sparse.')) found.sparse = true;
    at += length;
  }
  return found;
}
