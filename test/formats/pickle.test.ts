/** The pickle reader: all of Python's protocols are understood, nothing is ever run, and no bomb costs more than a moment. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../backend/errors.ts';
import { readPickle } from '../../backend/formats/pickle.ts';
import { contentsOf } from '../../backend/formats/pthContents.ts';
import { openTensorFile } from '../../backend/formats/tensorFile.ts';
import { torchMeaning } from '../../backend/formats/torchPickle.ts';
import { expectWithin, leastTime } from '../helpers/expectWithin.ts';
import { processorTime } from '../helpers/slowness.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { checkpoint, dangerousCalls, dict, global, int, pickle, tensor, text } from './hostile.ts';

const folder = temporaryFolder();
const fixture = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/pth/expected.json'), 'utf8')) as { plain: Record<string, unknown>; protocols: string[] };

const read = (bytes: Buffer) => {
  const { value, globals } = readPickle(bytes, torchMeaning);
  return { ...contentsOf(value), globals };
};

describe('plain values', () => {
  test.each(fixture.protocols.map((hex, protocol) => [protocol, hex] as const))('as Python pickles them by protocol %i', (_, hex) => {
    const { metadata } = read(Buffer.from(hex, 'hex'));
    const { integers, ...rest } = fixture.plain;
    const { integers: ours, ...others } = metadata;
    // Beyond 2^53 an integer is kept exactly, as text.
    expect((ours as (number | string)[]).map(BigInt)).toEqual((integers as number[]).map(BigInt));
    expect(others).toEqual(rest);
  });
});

/** What a person must be told of a pickle that calls for more. */
const call = (name: string): string => {
  const dot = name.lastIndexOf('.');
  return `${global(name.slice(0, dot), name.slice(dot + 1))}(${text('touch pwned')}tR`;
};

describe('nothing is run', () => {
  test.each(dangerousCalls)('%s is named, and left an opaque record', async (name) => {
    const path = join(folder, `${name}.pth`);
    writeFileSync(path, checkpoint(pickle(dict({ a: tensor(), b: call(name) }))));
    const file = await openTensorFile(path);
    expect(file.warnings).toEqual([`holds more than tensors: ${name} (left out; nothing of them was run)`]);
    expect(file.metadata).toEqual({ b: `<${name}>` });
    expect([...await file.readFloat32('a')]).toEqual([1, 2, 3, 4]);
    await file.close();
  });

  const hidden: [string, string][] = [
    ['never called', `${global('os', 'system')}0}`],
    ['named by two strings', `${text('os')}${text('system')}\x93(${text('x')}tR0}`],
    ['INST', `(${text('x')}ios\nsystem\n0}`],
    ['OBJ', `(${global('os', 'system')}${text('x')}o0}`],
    ['NEWOBJ', `${global('os', 'system')}(${text('x')}t\x810}`],
    ['NEWOBJ_EX', `${global('os', 'system')}(${text('x')}t}\x920}`],
    ['called by its own result', `${global('os', 'system')})R)R0}`],
    ['as the state of an object', `}${global('os', 'system')}(${text('x')}tRb`],
    ['as a persistent id inside a dict that is thrown away', `${dict({ x: call('os.system') })}0}`],
    ['as the hooks of a tensor', dict({ a: tensor().replace(`${global('collections', 'OrderedDict')})R`, call('os.system')) })],
  ];
  test.each(hidden)('a global %s is named too', (_, opcodes) => {
    expect(read(pickle(opcodes)).globals).toContain('os.system');
  });

  test('Python\'s names are never looked up among ours', () => {
    const { metadata } = read(pickle(dict({ a: call('__proto__.x'), b: call('constructor.constructor'), c: call('toString.x') })));
    expect(metadata).toEqual({ a: '<__proto__.x>', b: '<constructor.constructor>', c: '<toString.x>' });
  });

  test('all of them, in a process that may not start another, nor write a file', (context) => {
    const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
    if (major < 20) return context.skip('Node before 20 has no permission model');
    const files = [...dangerousCalls.map((name) => call(name)), ...hidden.map(([, opcodes]) => opcodes)].map((opcodes, i) => {
      const path = join(folder, `traced-${i}.pth`);
      writeFileSync(path, checkpoint(pickle(dict({ a: tensor(), b: opcodes }))));
      return path;
    });
    const script = join(folder, 'traced.mjs');
    buildSync({
      stdin: { contents: `import { openTensorFile } from ${JSON.stringify(join(import.meta.dirname, '../../backend/formats/tensorFile.ts'))};
        let warned = 0;
        for (const path of process.argv.slice(2)) { const file = await openTensorFile(path); warned += file.warnings.length; await file.close(); }
        console.log(warned);`, resolveDir: import.meta.dirname },
      bundle: true, platform: 'node', format: 'esm', outfile: script, logLevel: 'error', banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    });
    const flag = major > 22 || (major === 22 && minor >= 13) ? '--permission' : '--experimental-permission';
    const { stdout, stderr, status } = spawnSync(process.execPath, [flag, `--allow-fs-read=${folder}/*`, script, ...files], { encoding: 'utf8' });
    expect({ status, stderr: stderr.replaceAll(/.*(ExperimentalWarning|--trace-warnings).*\n/g, '') }).toEqual({ status: 0, stderr: '' });
    expect(Number(stdout)).toBe(files.length);
  });
});

