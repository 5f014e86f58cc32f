/** What the loader hands to a training step: the views of a batch of images, with where they were taken. */
import type { Crop } from '../augment/geometry.ts';

export interface ViewBatch {
  name: string;
  /** Side of the view, in pixels. */
  size: number;
  /** [batch, size, size, 3] RGB, after all ops, not normalised. */
  pixels: Uint8Array;
  crops: Crop[];
  /** [batch, patches], 1 is masked; null where the plan has no mask for this view. */
  mask: Uint8Array | null;
}

/** A file that could not be read and was replaced by another sample. */
export interface SkippedFile {
  file: string;
  reason: string;
}

export interface Batch {
  step: number;
  epoch: number;
  /** [batch], of the dataset. */
  indices: Uint32Array;
  files: string[];
  /** [batch], of the dataset's classes; null where it has none. */
  labels: Int32Array | null;
  views: ViewBatch[];
  skipped: SkippedFile[];
}
