/** The size of an image, upright, from as few bytes of its file as tell it: for statistics over a dataset, of which nothing is decoded. */
import { open } from 'node:fs/promises';
import sharp from 'sharp';
import type { Dataset, SampleLocation } from './dataset.ts';
import { maxPixels, sniffFormat } from './decode.ts';
import { readJpegHeader } from './jpegHeader.ts';

export interface ImageSize {
  width: number;
  height: number;
}

/** Enough for the header of most files, their EXIF data included. */
const headBytes = 64 * 1024;

async function readHead({ path, offset, length }: SampleLocation): Promise<Buffer> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(length < 0 ? headBytes : Math.min(length, headBytes));
    const { bytesRead } = await file.read(head, 0, head.length, offset);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The size of a sample as decoding would give it. Rejects with an Error that says why where it cannot be told. */
export async function imageSize(dataset: Dataset, index: number): Promise<ImageSize> {
  const head = await readHead(dataset.location(index));
  const size = sizeOf(head) ?? (await sizeOfWhole(Buffer.from(await dataset.read(index))));
  if (!(size.width > 0 && size.height > 0 && size.width * size.height <= maxPixels)) throw new Error(`${size.width} x ${size.height} pixels are beyond the limit of ${maxPixels}`);
  return size;
}

/** From a file's beginning, for the formats that say it plainly there; null for others. */
function sizeOf(head: Buffer): ImageSize | null {
  switch (sniffFormat(head)) {
    case 'jpeg': {
      const header = readJpegHeader(head);
      if (!header) return null;
      return header.orientation > 4 ? { width: header.height, height: header.width } : { width: header.width, height: header.height };
    }
    case 'bmp': return head.length < 26 ? null : { width: head.readInt32LE(18), height: Math.abs(head.readInt32LE(22)) };
    default: return null;
  }
}

async function sizeOfWhole(bytes: Buffer): Promise<ImageSize> {
  if (sniffFormat(bytes) === null) throw new Error(bytes.length === 0 ? 'the file is empty' : 'not an image of a format that is read');
  const { autoOrient } = await sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' }).metadata();
  return autoOrient;
}
