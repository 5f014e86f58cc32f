/** Datasets: what is found in folders, lists and archives, how classes are numbered, and what is said where nothing is found. */
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDataset, type Dataset } from '../../backend/data/dataset.ts';
import { InputError } from '../../backend/errors.ts';
import { tar, temporaryFolder, writeFiles } from './images.ts';

const entries = (dataset: Dataset) => Array.from({ length: dataset.length }, (_, i) => [dataset.file(i), dataset.label(i)]);

describe('a folder', () => {
  test('with class subfolders, in any depth, sorted', async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { 'dog/b.jpg': '1', 'cat/deep/a.PNG': '2', 'dog/a.webp': '3', 'dog/notes.txt': '', '.hidden/x.jpg': '4' });
    const dataset = await openDataset(root);
    expect(dataset.classes).toEqual(['cat', 'dog']);
    expect(entries(dataset)).toEqual([['cat/deep/a.PNG', 0], ['dog/a.webp', 1], ['dog/b.jpg', 1]]);
    expect(Buffer.from(await dataset.read(1)).toString()).toBe('3');
    expect(() => dataset.file(3)).toThrow(RangeError);
  });

  test('without subfolders has no classes; a level of splits is none', async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { 'a.jpg': '', 'b.bmp': '' });
    expect(entries(await openDataset(root))).toEqual([['a.jpg', null], ['b.bmp', null]]);
    const split = await temporaryFolder();
    await writeFiles(split, { 'train/cat/a.jpg': '', 'test/dog/b.jpg': '' });
    expect((await openDataset(split)).classes).toEqual(['cat', 'dog']);
  });

  test('follows links, and survives a loop of them', async () => {
    const [root, other] = [await temporaryFolder(), await temporaryFolder()];
    await writeFiles(other, { 'x.jpg': '' });
    await symlink(other, join(root, 'linked'));
    await symlink(root, join(root, 'loop'));
    expect(entries(await openDataset(root))).toEqual([['linked/x.jpg', 0]]);
  });

  test('that is empty or missing: what was looked for, and where', async () => {
    const root = await temporaryFolder();
    await expect(openDataset(root)).rejects.toThrow(/holds no image: looked in it and its subfolders for JPEG/);
    await expect(openDataset(join(root, 'nowhere'))).rejects.toThrow(/does not exist: give a folder/);
    await expect(openDataset(join(root, 'nowhere'))).rejects.toThrow(InputError);
  });
});

describe('a list', () => {
  test('of paths with spaces and classes, numbers kept as they are', async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { 'my photos/a b.jpg': 'A', 'c.png': 'C', 'list.txt': '# comment\nmy photos/a b.jpg 7\nc.png\t2\r\n\n' });
    const dataset = await openDataset(join(root, 'list.txt'));
    expect(dataset.classes).toHaveLength(8);
    expect(entries(dataset)).toEqual([['my photos/a b.jpg', 7], ['c.png', 2]]);
    expect(Buffer.from(await dataset.read(0)).toString()).toBe('A');
  });

  test('without classes, or with named ones', async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { 'plain.txt': 'a b.jpg\nc.jpg', 'named.txt': 'a.jpg dog\nb.jpg cat\nc.jpg' });
    expect(entries(await openDataset(join(root, 'plain.txt')))).toEqual([['a b.jpg', null], ['c.jpg', null]]);
    expect(entries(await openDataset(join(root, 'named.txt')))).toEqual([['a.jpg', 1], ['b.jpg', 0], ['c.jpg', null]]);
  });

  test('with a line that is no path: its number', async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { 'bad.txt': 'a.jpg\nnonsense here\n', 'empty.txt': '\n' });
    await expect(openDataset(join(root, 'bad.txt'))).rejects.toThrow(/line 2 of .*names no image/);
    await expect(openDataset(join(root, 'empty.txt'))).rejects.toThrow(/names no image: write one path a line/);
  });
});

describe('an archive', () => {
  const long = `${'folder'.repeat(30)}/${'name'.repeat(40)}.jpg`;
  const files = { 'set/train/dog/1.jpg': 'D', 'set/train/cat/2.jpg': 'C', [`set/test/cat/${long}`]: 'long', 'set/readme.md': 'x' };

  test('gives its images, long names included, with classes from folders', async () => {
    const path = join(await temporaryFolder(), 'set.tar');
    await writeFile(path, await tar(files));
    const dataset = await openDataset(path);
    expect(dataset.classes).toEqual(['cat', 'dog']);
    expect(entries(dataset)).toEqual([[`set/test/cat/${long}`, 0], ['set/train/cat/2.jpg', 0], ['set/train/dog/1.jpg', 1]]);
    expect(await Promise.all([0, 1, 2].map(async (i) => Buffer.from(await dataset.read(i)).toString()))).toEqual(['long', 'C', 'D']);
    expect(entries(await openDataset(`${path}/set/train`))).toEqual([['set/train/cat/2.jpg', 0], ['set/train/dog/1.jpg', 1]]);
    await expect(openDataset(`${path}/set/val`)).rejects.toThrow(/looked under set\/val in the archive/);
  });

  test('and shards of WebDataset, with classes from .cls and .json', async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, 'b-001.tar'), await tar({ '0.jpg': 'b0', '0.cls': '3\n', '1.jpg': 'b1', '1.json': '{"label": 1}' }));
    await writeFile(join(root, 'a-000.tar'), await tar({ '0.seg.png': 'a0', '0.cls': '0', '1.jpg': 'a1', '1.json': '{"__proto__": {"label": 9}}' }));
    const dataset = await openDataset(root);
    expect(dataset.classes).toEqual(['0', '1', '2', '3']);
    expect(entries(dataset)).toEqual([['a-000.tar/0.seg.png', 0], ['a-000.tar/1.jpg', null], ['b-001.tar/0.jpg', 3], ['b-001.tar/1.jpg', 1]]);
    expect(Buffer.from(await dataset.read(3)).toString()).toBe('b1');
  });
});
