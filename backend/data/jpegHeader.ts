/** What must be known of a JPEG before it is decoded: its size, to bound memory, and its EXIF orientation. */

export interface JpegHeader {
  width: number;
  height: number;
  components: number;
  /** Bits a sample. */
  precision: number;
  /** Of EXIF, 1 to 8; 1 where there is none. */
  orientation: number;
  /** Scans of a progressive file, at least; 1 for others. Each costs a pass over the whole image. */
  scans: number;
}

const marker = { soi: 0xd8, eoi: 0xd9, sos: 0xda, app1: 0xe1 };
const startOfScan = Buffer.from([0xff, marker.sos]);

/** Start of frame: C0 to CF but for the tables C4 (Huffman), C8 (reserved) and CC (arithmetic). */
const isFrame = (code: number) => code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
const isProgressive = (code: number) => (code & 3) === 2;

/**
 * Reads the segments up to the frame header. Returns null where they are not laid out plainly, marker after marker:
 * then no size can be promised, and the file is left to a decoder that checks for itself.
 */
export function readJpegHeader(bytes: Buffer): JpegHeader | null {
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== marker.soi) return null;
  let at = 2;
  let orientation = 1;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return null;
    const code = bytes[at + 1]!;
    if (code === 0xff) {
      at++;
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    const end = at + 2 + length;
    if (code < 0xc0 || (code >= 0xd0 && code <= marker.sos) || length < 2 || end > bytes.length) return null;
    const body = bytes.subarray(at + 4, end);
    if (isFrame(code)) {
      if (body.length < 6) return null;
      const scans = isProgressive(code) ? countScans(bytes, end) : 1;
      return { precision: body[0]!, height: body.readUInt16BE(1), width: body.readUInt16BE(3), components: body[5]!, orientation, scans };
    }
    if (code === marker.app1) orientation = exifOrientation(body) ?? orientation;
    at = end;
  }
  return null;
}

function countScans(bytes: Buffer, from: number): number {
  let scans = 0;
  for (let at = bytes.indexOf(startOfScan, from); at >= 0; at = bytes.indexOf(startOfScan, at + 2)) scans++;
  return scans;
}

/** The orientation tag of an APP1 segment's first image directory (TIFF inside EXIF); null where it is absent or malformed. */
function exifOrientation(body: Buffer): number | null {
  if (body.length < 14 || body.toString('latin1', 0, 6) !== 'Exif\0\0') return null;
  const tiff = body.subarray(6);
  const order = tiff.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return null;
  const little = order === 'II';
  const uint16 = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return null;
  const entries = Math.min(uint16(directory), Math.floor((tiff.length - directory - 2) / 12));
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    if (uint16(entry) !== 0x0112) continue;
    const value = uint16(entry + 8);
    return value >= 1 && value <= 8 ? value : null;
  }
  return null;
}
