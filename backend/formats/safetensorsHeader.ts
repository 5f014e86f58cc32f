/**
 * The header of a safetensors file, parsed by the format's own grammar: names to { dtype, shape, data_offsets }, and
 * `__metadata__` to strings. General JSON parsers hide what makes a header hostile: duplicate keys, numbers past 2^53.
 */
import { isUtf8 } from 'node:buffer';
import { InputError } from '../errors.ts';
import { DamagedFileError } from './damage.ts';
import { byteLength, dtypes, isDType } from './dtypes.ts';
import type { DType } from './dtypes.ts';

/** The format's own limit, in bytes. */
export const maxHeaderBytes = 100_000_000;
/** No model has as many; a header of the full 100 MB could name two million, and take seconds and gigabytes. */
const maxTensors = 250_000;
/** As many as PyTorch allows. */
const maxDimensions = 64;

export interface HeaderTensor {
  name: string;
  dtype: DType;
  shape: number[];
  /** First byte and end, counted from the end of the header. */
  start: number;
  end: number;
}

export interface Header {
  tensors: HeaderTensor[];
  metadata: Record<string, string>;
}

const quote = 0x22, comma = 0x2c, colon = 0x3a, openBracket = 0x5b, backslash = 0x5c, closeBracket = 0x5d, openBrace = 0x7b, closeBrace = 0x7d;

const isSpace = (code: number | undefined) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
/** Where a string's plain characters end: its quote, an escape or a control character. */
const isSpecial = (code: number | undefined) => code === undefined || code === quote || code === backslash || code < 0x20;

/** Reads the grammar from left to right over the bytes of UTF-8 text, where none of the grammar's own bytes is part of another character; every failure says at which byte of the header. */
class HeaderParser {
  private readonly bytes: Buffer;
  private position = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  parse(): Header {
    const tensors: HeaderTensor[] = [];
    let metadata: Record<string, string> = {};
    const names = new Set<string>();
    this.object((name) => {
      if (names.has(name)) this.fail(`has the key "${shown(name)}" twice`);
      names.add(name);
      if (names.size > maxTensors) this.fail(`names more than ${maxTensors} tensors`);
      if (name === '__metadata__') metadata = this.metadata();
      else tensors.push(this.tensor(name));
    });
    if (this.peek() !== undefined) this.fail('goes on after its closing brace');
    return { tensors, metadata };
  }

  private tensor(name: string): HeaderTensor {
    let dtype: string | undefined, shape: number[] | undefined, offsets: number[] | undefined;
    this.object((key) => {
      const known = key === 'dtype' ? dtype : key === 'shape' ? shape : key === 'data_offsets' ? offsets : this.fail(`gives tensor "${shown(name)}" the unknown key "${shown(key)}"`);
      if (known !== undefined) this.fail(`gives tensor "${shown(name)}" the key "${key}" twice`);
      if (key === 'dtype') dtype = this.string();
      else if (key === 'shape') shape = this.integers(name);
      else offsets = this.integers(name);
    });
    if (dtype === undefined || shape === undefined || offsets === undefined) return this.fail(`gives tensor "${shown(name)}" no ${dtype === undefined ? 'dtype' : shape === undefined ? 'shape' : 'data_offsets'}`);
    if (!isDType(dtype)) return this.fail(`gives tensor "${shown(name)}" the unknown dtype "${shown(dtype)}" (known: ${dtypes.join(', ')})`);
    const [start, end, ...more] = offsets;
    if (start === undefined || end === undefined || more.length > 0) return this.fail(`gives tensor "${shown(name)}" data_offsets that are not two numbers`);
    return { name, dtype, shape, start, end };
  }

  private metadata(): Record<string, string> {
    const entries = new Map<string, string>();
    this.object((key) => {
      if (entries.has(key)) this.fail(`has the metadata key "${shown(key)}" twice`);
      entries.set(key, this.string());
    });
    return Object.fromEntries(entries);
  }

  /** `{ "key": member, ... }`; `member` must read the value. */
  private object(member: (key: string) => void): void {
    this.expect(openBrace, '"{"');
    if (this.take(closeBrace)) return;
    do {
      const key = this.string();
      this.expect(colon, '":"');
      member(key);
    } while (this.take(comma));
    this.expect(closeBrace, '"," or "}"');
  }

  private integers(name: string): number[] {
    const values: number[] = [];
    this.expect(openBracket, '"["');
    if (this.take(closeBracket)) return values;
    do {
      if (values.length === maxDimensions) this.fail(`gives tensor "${shown(name)}" more than ${maxDimensions} dimensions`);
      values.push(this.integer(name));
    } while (this.take(comma));
    this.expect(closeBracket, '"," or "]"');
    return values;
  }

