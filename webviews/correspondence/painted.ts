/** What a method made of view a: patches that it did not see, or the whole picture from its codes; how far off it is, in words. No drawing, so that tests run it as it is. */

export interface Painted {
  /** [grid * grid], 1 is hidden; null: it read the picture whole. */
  mask: number[] | null;
  /** [size, size, 3] RGB. */
  pixels: Uint8Array;
  normalised: boolean;
}

/** Of what it sees, and of what it paints. */
export function paintedCaptions({ mask, normalised }: Painted): [string, string] {
  if (!mask) return ['What the model sees', 'What it paints from its codes alone'];
  return [`What the model sees: ${mask.filter((hidden) => hidden === 0).length} of ${mask.length} patches`, normalised ? 'What it paints, each patch up to its own brightness and contrast: shown with those of the patches seen' : 'What it paints'];
}

/** For each pixel whether it was painted: those of hidden patches, or all. */
function isPainted(size: number, grid: number, mask: readonly number[] | null): (y: number, x: number) => boolean {
  const side = size / grid;
  return mask ? (y, x) => mask[Math.floor(y / side) * grid + Math.floor(x / side)] === 1 : () => true;
}

/** A picture [size, size, 3] with what was painted of it. */
export function paintedPicture(original: Uint8Array, size: number, grid: number, { mask, pixels }: Painted): Uint8Array {
  const result = original.slice(), painted = isPainted(size, grid, mask);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const at = 3 * (y * size + x);
      if (painted(y, x)) result.set(pixels.subarray(at, at + 3), at);
    }
  return result;
}

/** How far the painted pixels are from the true ones, beside what one colour would be: the mean of what is seen. */
export function paintedAnswer(original: Uint8Array, size: number, grid: number, { mask, pixels }: Painted): { bold: string; rest: string } {
  const painted = isPainted(size, grid, mask);
  const every = (wanted: boolean, see: (at: number) => void): void => {
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if (painted(y, x) === wanted) see(3 * (y * size + x));
  };
  const mean = [0, 0, 0];
  let seen = 0, made = 0, off = 0, offOfMean = 0;
  every(mask === null, (at) => {
    seen++;
    for (let c = 0; c < 3; c++) mean[c]! += original[at + c]!;
  });
  every(true, (at) => {
    made++;
    for (let c = 0; c < 3; c++) {
      off += Math.abs(original[at + c]! - pixels[at + c]!) / 3;
      offOfMean += Math.abs(original[at + c]! - mean[c]! / seen) / 3;
    }
  });
  if (made === 0) return { bold: 'Nothing was hidden this time', rest: ': draw other views.' };
  const text = (sum: number): string => (sum / made).toFixed(1);
  return { bold: `What it paints is off by ${text(off)} of 255 on average`, rest: seen === 0 ? '.' : ` (one colour alone, the mean of what it sees: ${text(offOfMean)}).` };
}
