/**
 * The numbers of JSON lines, fast: a million rows of metrics are read in a fraction of the time that JSON.parse takes, for nothing is
 * made of a row but its numbers. What the scanner does not know at sight (nested objects, escapes) is left to JSON.parse, and every
 * number is exactly the one that JSON.parse gives.
 */
import { decodeForeignRow } from './jsonLines.ts';

const quote = 0x22, comma = 0x2c, minus = 0x2d, point = 0x2e, zero = 0x30, colon = 0x3a, backslash = 0x5c, braceOpen = 0x7b, braceClose = 0x7d, lineFeed = 0x0a;

/** Up to here a power of ten, and a product or quotient of it with an exact integer, is correctly rounded (Clinger 1990). */
const exactPower = 22;
const powers = Float64Array.from({ length: exactPower + 1 }, (_, i) => 10 ** i);
const exactInteger = 2 ** 53, fourteenDigits = 1e14;
/** Halves the digits of a double (Dekker 1971). */
const splitter = 2 ** 27 + 1;

/** What rounding took from the product a b. */
function productError(a: number, b: number, product: number): number {
  const ca = splitter * a, ah = ca - (ca - a), al = a - ah;
  const cb = splitter * b, bh = cb - (cb - b), bl = b - bh;
  return ah * bh - product + ah * bl + al * bh + al * bl;
}

/** (high scale + low) / divisor of exact integers, correctly rounded; NaN where twice a double's precision is too little to tell which way. */
function quotient(high: number, scale: number, low: number, divisor: number): number {
  const product = high * scale;
  const sum = product + low, part = sum - product;
  const rest = product - (sum - part) + (low - part) + productError(high, scale, product);
  const first = sum / divisor, back = first * divisor;
  const correction = (sum - back - productError(first, divisor, back) + rest) / divisor;
  const value = first + correction * (1 + 2 ** -40);
  return value === first + correction * (1 - 2 ** -40) ? value : NaN;
}

const words = new Map<string, number | null>([['NaN', NaN], ['Infinity', Infinity], ['-Infinity', -Infinity], ['"NaN"', NaN], ['"Infinity"', Infinity], ['"-Infinity"', -Infinity], ['true', null], ['false', null], ['null', null]]);
/** Different keys of one file; more are not metrics. */
const maxKeys = 10_000;
/** Nesting of objects whose numbers are taken, by keys joined with a slash. */
const maxDepth = 4;

const isSpace = (c: number | undefined): boolean => c === 0x20 || c === 0x09 || c === 0x0d;

export class NumberRows {
  /** Every key seen, by its number. */
  readonly keys: string[] = [];
  /** Lines that are not JSON objects: left out, counted. */
  damaged = 0;
  /** The row at hand: `count` numbers, and the numbers of their keys. */
  count = 0;
  ids = new Int32Array(64);
  values = new Float64Array(64);
  private readonly byName = new Map<string, number>();
  private readonly keyBytes: Buffer[] = [];
  /** The last row's keys in order: the next row has mostly the same. */
  private readonly expected: number[] = [];
  /** Keys of the row so far. */
  private place = 0;
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;

  /** Calls `take` for each row of the whole lines in `bytes`, when `ids`, `values` and `count` hold it. */
  scan(bytes: Buffer, take: () => void): void {
    this.bytes = bytes;
    for (let start = 0; start < bytes.length; ) {
      this.at = start;
      if (this.row()) take();
      else {
        let end = bytes.indexOf(lineFeed, start);
        if (end < 0) end = bytes.length;
        const line = bytes.toString('utf8', start, end);
        if (line.trim() !== '') {
          const row = decodeForeignRow(line);
          if (row) {
            this.count = 0;
            this.flatten(row, '', 0);
            take();
          } else this.damaged++;
        }
        this.at = end + 1;
      }
      start = this.at;
    }
  }

  /** Reads the object at `at` up to its line feed; false where it is not of the simple kind. */
  private row(): boolean {
    const { bytes } = this;
    this.count = 0;
    this.place = 0;
    this.space();
    if (bytes[this.at] !== braceOpen) return false;
    this.at++;
    this.space();
    if (bytes[this.at] === braceClose) this.at++;
    else
      for (;;) {
        const key = this.key();
        if (key < 0 || !this.value(key)) return false;
        this.space();
        const c = bytes[this.at++];
        if (c === braceClose) break;
        if (c !== comma) return false;
        this.space();
      }
    this.space();
    if (this.at < bytes.length && bytes[this.at] !== lineFeed) return false;
    this.at++;
    return true;
  }

  private space(): void {
    while (isSpace(this.bytes[this.at])) this.at++;
  }