  private integer(name: string): number {
    const first = this.peek();
    const start = this.position;
    let value = 0;
    for (let code = first; code !== undefined && code >= 0x30 && code <= 0x39; code = this.bytes[++this.position]) {
      value = value * 10 + code - 0x30;
      if (value > Number.MAX_SAFE_INTEGER) this.fail(`gives tensor "${shown(name)}" a number beyond 2^53 - 1`);
    }
    const length = this.position - start;
    if (length === 0 || (length > 1 && first === 0x30)) this.fail(`gives tensor "${shown(name)}" a number that is not a non-negative integer`);
    return value;
  }

  private string(): string {
    this.expect(quote, 'a string');
    const { bytes } = this, { length } = bytes;
    const start = this.position;
    let end = start, escaped = false;
    for (;;) {
      while (end < length && !isSpecial(bytes[end])) end++;
      if (end >= length || bytes[end] !== backslash) break;
      escaped = true;
      end += 2;
    }
    this.position = Math.min(end + 1, length);
    if (end >= length || bytes[end] !== quote) return this.fail('has a string without an end');
    const text = bytes.toString('utf8', start, end);
    if (!escaped) return text;
    try {
      return JSON.parse(`"${text}"`) as string;
    } catch {
      return this.fail('has a string with an invalid escape');
    }
  }

  private expect(code: number, what: string): void {
    if (!this.take(code)) this.fail(`lacks ${what}`);
  }

  private take(code: number): boolean {
    if (this.peek() !== code) return false;
    this.position++;
    return true;
  }

  /** The next byte, white space skipped; undefined at the end. */
  private peek(): number | undefined {
    const { bytes } = this, { length } = bytes;
    let { position } = this;
    // Reading an array past its end, even once, makes every later read of it slower.
    while (position < length && isSpace(bytes[position])) position++;
    this.position = position;
    return position < length ? bytes[position] : undefined;
  }

  private fail(what: string): never {
    throw new DamagedFileError(`its header ${what} (at byte ${this.position})`, this.position);
  }
}

/** A name for a message: never longer than a line, without control characters. */
export const shown = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}...` : name).slice(1, -1);

/**
 * Parses the header and holds it against the bytes that follow it: every tensor as long as its shape says, and all
 * of them together covering the data without overlap, hole or trailer. Throws InputError with the first violation; where a byte shows it, that is counted from the header's first.
 */
export function parseHeader(bytes: Buffer, dataBytes: number): Header {
  if (bytes[0] !== openBrace) throw new DamagedFileError('its header does not begin with "{"', 0);
  if (!isUtf8(bytes)) throw new InputError('its header is not UTF-8 text');
  const header = new HeaderParser(bytes).parse();
  for (const { name, dtype, shape, start, end } of header.tensors) {
    const expected = byteLength(dtype, shape);
    if (expected === null) throw new InputError(`tensor "${shown(name)}" of dtype ${dtype} and shape [${shape.slice(0, 8).join(', ')}] has no whole number of bytes up to 2^53 - 1`);
    if (end < start) throw new InputError(`tensor "${shown(name)}" ends at byte ${end}, before it starts at byte ${start}`);
    if (end > dataBytes) throw new DamagedFileError(`tensor "${shown(name)}" ends at byte ${end} of the data, which has only ${dataBytes}: the file was cut short`, bytes.length + dataBytes);
    if (end - start !== expected) throw new InputError(`tensor "${shown(name)}" takes ${end - start} bytes, but dtype ${dtype} and shape [${shape.slice(0, 8).join(', ')}] need ${expected}`);
  }
  const inOrder = [...header.tensors].sort((a, b) => a.start - b.start || a.end - b.end);
  let covered = 0;
  for (const { name, start, end } of inOrder) {
    if (start < covered) throw new DamagedFileError(`tensor "${shown(name)}" starts at byte ${start} of the data, inside another tensor that ends at byte ${covered}`, bytes.length + start);
    if (start > covered) throw new DamagedFileError(`bytes ${covered} to ${start} of the data, before tensor "${shown(name)}", belong to no tensor`, bytes.length + covered);
    covered = end;
  }
  if (covered !== dataBytes) throw new DamagedFileError(`the last ${dataBytes - covered} bytes of the data belong to no tensor`, bytes.length + covered);
  return header;
}
