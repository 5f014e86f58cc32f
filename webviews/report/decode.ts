/** Arrays out of base64, little-endian as they were written. */

export const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
export const float32 = (text: string): Float32Array => new Float32Array(bytes(text).buffer);
export const float64 = (text: string): Float64Array => new Float64Array(bytes(text).buffer);
