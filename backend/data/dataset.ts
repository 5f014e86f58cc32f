/** A dataset: images by index, each a range of bytes in a file, whether they lie in folders, in a list or in tar archives. */
import { open, stat } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { openFileList } from './fileList.ts';
import { openFolder } from './folder.ts';
import type { LabelledNames } from './labels.ts';
import { openTar, splitArchivePath } from './tar.ts';

/** Where a sample's encoded bytes lie. */
export interface SampleLocation {
  /** Of the image, or of the archive that holds it. */
  path: string;
  offset: number;
  /** Bytes; -1 is up to the file's end. */
  length: number;
}

export interface Dataset {
  /** Folder, list or archive, for messages. */
  source: string;
  /** Sorted; empty: no classes. */
  classes: string[];
  length: number;
  /** Relative name, '/'-separated. */
  file(index: number): string;
  label(index: number): number | null;
  /** Where the encoded bytes lie, for workers to read them themselves. */
  location(index: number): SampleLocation;
  /** Encoded bytes. Rejects with InputError where the file cannot be read. */
  read(index: number): Promise<Uint8Array>;
}

/** Encoded files beyond this are refused before they are read. */
export const maxFileBytes = 256 * 1024 * 1024;

/** What a kind of source finds: names with classes, and where each name's bytes are. */
export interface DatasetIndex extends LabelledNames {
  names: string[];
  locate(index: number): SampleLocation;
}

/**
 * Opens a folder of images (with or without class subfolders), a .txt list (a path and optionally a class a line), a .tar
 * archive, a folder of .tar shards, or a folder inside an archive (`images.tar/train`). Nothing is decoded or extracted.
 * Throws InputError where there is no such thing, it holds no image, or an archive is damaged.
 */
export async function openDataset(source: string): Promise<Dataset> {
  const index = await openIndex(source);
  const { names, classes, labels } = index;
  return {
    source,
    classes,
    length: names.length,
    file: (i) => names[checked(i, names.length)]!,
    label: (i) => (labels && labels[checked(i, names.length)]! >= 0 ? labels[i]! : null),
    location: (i) => index.locate(checked(i, names.length)),
    read: (i) => readRange(index.locate(checked(i, names.length))),
  };
}

async function openIndex(source: string): Promise<DatasetIndex> {
  const info = await stat(source).catch(() => null);
  if (info?.isDirectory()) return openFolder(source);
  const archive = await splitArchivePath(source);
  if (archive) return openTar([archive.path], archive.inner, source);
  if (!info) throw new InputError(`the dataset ${source} does not exist: give a folder of images, a .txt list of them, a .tar archive, or a folder of .tar archives`);
  if (/\.txt$/i.test(source)) return openFileList(source);
  throw new InputError(`the dataset ${source} is neither a folder nor a .txt list nor a .tar archive`);
}

function checked(index: number, length: number): number {
  if (!Number.isInteger(index) || index < 0 || index >= length) throw new RangeError(`sample ${index} of a dataset of ${length}`);
  return index;
}

async function readRange({ path, offset, length }: SampleLocation): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      const bytes = length < 0 ? (await file.stat()).size - offset : length;
      if (bytes > maxFileBytes) throw new Error(`${bytes} bytes are beyond the limit of ${maxFileBytes}`);
      const buffer = Buffer.alloc(bytes);
      const { bytesRead } = await file.read(buffer, 0, bytes, offset);
      if (bytesRead !== bytes) throw new Error(`it ends after ${bytesRead} of ${bytes} bytes`);
      return buffer;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new InputError(`cannot read ${path}: ${(error as Error).message}`);
  }
}