  /** The number of the key at `at`, past its colon; -1 where it is not simple. */
  private key(): number {
    const { bytes } = this;
    if (bytes[this.at] !== quote) return -1;
    const start = this.at + 1;
    let id = this.place < this.expected.length ? this.expected[this.place]! : -1;
    if (id >= 0) {
      const known = this.keyBytes[id]!;
      let k = 0;
      while (k < known.length && bytes[start + k] === known[k]) k++;
      if (k < known.length || bytes[start + k] !== quote) id = -1;
      else this.at = start + k + 1;
    }
    if (id < 0) {
      let end = start;
      for (; bytes[end] !== quote; end++) {
        const c = bytes[end];
        if (c === undefined || c === backslash || c < 0x20) return -1;
      }
      id = this.idOf(bytes.toString('utf8', start, end));
      if (id < 0) return -1;
      this.at = end + 1;
    }
    this.expected[this.place++] = id;
    this.space();
    if (bytes[this.at] !== colon) return -1;
    this.at++;
    this.space();
    return id;
  }

  /** Takes the value at `at`, if it is a number; false where it is not simple. */
  private value(key: number): boolean {
    const { bytes } = this;
    const start = this.at;
    const negative = bytes[start] === minus;
    let at = negative ? start + 1 : start;
    const first = at;
    // The first fifteen significant digits, and those after them.
    let high = 0, low = 0, after = 0, exponent = 0;
    let digit = bytes[at]! - zero;
    if (!(digit >= 0 && digit <= 9)) return this.word(key);
    for (; digit >= 0 && digit <= 9; digit = bytes[++at]! - zero) {
      if (high < fourteenDigits) high = high * 10 + digit;
      else {
        low = low * 10 + digit;
        after++;
      }
    }
    if (bytes[first] === zero && at > first + 1) return false;
    if (bytes[at] === point) {
      const fraction = ++at;
      for (digit = bytes[at]! - zero; digit >= 0 && digit <= 9; digit = bytes[++at]! - zero) {
        if (high < fourteenDigits) high = high * 10 + digit;
        else {
          low = low * 10 + digit;
          after++;
        }
      }
      if (at === fraction) return false;
      exponent = fraction - at;
    }
    if ((bytes[at]! | 0x20) === 0x65) {
      const sign = bytes[++at];
      if (sign === minus || sign === 0x2b) at++;
      const digits = at;
      let power = 0;
      for (digit = bytes[at]! - zero; digit >= 0 && digit <= 9; digit = bytes[++at]! - zero) power = power * 10 + digit;
      if (at === digits) return false;
      exponent += sign === minus ? -power : power;
    }
    this.at = at;
    let value = NaN;
    if (exponent >= -exactPower && exponent <= exactPower && after <= 15) {
      const mantissa = high * powers[after]! + low;
      if (mantissa <= exactInteger) value = exponent < 0 ? mantissa / powers[-exponent]! : mantissa * powers[exponent]!;
      else if (exponent < 0) value = quotient(high, powers[after]!, low, powers[-exponent]!);
    }
    this.push(key, Number.isNaN(value) ? Number(bytes.toString('latin1', start, at)) : negative ? -value : value);
    return true;
  }

  /** A value that does not begin as a number: NaN and infinities are taken, plain strings, booleans and null passed over. */
  private word(key: number): boolean {
    const { bytes } = this;
    let end = this.at + 1;
    if (bytes[this.at] === quote) {
      for (; bytes[end] !== quote; end++) {
        const c = bytes[end];
        if (c === undefined || c === backslash || c < 0x20) return false;
      }
      end++;
      if (end - this.at > 11) {
        this.at = end;
        return true;
      }
    } else while ((bytes[end]! | 0x20) >= 0x61 && (bytes[end]! | 0x20) <= 0x7a) end++;
    const text = bytes.toString('latin1', this.at, end);
    const value = words.get(text);
    if (value === undefined && bytes[this.at] !== quote) return false;
    this.at = end;
    if (typeof value === 'number') this.push(key, value);
    return true;
  }

  private push(key: number, value: number): void {
    if (this.count === this.ids.length) {
      const ids = new Int32Array(2 * this.count), values = new Float64Array(2 * this.count);
      ids.set(this.ids);
      values.set(this.values);
      this.ids = ids;
      this.values = values;
    }
    this.ids[this.count] = key;
    this.values[this.count++] = value;
  }

  private flatten(row: object, path: string, depth: number): void {
    for (const [key, value] of Object.entries(row) as [string, unknown][]) {
      if (typeof value === 'number') {
        const id = this.idOf(path + key);
        if (id >= 0) this.push(id, value);
      } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < maxDepth) this.flatten(value, `${path}${key}/`, depth + 1);
    }
  }

  private idOf(name: string): number {
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    if (this.keys.length >= maxKeys) return -1;
    this.byName.set(name, this.keys.length);
    this.keyBytes.push(Buffer.from(name));
    return this.keys.push(name) - 1;
  }
}
