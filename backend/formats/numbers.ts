/** A tensor's values as they are, to be looked at: toFloat32 rounds 64-bit types, so that what is finite there may not be here. */
import type { DType } from './dtypes.ts';
import { dtypeBits, toFloat32 } from './dtypes.ts';

/** The values of 8-bit floats by their bits: sign, `exponentBits` of exponent with its bias, the rest fraction (OCP 8-bit floating point specification 1.0). */
function smallFloats(exponentBits: number, bias: number, valueOfTop: (fraction: number, sign: number) => number | null): Float32Array {
  const fractionBits = 7 - exponentBits;
  return Float32Array.from({ length: 256 }, (_, bits) => {
    const sign = bits & 0x80 ? -1 : 1, exponent = (bits & 0x7f) >> fractionBits, fraction = bits & (2 ** fractionBits - 1);
    const top = exponent === 2 ** exponentBits - 1 ? valueOfTop(fraction, sign) : null;
    if (top !== null) return top;
    return exponent === 0 ? sign * (fraction / 2 ** fractionBits) * 2 ** (1 - bias) : sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
  });
}

/** Made on first use. */
let tables: Partial<Record<DType, Float32Array>> | null = null;

const tableOf = (dtype: DType): Float32Array | undefined => (tables ??= {
  // No infinities, one pattern of NaN.
  F8_E4M3: smallFloats(4, 7, (fraction) => (fraction === 7 ? NaN : null)),
  F8_E5M2: smallFloats(5, 15, (fraction, sign) => (fraction === 0 ? sign * Infinity : NaN)),
  // Powers of two alone.
  F8_E8M0: Float32Array.from({ length: 256 }, (_, bits) => (bits === 255 ? NaN : 2 ** (bits - 127))),
})[dtype];

/**
 * The values of contiguous `bytes`; of complex numbers the real and imaginary parts in turn. 64-bit integers are rounded to doubles.
 * Throws InputError for types whose elements share bytes.
 */
export function toNumbers(bytes: Uint8Array, dtype: DType): Float32Array | Float64Array {
  const table = tableOf(dtype);
  if (table) return Float32Array.from(bytes, (bits) => table[bits]!);
  if (dtype === 'C64') return toFloat32(bytes, 'F32');
  if (dtype !== 'F64' && dtype !== 'I64' && dtype !== 'U64') return toFloat32(bytes, dtype);
  const size = dtypeBits(dtype) / 8;
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  const count = Math.floor(byteLength / size);
  if (dtype === 'F64') return new Float64Array(buffer, byteOffset, count);
  return Float64Array.from(dtype === 'I64' ? new BigInt64Array(buffer, byteOffset, count) : new BigUint64Array(buffer, byteOffset, count), Number);
}

/** Whether `toNumbers` has a meaning for the type. */
export const hasNumbers = (dtype: DType): boolean => dtypeBits(dtype) >= 8;
