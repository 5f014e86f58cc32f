/** Uncompressed Windows bitmaps of 8 (palette), 24 and 32 bits: the one common format that libvips does not bring along. */

export interface RawImage {
  /** [height, width, 3] RGB. */
  pixels: Uint8Array;
  width: number;
  height: number;
}

const fileHeaderBytes = 14;

/** Decodes a bitmap. Throws an Error that says why where it is malformed, of another kind, or larger than maxPixels. */
export function decodeBmp(bytes: Buffer, maxPixels: number): RawImage {
  if (bytes.length < fileHeaderBytes + 40) throw new Error('the bitmap ends inside its header');
  const data = bytes.readUInt32LE(10);
  const headerBytes = bytes.readUInt32LE(14);
  const width = bytes.readInt32LE(18);
  const signedHeight = bytes.readInt32LE(22);
  const bits = bytes.readUInt16LE(28);
  const compression = bytes.readUInt32LE(30);
  const height = Math.abs(signedHeight);
  if (headerBytes < 40 || compression !== 0 || ![8, 24, 32].includes(bits)) throw new Error(`a bitmap of ${bits} bits, compression ${compression}: only uncompressed ones of 8, 24 and 32 bits are read`);
  if (width < 1 || height < 1 || width * height > maxPixels) throw new Error(`the bitmap claims ${width} x ${height} pixels, beyond the limit of ${maxPixels}`);
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (data + stride * height > bytes.length) throw new Error('the bitmap ends before its last row');
  const palette = fileHeaderBytes + headerBytes;
  if (bits === 8 && palette > data) throw new Error('the bitmap has no palette');

  const pixels = new Uint8Array(width * height * 3);
  const step = bits / 8;
  for (let y = 0; y < height; y++) {
    // Rows run from the bottom, unless the height is negative.
    let from = data + (signedHeight < 0 ? y : height - 1 - y) * stride;
    for (let to = y * width * 3; to < (y + 1) * width * 3; to += 3, from += step) {
      const colour = bits === 8 ? palette + bytes[from]! * 4 : from;
      pixels[to] = bytes[colour + 2]!;
      pixels[to + 1] = bytes[colour + 1]!;
      pixels[to + 2] = bytes[colour]!;
    }
  }
  return { pixels, width, height };
}
