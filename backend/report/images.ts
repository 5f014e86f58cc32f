/** Pictures as data URLs, so that the report is one file. */
import sharp, { type Sharp } from 'sharp';
import { RunError } from '../errors.ts';
import type { RgbImage } from './data.ts';

function check({ width, height, pixels }: RgbImage): void {
  if (pixels.length !== width * height * 3) throw new RunError(`An image of ${width} x ${height} needs ${width * height * 3} bytes, and ${pixels.length} were given to the report.`);
}

const open = (image: RgbImage): Sharp => {
  check(image);
  return sharp(image.pixels, { raw: { width: image.width, height: image.height, channels: 3 } });
};

/** A photograph as JPEG. */
export async function photoUrl(image: RgbImage): Promise<string> {
  return `data:image/jpeg;base64,${(await open(image).jpeg({ quality: 88, chromaSubsampling: '4:4:4' }).toBuffer()).toString('base64')}`;
}

/** Exact pixels as PNG, for grids of patches. */
export async function gridUrl(image: RgbImage): Promise<string> {
  return `data:image/png;base64,${(await open(image).png({ compressionLevel: 9 }).toBuffer()).toString('base64')}`;
}
