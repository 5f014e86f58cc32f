/** Small wheels made on the spot, correct ones and ones that lie, byte by byte. */
import { createHash } from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';

export interface Member {
  name: string;
  data: Buffer | string;
  /** Unix mode in the central directory; default: a regular file. */
  mode?: number;
  /** What the local header says, where that is something else. */
  local?: Partial<{ name: string; method: number; crc: number; compressedSize: number; size: number; flags: number }>;
  /** What the central directory says, where that is something else. */
  central?: Partial<{ method: number; compressedSize: number; size: number; flags: number; offset: number }>;
}

const regularFile = 0o100644;

/** A ZIP file of the members as they are given, duplicates and lies included. */
export function zip(members: Member[], options: { comment?: string; before?: Buffer; after?: Buffer } = {}): Buffer {
  const parts: Buffer[] = [], directory: Buffer[] = [];
  let offset = options.before?.length ?? 0;
  for (const member of members) {
    const data = Buffer.from(member.data), packed = deflateRawSync(data);
    const true_ = { method: 8, crc: crc32(data), compressedSize: packed.length, size: data.length, flags: 0 };
    const local = { ...true_, name: member.name, ...member.local }, central = { ...true_, offset, ...member.central };
    const localName = Buffer.from(local.name), centralName = Buffer.from(member.name);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4);
    head.writeUInt16LE(local.flags, 6);
    head.writeUInt16LE(local.method, 8);
    head.writeUInt32LE(local.crc, 14);
    head.writeUInt32LE(local.compressedSize, 18);
    head.writeUInt32LE(local.size, 22);
    head.writeUInt16LE(localName.length, 26);
    parts.push(head, localName, packed);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE((3 << 8) | 20, 4); // made on Unix
    entry.writeUInt16LE(20, 6);
    entry.writeUInt16LE(central.flags, 8);
    entry.writeUInt16LE(central.method, 10);
    entry.writeUInt32LE(central.crc, 16);
    entry.writeUInt32LE(central.compressedSize, 20);
    entry.writeUInt32LE(central.size, 24);
    entry.writeUInt16LE(centralName.length, 28);
    entry.writeUInt32LE(((member.mode ?? regularFile) << 16) >>> 0, 38);
    entry.writeUInt32LE(central.offset, 42);
    directory.push(entry, centralName);
    offset += 30 + localName.length + packed.length;
  }
  const centralDirectory = Buffer.concat(directory), comment = Buffer.from(options.comment ?? '');
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(centralDirectory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([options.before ?? Buffer.alloc(0), ...parts, centralDirectory, end, comment, options.after ?? Buffer.alloc(0)]);
}

/** The RECORD of a wheel: each member's hash and size. */
export const record = (members: Member[], distInfo: string): Member => ({
  name: `${distInfo}/RECORD`,
  data: `${members.map(({ name, data }) => `${name},sha256=${createHash('sha256').update(data).digest('base64url')},${Buffer.byteLength(data)}\n`).join('')}${distInfo}/RECORD,,\n`,
});

/** A correct wheel that pip accepts for any platform. */
export function wheel(name: string, version: string, members: Member[]): { fileName: string; bytes: Buffer; sha256: string } {
  const distInfo = `${name.replaceAll('-', '_')}-${version}.dist-info`;
  const all = [
    ...members,
    { name: `${distInfo}/METADATA`, data: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n` },
    { name: `${distInfo}/WHEEL`, data: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n' },
  ];
  const bytes = zip([...all, record(all, distInfo)]);
  return { fileName: `${name.replaceAll('-', '_')}-${version}-py3-none-any.whl`, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
