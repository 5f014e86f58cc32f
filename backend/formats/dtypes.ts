/** Element types of tensor files: their sizes, and what their bytes mean as float32. Bytes are little-endian, as on every platform that we run on. */
import { InputError } from '../errors.ts';

/** Bits an element, by safetensors' names; the order is safetensors' own, from narrow to wide. */
const bitsOf = {
  F4: 4, F6_E2M3: 6, F6_E3M2: 6,
  BOOL: 8, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8,
  I16: 16, U16: 16, F16: 16, BF16: 16,
  I32: 32, U32: 32, F32: 32,
  C64: 64, F64: 64, I64: 64, U64: 64,
} as const;

export type DType = keyof typeof bitsOf;

export const dtypes = Object.keys(bitsOf) as DType[];

export const isDType = (name: string): name is DType => Object.hasOwn(bitsOf, name);

/** Bits an element. */
export const dtypeBits = (dtype: DType): number => bitsOf[dtype];

/** Elements of a shape, or null beyond 2^53 - 1. A scalar (`[]`) has one. */
export function elementCount(shape: readonly number[]): number | null {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return null;
  }
  return count;
}

/** Bytes of a contiguous tensor; null beyond 2^53 - 1, or where its last byte would be split (sub-byte types). */
export function byteLength(dtype: DType, shape: readonly number[]): number | null {
  const count = elementCount(shape);
  if (count === null) return null;
  const bits = count * bitsOf[dtype];
  return Number.isSafeInteger(bits) && bits % 8 === 0 ? bits / 8 : null;
}

/** The value of every half-precision number (IEEE 754 binary16) by its 16 bits; made on first use. */
let halfTable: Float32Array | null = null;

function halves(): Float32Array {
  halfTable ??= Float32Array.from({ length: 65536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
  return halfTable;
}

/** A typed array over a copy of `bytes` only where they are not aligned for it. */
function aligned(bytes: Uint8Array, size: number): { buffer: ArrayBufferLike; offset: number; length: number } {
  const source = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return { buffer: source.buffer, offset: source.byteOffset, length: Math.floor(source.byteLength / size) };
}

/**
 * The values of `bytes` as float32; 64-bit types are rounded. F32 bytes that are aligned are not copied.
 * Throws InputError for types without a float32 meaning here (complex, 8-bit and narrower floats).
 */
export function toFloat32(bytes: Uint8Array, dtype: DType): Float32Array {
  const { buffer, offset, length } = aligned(bytes, Math.max(1, bitsOf[dtype] / 8));
  switch (dtype) {
    case 'F32': return new Float32Array(buffer, offset, length);
    case 'F64': return Float32Array.from(new Float64Array(buffer, offset, length));
    case 'F16': {
      const table = halves();
      return Float32Array.from(new Uint16Array(buffer, offset, length), (bits) => table[bits]!);
    }
    case 'BF16': {
      // A bfloat16 is the upper half of a float32.
      const words = Uint32Array.from(new Uint16Array(buffer, offset, length), (bits) => bits << 16);
      return new Float32Array(words.buffer);
    }
    case 'I64': return Float32Array.from(new BigInt64Array(buffer, offset, length), Number);
    case 'U64': return Float32Array.from(new BigUint64Array(buffer, offset, length), Number);
    case 'I32': return Float32Array.from(new Int32Array(buffer, offset, length));
    case 'U32': return Float32Array.from(new Uint32Array(buffer, offset, length));
    case 'I16': return Float32Array.from(new Int16Array(buffer, offset, length));
    case 'U16': return Float32Array.from(new Uint16Array(buffer, offset, length));
    case 'I8': return Float32Array.from(new Int8Array(buffer, offset, length));
    case 'U8':
    case 'BOOL': return Float32Array.from(new Uint8Array(buffer, offset, length));
    case 'C64': case 'F8_E5M2': case 'F8_E4M3': case 'F8_E8M0': case 'F4': case 'F6_E2M3': case 'F6_E3M2':
      throw new InputError(`a tensor of dtype ${dtype} cannot be read as float32: convert it to F32, F16 or BF16 first`);
  }
}
