/** The two 32-bit cyclic redundancy checks of our formats: CRC-32 (ZIP) and CRC-32C (TensorBoard's records). */

/** Eight tables of 256, for eight bytes a round (Intel's "slicing-by-8"). `polynomial` is bit-reversed. */
function makeTables(polynomial: number): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc;
  });
  const tables = [first];
  for (let i = 1; i < 8; i++) tables.push(tables[i - 1]!.map((crc) => (crc >>> 8) ^ first[crc & 255]!));
  return tables;
}

/** The checksum of `bytes`; `previous` is that of what came before them. */
type Checksum = (bytes: Uint8Array, previous?: number) => number;

function checksum(polynomial: number): Checksum {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = makeTables(polynomial) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  return (bytes, previous = 0) => {
    let crc = ~previous;
    let i = 0;
    for (const end = bytes.length - 7; i < end; i += 8) {
      crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      crc = t7[crc & 255]! ^ t6[(crc >>> 8) & 255]! ^ t5[(crc >>> 16) & 255]! ^ t4[crc >>> 24]!
        ^ t3[bytes[i + 4]!]! ^ t2[bytes[i + 5]!]! ^ t1[bytes[i + 6]!]! ^ t0[bytes[i + 7]!]!;
    }
    for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]!) & 255]!;
    return ~crc >>> 0;
  };
}

/** CRC-32 of ZIP (IEEE 802.3). */
export const crc32 = checksum(0xedb88320);

/** CRC-32C (Castagnoli). */
export const crc32c = checksum(0x82f63b78);
