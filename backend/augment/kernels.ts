/** The WebAssembly kernels of one thread, and the memory that they work in: one arena, freed as a whole between samples. */
import { readFileSync } from 'node:fs';
import { builtFile } from '../assets.ts';

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** What is used of the global WebAssembly, which the types of Node 20 lack. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** The exports of kernels/image.ts, kernels/policy.ts and kernels/filter.ts; pointers are byte offsets into `memory`. */
interface KernelExports {
  memory: Memory;
  heapBase(): number;
  resizeRows(source: number, sourceStride: number, rows: number, target: number, columns: number, starts: number, coefficients: number, taps: number): void;
  resizeColumns(source: number, width: number, target: number, rows: number, starts: number, coefficients: number, taps: number): void;
  gaussianBlur(image: number, width: number, height: number, scratch0: number, scratch1: number, radius: number, windowWeight: number, farWeight: number): void;
  blendLevel(image: number, count: number, level: number, factor: number): void;
  lumaSum(image: number, pixels: number): bigint;
  blendLuma(image: number, pixels: number, factor: number): void;
  solarize(image: number, count: number, threshold: number): void;
  shiftHue(image: number, pixels: number, shift: number): void;
  histogram(image: number, pixels: number, counts: number): void;
  mapChannels(image: number, pixels: number, tables: number): void;
  affine(source: number, target: number, width: number, height: number, isCubic: number, a: number, b: number, c: number, d: number, e: number, f: number): void;
  sharpen(source: number, target: number, width: number, height: number, factor: number): void;
  orient(source: number, target: number, width: number, height: number, orientation: number): void;
  weightedRows(source: number, sourceStride: number, target: number, rows: number, length: number, offsets: number, weights: number, taps: number): void;
  weightedColumns(source: number, sourceStride: number, target: number, rows: number, length: number, offsets: number, weights: number, firsts: number, counts: number): void;
}

/** Kernels read and write sixteen bytes at a time, so every buffer has this many spare bytes behind it. */
const padding = 32;
const pageBytes = 65536;
/** An arena that a rare huge image blew up beyond this is given back to the system, since WebAssembly memory never shrinks. */
const keptBytes = 256 * 1024 * 1024;

let compiled: object | undefined;

/** Packed RGB in the arena: width * height * 3 bytes at `pointer`. Valid until the arena is reset. */
export interface Picture {
  pointer: number;
  width: number;
  height: number;
}

/** One thread's kernels and arena. */
export class Kernels {
  run: KernelExports;
  private top: number;
  private view: Uint8Array;

  constructor() {
    ({ run: this.run, top: this.top, view: this.view } = instantiate());
  }

  /** Reserves bytes, aligned to 16. Offsets stay valid when the memory grows; views from `bytes` do not. */
  allocate(bytes: number): number {
    const pointer = this.top;
    this.top = pointer + Math.ceil((bytes + padding) / 16) * 16;
    const missing = this.top - this.run.memory.buffer.byteLength;
    if (missing > 0) {
      // Grow by a quarter at least: growing moves the memory.
      const pages = Math.ceil(Math.max(missing, this.run.memory.buffer.byteLength / 4) / pageBytes);
      this.run.memory.grow(pages);
      this.view = new Uint8Array(this.run.memory.buffer);
    }
    return pointer;
  }

  /** Frees all that was allocated since `mark`. */
  release(mark: number): void {
    this.top = mark;
  }

  /** Where the arena stands, for `release`. */
  mark(): number {
    return this.top;
  }

  /** Frees everything, for the next sample. */
  reset(): void {
    if (this.view.byteLength > keptBytes) ({ run: this.run, top: this.top, view: this.view } = instantiate());
    else this.top = Math.ceil(this.run.heapBase() / 16) * 16;
  }

  /** The arena's bytes at `pointer`; valid until the next `allocate`. */
  bytes(pointer: number, length: number): Uint8Array {
    return this.view.subarray(pointer, pointer + length);
  }

  /** Copies numbers into the arena. */
  numbers(values: Float64Array | Int32Array): number {
    const pointer = this.allocate(values.byteLength);
    this.view.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), pointer);
    return pointer;
  }

  /** Copies packed RGB into the arena. */
  picture(pixels: Uint8Array, width: number, height: number): Picture {
    const pointer = this.allocate(pixels.length);
    this.view.set(pixels, pointer);
    return { pointer, width, height };
  }

  /** The bytes of a picture; valid until the next `allocate`. */
  pixels(picture: Picture): Uint8Array {
    return this.bytes(picture.pointer, picture.width * picture.height * 3);
  }
}

function instantiate(): { run: KernelExports; top: number; view: Uint8Array } {
  compiled ??= new WebAssembly.Module(readFileSync(builtFile('image.wasm')));
  const run = new WebAssembly.Instance(compiled, {}).exports as KernelExports;
  return { run, top: Math.ceil(run.heapBase() / 16) * 16, view: new Uint8Array(run.memory.buffer) };
}
