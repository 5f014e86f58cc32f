/** A folder of images, with or without class subfolders, or of .tar shards. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import type { DatasetIndex } from './dataset.ts';
import { folderClasses, isImageName, numberClasses } from './labels.ts';
import { openTar } from './tar.ts';

const maxDepth = 32;

/** Indexes a folder: its images in all depths, sorted by name; or, where it holds no image but .tar files, these as shards. */
export async function openFolder(folder: string): Promise<DatasetIndex> {
  const names: string[] = [];
  const archives: string[] = [];
  await walk(folder, '', names, archives, new Set(), 0);
  if (names.length === 0 && archives.length > 0) return openTar(archives.sort().map((name) => join(folder, name)), '', folder);
  if (names.length === 0) throw new InputError(`the dataset ${folder} holds no image: looked in it and its subfolders for JPEG, PNG, WebP, AVIF, TIFF, GIF and BMP files and for .tar archives. Give a folder that has some`);
  names.sort();
  return { names, ...numberClasses(folderClasses(names)), locate: (i) => ({ path: join(folder, names[i]!), offset: 0, length: -1 }) };
}

/** Collects images and top-level archives; hidden entries are passed over, links are followed once. */
async function walk(root: string, inner: string, names: string[], archives: string[], seen: Set<string>, depth: number): Promise<void> {
  const path = join(root, inner);
  let entries;
  try {
    const real = await realpath(path);
    if (seen.has(real) || depth > maxDepth) return;
    seen.add(real);
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    throw new InputError(`cannot list the dataset's folder ${path}: ${(error as Error).message}`);
  }
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const name = inner === '' ? entry.name : `${inner}/${entry.name}`;
    const target = entry.isSymbolicLink() ? await stat(join(root, name)).catch(() => null) : entry;
    if (target?.isDirectory()) await walk(root, name, names, archives, seen, depth + 1);
    else if (target?.isFile() && isImageName(name)) names.push(name);
    else if (target?.isFile() && inner === '' && /\.tar$/i.test(name)) archives.push(name);
  }
}
