/** Messages with binary parts as bytes, for the test's host page: the length of a JSON head, the head, then the parts in order. */

/** Buffers stand in the head as {"$part": [offset, length]}. */
export function encodeFrame(message: unknown): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  const head = Buffer.from(JSON.stringify(message, (_key, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
    if (!(value instanceof ArrayBuffer)) return value;
    parts.push(Buffer.from(value));
    const place = [at, value.byteLength];
    at += value.byteLength;
    return { $part: place };
  }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, ...parts]);
}

export function decodeFrame(bytes: Buffer): unknown {
  const start = 4 + bytes.readUInt32LE();
  return JSON.parse(bytes.toString('utf8', 4, start), (_key, value: { $part?: [number, number]; $number?: string } | null) => {
    if (typeof value === 'object' && value !== null && value.$number !== undefined) return Number(value.$number);
    if (typeof value === 'object' && value !== null && value.$part) return Uint8Array.from(bytes.subarray(start + value.$part[0], start + value.$part[0] + value.$part[1])).buffer;
    return value;
  });
}

/** The same two functions for the page around the webview. */
export const frameScript = `
const numbers = (_key, value) => (typeof value === 'number' && !Number.isFinite(value) ? { $number: String(value) } : value);
async function encodeFrame(message) {
  const parts = []; let at = 0;
  const head = new TextEncoder().encode(JSON.stringify(message, (key, value) => {
    if (!(value instanceof ArrayBuffer)) return numbers(key, value);
    parts.push(new Uint8Array(value)); const place = [at, value.byteLength]; at += value.byteLength; return { $part: place };
  }));
  return new Blob([new Uint32Array([head.length]), head, ...parts]);
}
function decodeFrame(bytes) {
  const start = 4 + new DataView(bytes).getUint32(0, true);
  return JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, start - 4)), (_key, value) => {
    if (value && value.$number !== undefined) return Number(value.$number);
    if (value && value.$part) return bytes.slice(start + value.$part[0], start + value.$part[0] + value.$part[1]);
    return value;
  });
}`;
