/**
 * Reads a pickle without running it. A pickle is a program for a small stack machine (Python's `pickletools` documents
 * its opcodes); this one knows the plain values, asks `meaning` what a global's call gives, and calls nothing itself.
 */
import { DamagedFileError } from './damage.ts';
import { OpcodeReader } from './pickleInput.ts';
import { PickleDict, PickleGlobal, PickleList, PickleNamespace, PickleOpaque, PickleTuple } from './pickleValues.ts';
import type { PickleValue } from './pickleValues.ts';

/** A checkpoint of 5,000 tensors stays below a half of each. */
export const pickleLimits = { opcodes: 1_000_000, stack: 10_000, memo: 100_000, globals: 1_000 };

export interface PickleMeaning {
  /** What calling the global with these arguments stands for, or undefined where it has no meaning here. */
  call(name: string, args: PickleValue[]): PickleValue | undefined;
  /** What a persistent id stands for. Throws InputError where it is malformed. */
  persistent(id: PickleValue): PickleValue;
}

class Mark {}

/** Reads one pickle that fills `bytes`. Throws InputError for a malformed one, or one beyond the limits, with the byte where that shows. */
export function readPickle(bytes: Buffer, meaning: PickleMeaning): { value: PickleValue; globals: string[] } {
  return new PickleMachine(bytes, meaning).run();
}

class PickleMachine {
  private readonly input: OpcodeReader;
  private readonly meaning: PickleMeaning;
  private readonly stack: (PickleValue | Mark)[] = [];
  private readonly memo = new Map<number, PickleValue>();
  /** Every global that the pickle named, called or not, by its name. */
  private readonly globals = new Map<string, PickleGlobal>();

  constructor(bytes: Buffer, meaning: PickleMeaning) {
    this.input = new OpcodeReader(bytes);
    this.meaning = meaning;
  }

  run(): { value: PickleValue; globals: string[] } {
    for (let count = 0; ; count++) {
      if (count >= pickleLimits.opcodes) this.fail(`has more than ${pickleLimits.opcodes} opcodes`);
      if (this.stack.length > pickleLimits.stack) this.fail(`needs a stack deeper than ${pickleLimits.stack}`);
      const opcode = String.fromCharCode(this.input.byte());
      if (opcode === '.') break;
      this.step(opcode);
    }
    const value = this.pop();
    if (this.stack.length > 0) this.fail('ends with values left on its stack');
    if (!this.input.atEnd) this.fail('goes on after its end');
    return { value, globals: [...this.globals.keys()] };
  }

  /** One opcode, by the letter that Python's `pickle` module gives it. */
  private step(opcode: string): void {
    const { input } = this;
    switch (opcode) {
      // Framing
      case '\x80': if (input.byte() > 5) this.fail('is of a protocol newer than 5'); return;
      case '\x95': input.unsigned(8); return;
      // Stack and memo
      case '(': this.push(new Mark()); return;
      case '0': if (this.stack.pop() === undefined) this.fail('pops from an empty stack'); return;
      case '1': this.popToMark(); return;
      case '2': this.push(this.top()); return;
      case 'p': case 'q': case 'r': this.remember(this.memoIndex(opcode)); return;
      case '\x94': this.remember(this.memo.size); return;
      case 'g': this.push(this.recall(this.memoIndex('p'))); return;
      case 'h': this.push(this.recall(this.memoIndex('q'))); return;
      case 'j': this.push(this.recall(this.memoIndex('r'))); return;
      // Constants and numbers
      case 'N': this.push(null); return;
      case '\x88': this.push(true); return;
      case '\x89': this.push(false); return;
      case 'I': this.push(input.textInteger(true)); return;
      case 'L': this.push(input.textInteger(false)); return;
      case 'J': this.push(input.int32()); return;
      case 'K': this.push(input.unsigned(1)); return;
      case 'M': this.push(input.unsigned(2)); return;
      case '\x8a': this.push(input.signedInteger(input.unsigned(1))); return;
      case '\x8b': this.push(input.signedInteger(input.unsigned(4))); return;
      case 'F': this.push(input.textFloat()); return;
      case 'G': this.push(input.float64()); return;
      // Strings and bytes
      case 'S': this.push(input.quotedLine()); return;
      case 'V': this.push(input.unicodeLine()); return;
      case 'T': this.push(input.text(input.unsigned(4), 'latin1')); return;
      case 'U': this.push(input.text(input.unsigned(1), 'latin1')); return;
      case 'X': this.push(input.text(input.unsigned(4), 'utf8')); return;
      case '\x8c': this.push(input.text(input.unsigned(1), 'utf8')); return;
      case '\x8d': this.push(input.text(input.unsigned(8), 'utf8')); return;
      case 'B': this.push(input.bytes(input.unsigned(4))); return;
      case 'C': this.push(input.bytes(input.unsigned(1))); return;
      case '\x8e': case '\x96': this.push(input.bytes(input.unsigned(8))); return;
      // Containers
      case ')': this.push(new PickleTuple([])); return;
      case 't': this.push(new PickleTuple(this.popToMark())); return;
      case '\x85': this.push(new PickleTuple(this.popMany(1))); return;
      case '\x86': this.push(new PickleTuple(this.popMany(2))); return;
      case '\x87': this.push(new PickleTuple(this.popMany(3))); return;
      case ']': case '\x8f': this.push(new PickleList()); return;
      case 'l': case '\x91': this.push(new PickleList(this.popToMark())); return;
      case 'a': this.append(this.popMany(1)); return;
      case 'e': case '\x90': this.append(this.popToMark()); return;
      case '}': this.push(new PickleDict()); return;
      case 'd': this.dict(); return;
      case 's': this.setItems(this.popMany(2)); return;
      case 'u': this.setItems(this.popToMark()); return;
      // Globals and objects
      case 'c': this.global(input.line('utf8'), input.line('utf8')); return;
      case '\x93': this.stackGlobal(); return;
      case 'i': this.instance(); return;
      case 'o': this.object(); return;
      case 'R': case '\x81': this.call(...this.pair()); return;
      case '\x92': this.callWithKeywords(); return;
      case 'b': this.build(this.pop()); return;
      case 'P': this.push(this.meaning.persistent(input.line('utf8'))); return;
      case 'Q': this.push(this.meaning.persistent(this.pop())); return;
      default: this.fail(`has the opcode 0x${opcode.charCodeAt(0).toString(16).padStart(2, '0')}, which no checkpoint needs`);
    }
  }

