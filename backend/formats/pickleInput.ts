/** The arguments of a pickle's opcodes, read in order and never beyond the end. */
import { DamagedFileError } from './damage.ts';

/** Python integers in checkpoints are counters, seeds and generator states; longer ones only cost time. */
const maxIntegerBytes = 256;

export class OpcodeReader {
  private readonly buffer: Buffer;
  position = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  get atEnd(): boolean {
    return this.position === this.buffer.length;
  }

  byte(): number {
    return this.buffer[this.take(1)]!;
  }

  /** Little-endian and unsigned, of 1, 2, 4 or 8 bytes. */
  unsigned(size: 1 | 2 | 4 | 8): number {
    const start = this.take(size);
    if (size < 8) return this.buffer.readUIntLE(start, size);
    const value = this.buffer.readBigUInt64LE(start);
    return value > Number.MAX_SAFE_INTEGER ? this.fail('claims a length beyond 2^53 - 1') : Number(value);
  }

  int32(): number {
    return this.buffer.readInt32LE(this.take(4));
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8));
  }

  bytes(length: number): Uint8Array {
    const start = this.take(length);
    return this.buffer.subarray(start, start + length);
  }

  text(length: number, encoding: 'utf8' | 'latin1'): string {
    const start = this.take(length);
    return this.buffer.toString(encoding, start, start + length);
  }

  /** A string of protocol 0: Latin-1, with \uXXXX and \UXXXXXXXX for what that lacks (Python's raw-unicode-escape). */
  unicodeLine(): string {
    return this.line('latin1').replace(/\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})/g, (_, short?: string, long?: string) => {
      const code = Number.parseInt(short ?? long!, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : this.fail('has a character beyond Unicode');
    });
  }

  /** Up to the next line feed, which is skipped. */
  line(encoding: 'utf8' | 'latin1'): string {
    const end = this.buffer.indexOf(0x0a, this.position);
    if (end < 0) return this.fail('has a line without an end');
    const text = this.buffer.toString(encoding, this.position, end);
    this.position = end + 1;
    return text;
  }

  /** Bytes of protocol 0 as text: the line between its quotes, escapes as they stand. */
  quotedLine(): string {
    const line = this.line('latin1');
    const [first, last] = [line[0], line.at(-1)];
    return line.length >= 2 && first === last && (first === '"' || first === "'") ? line.slice(1, -1) : this.fail('has a string without quotes');
  }

  textFloat(): number {
    const line = this.line('latin1');
    const value = line === 'nan' ? NaN : line === 'inf' ? Infinity : line === '-inf' ? -Infinity : Number(line || 'x');
    return Number.isNaN(value) && line !== 'nan' ? this.fail('has a number that is none') : value;
  }

  /** An integer of protocol 0; there `00` and `01` are the booleans where `booleans`. */
  textInteger(booleans: boolean): number | bigint | boolean {
    const line = this.line('latin1').replace(/L$/, '');
    if (booleans && (line === '00' || line === '01')) return line === '01';
    if (!/^-?\d{1,300}$/.test(line)) return this.fail('has an integer that is none');
    return smallest(BigInt(line));
  }

  /** Two's complement, little-endian, of any length. */
  signedInteger(length: number): number | bigint {
    if (length > maxIntegerBytes) return this.fail(`has an integer of ${length} bytes`);
    const bytes = Buffer.from(this.bytes(length)).reverse();
    return length === 0 ? 0 : smallest(BigInt.asIntN(length * 8, BigInt(`0x${bytes.toString('hex')}`)));
  }

  private take(length: number): number {
    if (length > this.buffer.length - this.position) return this.fail(`ends inside a value of ${length} bytes`);
    const start = this.position;
    this.position += length;
    return start;
  }

  private fail(what: string): never {
    throw new DamagedFileError(`its pickle ${what} (at byte ${this.position})`, this.position);
  }
}

/** A number where it holds the integer exactly. */
const smallest = (value: bigint): number | bigint => (BigInt.asIntN(54, value) === value && value !== -(2n ** 53n) ? Number(value) : value);
