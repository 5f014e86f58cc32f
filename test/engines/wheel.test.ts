import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { extractWheel, matchesMember } from '../../backend/engines/runtimes/wheel.ts';
import { RunError } from '../../backend/errors.ts';
import { Random } from '../../backend/random.ts';
import { record, wheel, zip, type Member } from '../helpers/wheels.ts';

const library = { name: 'torch/lib/libc10.so', data: Buffer.from('the library '.repeat(400)) };
const other = { name: 'torch/lib/libgomp.so.1', data: 'threads' };
const members = ['torch/lib/*.so*'];
const info = 'torch-1.0.dist-info';
const withRecord = (...list: Member[]): Member[] => [...list, record(list, info)];

let root: string, target: string, path: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'wheel-'));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  await rm(root, { recursive: true });
  target = join(root, 'inner/target');
  path = join(root, 'x.whl');
  await mkdir(target, { recursive: true });
});

const extract = async (bytes: Buffer): Promise<string[]> => {
  await writeFile(path, bytes);
  return (await extractWheel(path, { members, target })).map((file) => file.path);
};
/** Everything under the root that is neither the wheel nor in the target folder. */
const outside = async (): Promise<string[]> => (await readdir(root, { recursive: true })).filter((name) => !['x.whl', 'inner', 'inner/target'].includes(name) && !name.startsWith('inner/target/'));

test('takes the named members and nothing else, with their bytes', async () => {
  expect(await extract(wheel('torch', '1.0', [library, other, { name: 'torch/__init__.py', data: 'import os' }]).bytes)).toEqual([library.name, other.name]);
  expect(await readFile(join(target, library.name))).toEqual(library.data);
  expect((await readdir(target, { recursive: true })).sort()).toEqual(['torch', 'torch/lib', 'torch/lib/libc10.so', 'torch/lib/libgomp.so.1']);
});

test('a star stands for one part of a path', () => {
  expect(matchesMember('nvidia/cu13/lib/libcudart.so.13', ['nvidia/*/lib/*.so*'])).toBe(true);
  expect(matchesMember('nvidia/cu13/lib/deep/libcudart.so.13', ['nvidia/*/lib/*.so*'])).toBe(false);
  expect(matchesMember('torch/libXso', ['torch/lib.so'])).toBe(false);
});

