/** JSON as a person wrote it: strict, with the place of every key, so that whatever is wrong in it can be shown by line and column. */
import { InputError } from '../errors.ts';

export interface JsonDocument {
  value: unknown;
  /** `file:line:column` of the value at a path of keys and indices, or of the nearest one around it. */
  place: (path: readonly PropertyKey[]) => string;
}

const maxDepth = 64;
const separator = '\u0000';
const pathKey = (path: readonly PropertyKey[]): string => path.map(String).join(separator);

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const space = /[ \t\r\n]*/y;
const words = new Map<string, unknown>([['true', true], ['false', false], ['null', null]]);

/** Parses `text`; `source` names it in messages. Throws InputError with line and column: for what is not JSON, for repeated keys, `__proto__`, numbers beyond a double, and deep nesting. */
export function parseJson(text: string, source: string): JsonDocument {
  const parser = new Parser(text.replace(/^\ufeff/, ''), source);
  const value = parser.document();
  return {
    value,
    place(path) {
      for (let length = path.length; length > 0; length--) {
        const at = parser.offsets.get(pathKey(path.slice(0, length)));
        if (at !== undefined) return parser.place(at);
      }
      return source;
    },
  };
}

class Parser {
  /** Where each value begins, by its path. */
  readonly offsets = new Map<string, number>();
  private readonly text: string;
  private readonly source: string;
  private readonly path: (string | number)[] = [];
  private at = 0;

  constructor(text: string, source: string) {
    this.text = text;
    this.source = source;
  }

  document(): unknown {
    this.skip(space);
    const value = this.value();
    this.skip(space);
    if (this.at < this.text.length) this.fail('nothing may follow the closing brace');
    return value;
  }

  place(at: number): string {
    const before = this.text.slice(0, at).split('\n');
    return `${this.source}:${before.length}:${before.at(-1)!.length + 1}`;
  }

  private value(): unknown {
    if (this.path.length > maxDepth) this.fail(`values are nested more than ${maxDepth} deep`);
    this.offsets.set(pathKey(this.path), this.at);
    switch (this.text[this.at]) {
      case '{': return this.object();
      case '[': return this.array();
      case '"': return this.string();
      default: return this.scalar();
    }
  }

  private object(): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    this.list('}', () => {
      const start = this.at;
      const key = this.string();
      if (key === '__proto__') this.fail('the key "__proto__" is not allowed', start);
      if (Object.hasOwn(result, key)) this.fail(`the key ${JSON.stringify(key)} is there twice`, start);
      this.expect(':');
      result[key] = this.within(key);
    });
    return result;
  }

  private array(): unknown[] {
    const result: unknown[] = [];
    this.list(']', () => result.push(this.within(result.length)));
    return result;
  }

  /** Items between brackets, with commas between and none at the end. */
  private list(close: '}' | ']', item: () => void): void {
    this.at++;
    this.skip(space);
    if (this.text[this.at] === close) {
      this.at++;
      return;
    }
    for (;;) {
      item();
      this.skip(space);
      const next = this.text[this.at];
      if (next !== ',' && next !== close) this.fail(`expected "," or "${close}"`);
      this.at++;
      if (next === close) return;
      const comma = this.at - 1;
      this.skip(space);
      if (this.text[this.at] === close) this.fail('no comma may follow the last value', comma);
    }
  }

  private within(step: string | number): unknown {
    this.path.push(step);
    const value = this.value();
    this.path.pop();
    return value;
  }

  private string(): string {
    const literal = this.skip(string);
    if (literal === '') this.fail(this.text[this.at] === '"' ? 'this string is not closed, or holds a line break or an unknown escape' : 'expected a "quoted" string');
    return JSON.parse(literal) as string;
  }

  private scalar(): unknown {
    const start = this.at;
    const literal = this.skip(number);
    if (literal !== '') {
      const value = Number(literal);
      if (!Number.isFinite(value)) this.fail(`${literal} is beyond the greatest number, about 1.8e308`, start);
      return value;
    }
    for (const [word, value] of words)
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    return this.fail(this.at >= this.text.length ? 'the file ends too early' : this.text.startsWith('/', this.at) ? 'comments are not allowed' : 'expected a value');
  }

  private expect(character: string): void {
    this.skip(space);
    if (this.text[this.at] !== character) this.fail(`expected "${character}"`);
    this.at++;
    this.skip(space);
  }

  private skip(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private fail(what: string, at = this.at): never {
    throw new InputError(`${this.place(at)}: ${what}`);
  }
}
