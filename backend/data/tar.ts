/** Tar archives as a dataset (WebDataset): images in place, classes from .cls or .json members or from folders. */
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { InputError } from '../errors.ts';
import type { DatasetIndex, SampleLocation } from './dataset.ts';
import { commonFolder, folderClasses, isImageName, numberClasses } from './labels.ts';
import { scanTar, type TarMember } from './tarIndex.ts';

/** A .cls or .json member holds a class, not data; larger ones are passed over. */
const maxClassBytes = 64 * 1024;

interface ArchivedImage {
  name: string;
  /** Index of its archive. */
  shard: number;
  offset: number;
  size: number;
}

/** Splits `images.tar/train` into the archive and the folder inside it; null where no part of the path is a .tar file. */
export async function splitArchivePath(source: string): Promise<{ path: string; inner: string } | null> {
  for (const match of source.matchAll(/\.tar(?=$|[/\\])/gi)) {
    const path = source.slice(0, match.index + match[0].length);
    if ((await stat(path).catch(() => null))?.isFile()) return { path, inner: source.slice(path.length).replaceAll('\\', '/').replace(/^\/+|\/+$/g, '') };
  }
  return null;
}

/** Indexes archives as one dataset, of the images under the folder `inner` ('' is all). `source` is for messages. */
export async function openTar(paths: readonly string[], inner: string, source: string): Promise<DatasetIndex> {
  const images: ArchivedImage[] = [];
  const given: (string | null)[] = [];
  const prefix = inner === '' ? '' : `${inner}/`;
  for (const [shard, path] of paths.entries()) {
    const members = (await scanTar(path)).map((m) => ({ ...m, name: m.name.replace(/^(\.?\/)+/, '') })).filter((m) => m.name.startsWith(prefix) && !/(^|\/)\./.test(m.name));
    const classes = await readClasses(path, members);
    // By name, so that an archive and a folder of the same images number them alike.
    for (const { name, offset, size } of members.filter((m) => isImageName(m.name)).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      images.push({ name, shard, offset, size });
      given.push(classes.get(sampleKey(name)) ?? null);
    }
  }
  if (images.length === 0) throw new InputError(`the dataset ${source} holds no image: looked ${inner === '' ? '' : `under ${inner} `}in ${paths.length === 1 ? 'the archive' : `${paths.length} archives`} for JPEG, PNG, WebP, AVIF, TIFF, GIF and BMP files`);
  const names = images.map((image) => image.name);
  const root = inner === '' ? commonFolder(names).length : prefix.length;
  const classes = given.some((name) => name !== null) ? given : folderClasses(names.map((name) => name.slice(root)));
  return {
    // Shards number their samples alike, so each name is told apart by its shard.
    names: paths.length === 1 ? names : images.map(({ shard, name }) => `${basename(paths[shard]!)}/${name}`),
    ...numberClasses(classes),
    locate(i): SampleLocation {
      const { shard, offset, size } = images[i]!;
      return { path: paths[shard]!, offset, length: size };
    },
  };
}

/** What members of one sample share: the name up to the first dot behind its folder. */
function sampleKey(name: string): string {
  const dot = name.indexOf('.', name.lastIndexOf('/') + 1);
  return dot < 0 ? name : name.slice(0, dot);
}

/** The class of each sample that has a .cls or .json member. */
async function readClasses(path: string, members: readonly TarMember[]): Promise<Map<string, string>> {
  const classes = new Map<string, string>();
  const described = members.filter((m) => /\.(cls|json)$/i.test(m.name) && m.size > 0 && m.size <= maxClassBytes);
  if (described.length === 0) return classes;
  const file = await open(path);
  try {
    for (const { name, offset, size } of described) {
      const buffer = Buffer.alloc(size);
      await file.read(buffer, 0, size, offset);
      const found = /\.cls$/i.test(name) ? buffer.toString('utf8').trim() : classInJson(buffer.toString('utf8'));
      if (found) classes.set(sampleKey(name), found);
    }
  } finally {
    await file.close();
  }
  return classes;
}

/** The class in a sample's description: `label`, `class`, `cls` or `class_name`, a string or a whole number; null where it has none. */
function classInJson(text: string): string | null {
  let description: unknown;
  try {
    description = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof description !== 'object' || description === null) return null;
  for (const key of ['label', 'class', 'cls', 'class_name']) {
    const value: unknown = Object.hasOwn(description, key) ? (description as Record<string, unknown>)[key] : undefined;
    if (typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))) return String(value);
  }
  return null;
}