const evil = { name: 'torch/lib/libevil.so', data: 'evil' };
const lies: Record<string, { bytes: () => Buffer; message: RegExp }> = {
  'a name with ..': { bytes: () => zip(withRecord(library, { ...evil, name: 'torch/lib/../../../../evil.so' })), message: /relative path/ },
  'an absolute name': { bytes: () => zip(withRecord(library, { ...evil, name: '/tmp/evil.so' })), message: /absolute path|relative path/ },
  'a drive letter': { bytes: () => zip(withRecord(library, { ...evil, name: 'C:/evil.so' })), message: /absolute path|relative path/ },
  'a backslash': { bytes: () => zip(withRecord(library, { ...evil, name: 'torch\\lib\\evil.so' })), message: /invalid characters|relative path/ },
  'the same name twice': { bytes: () => zip(withRecord(library, { ...library, data: 'evil' })), message: /is there twice/ },
  'the same name in other case': { bytes: () => zip(withRecord(library, { ...evil, name: 'torch/lib/LIBC10.so' })), message: /is there twice/ },
  'a symbolic link': { bytes: () => zip(withRecord(library, { ...evil, mode: 0o120777, data: '/etc/passwd' })), message: /symbolic link/ },
  'another name in the local header': { bytes: () => zip(withRecord(library, { ...evil, local: { name: 'torch/lib/libother.so' } })), message: /headers .* disagree/ },
  'another size in the local header': { bytes: () => zip(withRecord({ ...library, local: { size: 5 } })), message: /headers .* disagree/ },
  'another checksum in the local header': { bytes: () => zip(withRecord({ ...library, local: { crc: 1 } })), message: /headers .* disagree/ },
  'another method in the local header': { bytes: () => zip(withRecord({ ...library, local: { method: 0 } })), message: /headers .* disagree/ },
  encryption: { bytes: () => zip(withRecord({ ...library, local: { flags: 1 }, central: { flags: 1 } })), message: /encrypted/ },
  'an unknown method': { bytes: () => zip(withRecord({ ...library, local: { method: 99 }, central: { method: 99 } })), message: /unknown way/ },
  'two members over the same bytes': { bytes: () => zip(withRecord(library, { ...evil, central: { offset: 0 } })), message: /overlaps|disagree/ },
  'a size that is a lie': { bytes: () => zip(withRecord({ ...library, local: { size: 10 }, central: { size: 10 } })), message: /not in RECORD with its size/ },
  'a member that RECORD lists with another hash': { bytes: () => zip([library, evil, record([library, { ...evil, data: 'good' }], info)]), message: /does not have the hash/ },
  'a member that RECORD does not list': { bytes: () => zip([library, evil, record([library], info)]), message: /not in RECORD/ },
  'two RECORD files': { bytes: () => zip([library, record([library], info), record([library], 'other-1.dist-info')]), message: /2 RECORD files/ },
  'no RECORD': { bytes: () => zip([library]), message: /0 RECORD files/ },
  'a trailing comment': { bytes: () => zip(withRecord(library), { comment: 'PK' }), message: /trailing comment/ },
  'bytes after the end': { bytes: () => zip(withRecord(library), { after: Buffer.from('more') }), message: /no whole ZIP file/ },
  'bytes before the beginning': { bytes: () => zip(withRecord(library), { before: Buffer.from('#!/bin/sh\n') }), message: /before the first member/ },
  'a second ZIP file after the first': { bytes: () => Buffer.concat([zip(withRecord(library)), zip(withRecord(evil))]), message: /refused/ },
  'no ZIP file at all': { bytes: () => Buffer.from('not a wheel'), message: /no whole ZIP file/ },
};

describe('a wheel with a lie in it is refused, and nothing is written outside:', () => {
  test.each(Object.entries(lies))('%s', async (_, { bytes, message }) => {
    const failure = await extract(bytes()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunError);
    expect((failure as Error).message).toMatch(message);
    expect(await outside()).toEqual([]);
  });

  test('a named member that is missing', async () => {
    await writeFile(path, zip(withRecord(other)));
    await expect(extractWheel(path, { members: [library.name], target })).rejects.toThrow(/no member "torch\/lib\/libc10.so"/);
  });

  test('a target that holds a link in the way', async () => {
    await mkdir(join(target, 'torch/lib'), { recursive: true });
    await symlink(join(root, 'escaped'), join(target, library.name));
    await expect(extract(wheel('torch', '1.0', [library]).bytes)).rejects.toThrow(/EEXIST/);
    expect(await outside()).toEqual([]);
  });
});

test('1,000 seeded mutants: what is kept has the hash that was meant, and nothing is written outside', async () => {
  const whole = wheel('torch', '1.0', [library, other]).bytes;
  const expected = new Map([[library.name, library.data], [other.name, Buffer.from(other.data)]]);
  const random = new Random(14, 1);
  let refused = 0;
  for (let i = 0; i < 1000; i++) {
    const mutant = Buffer.from(whole);
    const at = random.integer(0, mutant.length - 1), kind = random.integer(0, 3);
    let bytes: Buffer = mutant;
    if (kind === 0) mutant[at] = mutant[at]! ^ (1 << random.integer(0, 7));
    else if (kind === 1) bytes = mutant.subarray(0, at);
    else if (kind === 2) bytes = Buffer.concat([mutant.subarray(0, at), mutant.subarray(random.integer(0, mutant.length - 1))]);
    else mutant.writeUInt16LE(random.integer(0, 65535), Math.min(at, mutant.length - 2));
    await rm(target, { recursive: true });
    await mkdir(target);
    try {
      for (const name of await extract(bytes)) expect(await readFile(join(target, name))).toEqual(expected.get(name));
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      refused++;
    }
    expect(await outside()).toEqual([]);
  }
  expect(refused).toBeGreaterThan(500);
});