/** Runs `action`; gives what it threw, and how long and how much memory it took. */
async function measured(action: () => unknown): Promise<{ error: unknown; milliseconds: number; megabytes: number }> {
  const before = process.memoryUsage().rss;
  let error: unknown = null;
  const milliseconds = await leastTime(2000, processorTime, () => {
    try {
      action();
    } catch (e) {
      error = e;
    }
  });
  return { error, milliseconds, megabytes: (process.memoryUsage().rss - before) / 2 ** 20 };
}

const repeat = (opcodes: string, count: number): string => opcodes.repeat(count);
/** Each level holds the one before ten times: 10^levels leaves, out of a few opcodes. */
const memoBomb = (wrap: (ten: string) => string, levels: number): string => `]q\x000${Array.from({ length: levels }, (_, i) => `${wrap(repeat(`h${String.fromCharCode(i)}`, 10))}q${String.fromCharCode(i + 1)}0`).join('')}h${String.fromCharCode(levels)}`;

const bombs: [name: string, opcodes: string, message: string][] = [
  ['a list bomb of 10^10 (memo)', memoBomb((ten) => `](${ten}e`, 10), 'expands to more than'],
  ['a tuple bomb of 10^10 (memo)', memoBomb((ten) => `(${ten}t`, 10), 'expands to more than'],
  ['a dict bomb of 10^10 (memo)', memoBomb((ten) => `}(${[...Array(10).keys()].map((k) => int(k) + ten.slice(0, 2)).join('')}u`, 10), 'expands to more than'],
  ['a DUP bomb of 2^60', `]${repeat('2\x86', 60)}`, 'expands to more than'],
  ['a list in itself', ']q\x00h\x00a', 'is nested deeper than 100 levels'],
  ['a dict in itself', `}q\x00${text('a')}h\x00s`, 'is nested deeper than 100 levels'],
  ['tuples nested 900,000 deep', `N${repeat('\x85', 900_000)}`, 'is nested deeper than 100 levels'],
  ['lists nested by marks', repeat('(', 10_001), 'needs a stack deeper than 10000'],
  ['a stack of 20,000', repeat('N', 20_000), 'needs a stack deeper than 10000'],
  ['DUP without end', `N${repeat('2', 20_000)}`, 'needs a stack deeper than 10000'],
  ['two million opcodes', repeat('N0', 1_000_000), 'has more than 1000000 opcodes'],
  ['a million empty dicts', `](${repeat(`${repeat('}', 9_000)}e(`, 112)}`, 'has more than 1000000 opcodes'],
  ['300,000 memo entries', `N${Array.from({ length: 300_000 }, (_, i) => `r${String.fromCharCode(i & 255, (i >> 8) & 255, i >> 16, 0)}`).join('')}`, 'memorises more than 100000 values'],
  ['10,000 globals', Array.from({ length: 10_000 }, (_, i) => `ca\nb${i}\n0`).join(''), 'names more than 1000 classes and functions'],
  ['a string of 2^62 bytes', '\x8d\x00\x00\x00\x00\x00\x00\x00\x40', 'claims a length beyond 2^53 - 1'],
  ['a string of 4 GB', 'X\xff\xff\xff\xff', 'ends inside a value of 4294967295 bytes'],
  ['bytes of 2 GB', 'B\xff\xff\xff\x7f', 'ends inside a value of 2147483647 bytes'],
  ['an integer of 1 MB', `\x8b\x00\x00\x10\x00${repeat('\xff', 2 ** 20)}`, 'has an integer of 1048576 bytes'],
  ['an integer of a million digits', `L${repeat('9', 1_000_000)}\n`, 'has an integer that is none'],
];

const malformed: [name: string, opcodes: string, message: string][] = [
  ['SETITEM on a list', `]${text('a')}Ns`, 'sets a key of something that is not a dict'],
  ['SETITEM on a tensor', `${tensor()}${text('a')}Ns`, 'sets a key of something that is not a dict'],
  ['SETITEM on a storage', `(${text('storage')}${global('torch', 'FloatStorage')}${text('0')}${text('cpu')}K\x04tQ${text('a')}Ns`, 'sets a key of something that is not a dict'],
  ['SETITEMS on a number', `K\x01(${text('a')}Nu`, 'sets a key of something that is not a dict'],
  ['a key without a value', `}(${text('a')}u`, 'sets a key without a value'],
  ['APPEND to a dict', '}Na', 'appends to something that is not a list'],
  ['BUILD on a number', 'K\x01}b', 'gives a state to something that is not an object'],
  ['a call of a string', `${text('os')})R`, 'calls something that is not a global'],
  ['a call with a list', `${global('os', 'system')}]R`, 'calls with arguments that are not a tuple'],
  ['pop of nothing', '0', 'pops from an empty stack'],
  ['tuple of nothing', '\x85', 'pops from an empty stack'],
  ['no mark', 't', 'looks for a mark that is not there'],
  ['a mark as a value', '(\x85', 'pops a mark as a value'],
  ['an unknown memo', 'h\x07', 'recalls value 7, which it never memorised'],
  ['an extension registry', '\x82\x01', 'has the opcode 0x82, which no checkpoint needs'],
  ['an unknown opcode', '\xff', 'has the opcode 0xff'],
  ['protocol 6', '\x80\x06N', 'is of a protocol newer than 5'],
  ['a character beyond Unicode', 'V\\UFFFFFFFF\n', 'has a character beyond Unicode'],
  ['two values', 'NN', 'ends with values left on its stack'],
  ['values after the end', 'N.N', 'goes on after its end'],
  ['a persistent id that is a string', `${text('x')}Q`, 'refers to something that is not a storage'],
  ['a storage without a type', `(${text('storage')}${text('FloatStorage')}${text('0')}${text('cpu')}K\x04tQ`, 'describes a storage without a type'],
  ['a storage of negative size', `(${text('storage')}${global('torch', 'FloatStorage')}${text('0')}${text('cpu')}${int(-4)}tQ`, 'describes a storage without a type, a key or a size'],
  ['a tensor of no storage', `${global('torch._utils', '_rebuild_tensor_v2')}(NK\x00))\x89NtR`, 'whose storage, offset, size or stride makes no sense'],
  ['two tensors of one name', `}(${text('a.b')}${tensor()}${text('a')}${dict({ b: tensor() })}u`, 'two tensors that are both named "a.b"'],
];

describe('refused in a moment:', () => {
  test.each([...bombs, ...malformed])('%s', async (_, opcodes, message) => {
    const bytes = pickle(opcodes);
    const { error, milliseconds, megabytes } = await measured(() => read(bytes));
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toContain(message);
    await expectWithin(2000, milliseconds, processorTime);
    expect(megabytes).toBeLessThan(256);
  });

  test('a pickle without an end', () => {
    expect(() => read(Buffer.from('\x80\x02N', 'latin1'))).toThrow('ends inside a value');
    expect(() => read(Buffer.alloc(0))).toThrow(InputError);
  });
});
