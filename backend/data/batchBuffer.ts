/** The shared memory of one batch: workers claim its slots, write pixels, crops and masks, and count down to the end. */
import type { Crop } from '../augment/geometry.ts';

/** What one view of a sample takes. */
export interface ViewShape {
  name: string;
  /** Side, in pixels. */
  size: number;
  /** Patches of its mask; 0 where it has none. */
  patches: number;
}

/** Int32 cells of a crop: its six numbers and whether it is flipped. */
const cropCells = 7;

const align = (bytes: number) => Math.ceil(bytes / 64) * 64;

/**
 * One batch in shared memory: [next slot, slots left, whether each slot is done], then for each view its crops, masks and pixels.
 * Wrapping the same buffer in another thread sees the same batch.
 */
export class BatchBuffer {
  readonly buffer: SharedArrayBuffer;
  readonly count: number;
  readonly views: { shape: ViewShape; crops: Int32Array; masks: Uint8Array; pixels: Uint8Array }[];
  private readonly control: Int32Array;

  constructor(shapes: readonly ViewShape[], count: number, buffer?: SharedArrayBuffer) {
    this.count = count;
    this.buffer = buffer ?? new SharedArrayBuffer(BatchBuffer.bytes(shapes, count));
    this.control = new Int32Array(this.buffer, 0, 2 + count);
    if (!buffer) this.control[1] = count;
    let at = align(4 * (2 + count));
    this.views = shapes.map((shape) => {
      const crops = new Int32Array(this.buffer, at, count * cropCells);
      at += align(crops.byteLength);
      const masks = new Uint8Array(this.buffer, at, count * shape.patches);
      at += align(masks.byteLength);
      const pixels = new Uint8Array(this.buffer, at, count * shape.size ** 2 * 3);
      at += align(pixels.byteLength);
      return { shape, crops, masks, pixels };
    });
  }

  /** Bytes of a batch of `count` samples. */
  static bytes(shapes: readonly ViewShape[], count: number): number {
    return shapes.reduce((sum, { size, patches }) => sum + align(count * cropCells * 4) + align(count * patches) + align(count * size ** 2 * 3), align(4 * (2 + count)));
  }

  /** The next slot that nobody has begun, or null. */
  claim(): number | null {
    const slot = Atomics.add(this.control, 0, 1);
    return slot < this.count ? slot : null;
  }

  isDone(slot: number): boolean {
    return Atomics.load(this.control, 2 + slot) === 1;
  }

  /** Counts a slot as done; true for the last one. */
  finish(slot: number): boolean {
    Atomics.store(this.control, 2 + slot, 1);
    return Atomics.sub(this.control, 1, 1) === 1;
  }

  /** Takes over a batch of one, of the same shapes. */
  writeSample(slot: number, sample: BatchBuffer): void {
    this.views.forEach(({ crops, masks, pixels }, view) => {
      const from = sample.views[view]!;
      crops.set(from.crops, slot * from.crops.length);
      masks.set(from.masks, slot * from.masks.length);
      pixels.set(from.pixels, slot * from.pixels.length);
    });
  }

  writeView(slot: number, view: number, pixels: Uint8Array, crop: Crop | null, mask: Uint8Array | null): void {
    const target = this.views[view]!;
    target.pixels.set(pixels, slot * pixels.length);
    if (mask) target.masks.set(mask, slot * mask.length);
    if (crop) target.crops.set([crop.top, crop.left, crop.height, crop.width, Number(crop.flipped), crop.imageWidth, crop.imageHeight], slot * cropCells);
  }

  crop(slot: number, view: number): Crop {
    const [top, left, height, width, flipped, imageWidth, imageHeight] = this.views[view]!.crops.subarray(slot * cropCells, (slot + 1) * cropCells);
    return { top: top!, left: left!, height: height!, width: width!, flipped: flipped === 1, imageWidth: imageWidth!, imageHeight: imageHeight! };
  }
}
