/**
 * Where views lie in their image, and what that makes true between two of them: which point of one is which point of
 * the other. Coordinates of a crop are pixels of the image as that view saw it: a flipped view flips the whole image
 * first and crops then, so two views agree on columns only after the flip is undone.
 */

/** Where a view was taken: pixels of the image as that view saw it (a flipped view flips the whole image first, then crops). */
export interface Crop {
  top: number;
  left: number;
  height: number;
  width: number;
  flipped: boolean;
  imageWidth: number;
  imageHeight: number;
}

/** A point of a view, in shares of its height and width: (0, 0) is the top left corner, (1, 1) the bottom right one. */
export interface ViewPoint {
  row: number;
  column: number;
}

/** The place of view b's crop in the frame of view a's crop (SiameseIM, "relative position"): a is the online view, b the target view. */
export interface RelativeGeometry {
  /** (top_b - top_a) / height_a. */
  deltaI: number;
  /** (left_b - left_a) / width_a; meaningful where `relativeFlip` is false. */
  deltaJ: number;
  /** height_b / height_a. */
  deltaH: number;
  /** width_b / width_a. */
  deltaW: number;
  /** Exactly one of the two views is flipped. */
  relativeFlip: boolean;
  /** (imageWidth - left_a - left_b) / width_a; meaningful where `relativeFlip` is true. */
  flipDeltaJ: number;
}

/** How crop b lies in crop a's frame, as SiameseIM's relative position embedding takes it. */
export function relativeGeometry(a: Crop, b: Crop): RelativeGeometry {
  return {
    deltaI: (b.top - a.top) / a.height,
    deltaJ: (b.left - a.left) / a.width,
    deltaH: b.height / a.height,
    deltaW: b.width / a.width,
    relativeFlip: a.flipped !== b.flipped,
    flipDeltaJ: (a.imageWidth - a.left - b.left) / a.width,
  };
}

/** The same point of the image, seen in view `to`; outside [0, 1] where `to` does not hold it. `mapPoint(b, a, mapPoint(a, b, p))` is p. */
export function mapPoint(from: Crop, to: Crop, point: ViewPoint): ViewPoint {
  const y = from.top + point.row * from.height;
  const x = from.left + point.column * from.width;
  const xInTo = from.flipped === to.flipped ? x : from.imageWidth - x;
  return { row: (y - to.top) / to.height, column: (xInTo - to.left) / to.width };
}

/**
 * For each patch of view `from` the patch of view `to` that holds its centre, or -1 where that point lies outside `to`.
 * Both views have grid x grid patches; patches are numbered by rows. Returns [grid * grid].
 */
export function matchPatches(from: Crop, to: Crop, grid: number): Int32Array {
  const matches = new Int32Array(grid * grid);
  for (let patch = 0; patch < matches.length; patch++) {
    const centre = { row: (Math.floor(patch / grid) + 0.5) / grid, column: ((patch % grid) + 0.5) / grid };
    const there = mapPoint(from, to, centre);
    const inside = there.row >= 0 && there.row < 1 && there.column >= 0 && there.column < 1;
    matches[patch] = inside ? Math.floor(there.row * grid) * grid + Math.floor(there.column * grid) : -1;
  }
  return matches;
}

/** The share of crop a's area that crop b holds too, in [0, 1]. */
export function overlapShare(a: Crop, b: Crop): number {
  const left = a.flipped === b.flipped ? b.left : a.imageWidth - b.left - b.width;
  const rows = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  const columns = Math.min(a.left + a.width, left + b.width) - Math.max(a.left, left);
  return (Math.max(0, rows) * Math.max(0, columns)) / (a.height * a.width);
}
