/** A correspondence as a picture: both images, and A's patches painted with the place where B has their match. */
import sharp from 'sharp';
import type { Correspondence, Seen } from './correspond.ts';
import { placeColour } from './placeColours.ts';

const side = 448, gap = 20;
const background = { r: 250, g: 250, b: 247 };
const veil = Math.round(0.72 * 255);

const picture = ({ size, pixels }: Seen): Promise<Buffer> => sharp(pixels, { raw: { width: size, height: size, channels: 3 } }).resize(side, side, { kernel: 'lanczos3' }).png().toBuffer();

/** A coloured patch over each patch; `colour` gives null for one that is left bare. Pixels, for other image formats than photographs' may be blocked in this process. */
function veiled([rows, columns]: [number, number], colour: (patch: number) => [number, number, number] | null): Promise<Buffer> {
  const pixels = new Uint8Array(rows * columns * 4);
  for (let patch = 0; patch < rows * columns; patch++) {
    const rgb = colour(patch);
    if (rgb) pixels.set([...rgb, veil], patch * 4);
  }
  return sharp(pixels, { raw: { width: columns, height: rows, channels: 4 } }).resize(side, side, { kernel: 'nearest' }).png().toBuffer();
}

/**
 * Writes a PNG of four fields: above A and B; below, in B each place in a colour of its own, and in A each patch in the colour
 * of the place where its match lies. A patch that is not its match's own best match stays bare.
 */
export async function correspondencePicture(path: string, { grid, a, b, best, mutual }: Correspondence): Promise<void> {
  const [imageA, imageB, matches, places] = await Promise.all([picture(a), picture(b), veiled(grid, (patch) => (mutual[patch] ? placeColour(grid, best[patch]!) : null)), veiled(grid, (patch) => placeColour(grid, patch))]);
  const [right, lower] = [side + 2 * gap, side + 2 * gap];
  const fields = [[imageA, gap, gap], [imageB, right, gap], [imageA, gap, lower], [matches, gap, lower], [imageB, right, lower], [places, right, lower]] as const;
  await sharp({ create: { width: 2 * side + 3 * gap, height: 2 * side + 3 * gap, channels: 3, background } }).composite(fields.map(([input, left, top]) => ({ input, left, top }))).png({ compressionLevel: 9 }).toFile(path);
}