  private push(value: PickleValue | Mark): void {
    this.stack.push(value);
  }

  private pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined) return this.fail('pops from an empty stack');
    if (value instanceof Mark) return this.fail('pops a mark as a value');
    return value;
  }

  private top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined || value instanceof Mark) return this.fail('takes a value from an empty stack');
    return value;
  }

  private popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  private popToMark(): PickleValue[] {
    const values: PickleValue[] = [];
    for (;;) {
      const value = this.stack.pop();
      if (value === undefined) return this.fail('looks for a mark that is not there');
      if (value instanceof Mark) return values.reverse();
      values.push(value);
    }
  }

  private memoIndex(opcode: string): number {
    return opcode === 'p' ? Number(this.input.textInteger(false)) : this.input.unsigned(opcode === 'q' ? 1 : 4);
  }

  private remember(index: number): void {
    this.memo.set(index, this.top());
    if (this.memo.size > pickleLimits.memo) this.fail(`memorises more than ${pickleLimits.memo} values`);
  }

  private recall(index: number): PickleValue {
    const value = this.memo.get(index);
    return value === undefined ? this.fail(`recalls value ${index}, which it never memorised`) : value;
  }

  private append(values: PickleValue[]): void {
    const target = this.top();
    if (target instanceof PickleList) for (const value of values) target.items.push(value);
    else if (!(target instanceof PickleOpaque)) this.fail('appends to something that is not a list');
  }

  private dict(): void {
    const items = this.popToMark();
    this.push(new PickleDict());
    this.setItems(items);
  }

  private setItems(items: PickleValue[]): void {
    const target = this.top();
    if (items.length % 2 !== 0) this.fail('sets a key without a value');
    if (target instanceof PickleDict) for (let i = 0; i < items.length; i += 2) target.set(items[i]!, items[i + 1]!);
    else if (!(target instanceof PickleOpaque)) this.fail('sets a key of something that is not a dict');
  }

  private global(module: string, name: string): void {
    const full = `${module}.${name}`;
    const value = this.globals.get(full) ?? new PickleGlobal(full);
    this.globals.set(full, value);
    if (this.globals.size > pickleLimits.globals) this.fail(`names more than ${pickleLimits.globals} classes and functions`);
    this.push(value);
  }

  private stackGlobal(): void {
    const [module, name] = this.popMany(2);
    if (typeof module !== 'string' || typeof name !== 'string') return this.fail('names a global by something that is not a string');
    this.global(module, name);
  }

  private instance(): void {
    const module = this.input.line('utf8');
    const name = this.input.line('utf8');
    const args = this.popToMark();
    this.global(module, name);
    this.call(this.pop(), new PickleTuple(args));
  }

  private object(): void {
    const [callee, ...args] = this.popToMark();
    if (callee === undefined) return this.fail('makes an object of nothing');
    this.call(callee, new PickleTuple(args));
  }

  private pair(): [PickleValue, PickleValue] {
    const args = this.pop();
    return [this.pop(), args];
  }

  private callWithKeywords(): void {
    const [callee, args] = this.popMany(3);
    this.call(callee!, args!);
  }

  private call(callee: PickleValue, args: PickleValue): void {
    if (!(args instanceof PickleTuple)) return this.fail('calls with arguments that are not a tuple');
    if (callee instanceof PickleOpaque) return this.push(callee);
    if (!(callee instanceof PickleGlobal)) return this.fail('calls something that is not a global');
    this.push(this.meaning.call(callee.name, args.items) ?? new PickleOpaque(callee.name));
  }

  /** Gives an object its state. A Namespace's state is its fields, and any other object's is kept as such; an OrderedDict's is attributes such as `_metadata`, of no use here. */
  private build(state: PickleValue): void {
    const target = this.top();
    if (target instanceof PickleNamespace && state instanceof PickleDict) for (const [key, value] of state.entries()) target.set(key, value);
    else if (target instanceof PickleOpaque) target.fields = state instanceof PickleDict ? state : null;
    else if (!(target instanceof PickleDict)) this.fail('gives a state to something that is not an object');
  }

  private fail(what: string): never {
    throw new DamagedFileError(`its pickle ${what} (at byte ${this.input.position})`, this.input.position);
  }
}

