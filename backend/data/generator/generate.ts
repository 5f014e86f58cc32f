/** Writes a data set of generated images: a folder per split and class, so that the command can be tried without any photographs. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../assets.ts';
import { InputError, RunError } from '../../errors.ts';
import { classNames } from './objects/index.ts';
import type { ImageKey } from './scene.ts';

/** Raised whenever the same key would give other pixels, so that older folders are not taken for current ones. */
const generatorVersion = 1;
const manifestName = 'manifest.json';
const batchSize = 16;

export interface GenerateOptions {
  /** Names out of `classNames`; all of them by default. */
  classes?: readonly string[];
  /** Training images of each class. */
  perClass: number;
  /** Test images of each class; none by default. */
  testPerClass?: number;
  /** Height and width in pixels; 160 by default. */
  size?: number;
  seed: number;
  format?: 'jpg' | 'png';
  /** Threads that render; by default one for each processor. */
  workers?: number;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

export interface GeneratedImages {
  folder: string;
  /** `<folder>/train`: one folder of images a class. */
  train: string;
  /** `<folder>/test`, or null where no test images were asked for. */
  test: string | null;
  images: number;
  /** The folder was there already, complete, with the same settings. */
  reused: boolean;
}

/** What a worker is sent: images to render, each with the file it becomes. */
export interface RenderTask {
  size: number;
  format: 'jpg' | 'png';
  images: { key: ImageKey; path: string }[];
}

/** What a worker is sent last: it ends by itself, because stopping a thread inside native code may take the process with it. */
export const endOfTasks = 'end';

/** What a worker answers, once for each task. */
export type RenderReply = { done: number } | { error: string };

type Manifest = { generator: number; seed: number; size: number; format: string; classes: string[]; perClass: number; testPerClass: number };

function check(options: GenerateOptions): Manifest {
  const { classes = classNames, perClass, testPerClass = 0, size = 160, seed, format = 'jpg' } = options;
  const unknown = classes.filter((name) => !classNames.includes(name));
  if (unknown.length > 0) throw new InputError(`There is no image class "${unknown.join('", "')}": the classes are ${classNames.join(', ')}.`);
  if (classes.length === 0 || new Set(classes).size !== classes.length) throw new InputError('The classes of generated images must be named once each, at least one.');
  for (const [name, value, low, high] of [['images a class', perClass, 1, 99_999], ['test images a class', testPerClass, 0, 99_999], ['image size', size, 16, 1024], ['seed', seed, 0, 2 ** 53 - 1]] as const)
    if (!Number.isSafeInteger(value) || value < low || value > high) throw new InputError(`The ${name} must be a whole number from ${low} to ${high}, not ${value}.`);
  return { generator: generatorVersion, seed, size, format, classes: [...classes], perClass, testPerClass };
}

async function readManifest(folder: string): Promise<string | null> {
  try {
    return await readFile(join(folder, manifestName), 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Removes what killed generations of this folder left beside it: their names hold the process that wrote them. */
async function sweep(folder: string): Promise<void> {
  const prefix = `.${basename(folder)}.partial-`;
  for (const name of await readdir(dirname(folder))) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length).split('-')[0]) : NaN;
    if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) continue;
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') await rm(join(dirname(folder), name), { recursive: true, force: true });
    }
  }
}

function* tasks(manifest: Manifest, folder: string): Generator<RenderTask> {
  const { seed, size, classes, perClass, testPerClass } = manifest;
  const format = manifest.format === 'png' ? 'png' : 'jpg';
  for (const [split, count] of [['train', perClass], ['test', testPerClass]] as const)
    for (const className of classes)
      for (let start = 0; start < count; start += batchSize) {
        const images = Array.from({ length: Math.min(batchSize, count - start) }, (_, k) => {
          const index = start + k;
          return { key: { seed, className, split, index }, path: join(folder, split, className, `${String(index).padStart(5, '0')}.${format}`) };
        });
        yield { size, format, images };
      }
}

/** Runs all tasks on `count` threads; rejects with the first failure, after every thread has ended. */
async function renderAll(queue: Iterator<RenderTask>, count: number, onDone: (images: number) => void, signal: AbortSignal | undefined): Promise<void> {
  const workers = Array.from({ length: count }, () => new Worker(workerUrl('generator')));
  const ended = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  try {
    await Promise.all(workers.map((worker) => new Promise<void>((resolve, reject) => {
      const next = (): void => {
        if (signal?.aborted) return reject(new RunError('Generating images was stopped.'));
        const task = queue.next();
        if (task.done) resolve();
        else worker.postMessage(task.value);
      };
      worker.on('message', (reply: RenderReply) => {
        if ('error' in reply) return reject(new RunError(reply.error));
        onDone(reply.done);
        next();
      });
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new RunError(`A thread that generates images ended early (code ${code}).`)));
      next();
    })));
  } finally {
    for (const worker of workers) worker.postMessage(endOfTasks);
    await Promise.all(ended);
  }
}

async function writeManifest(folder: string, text: string): Promise<void> {
  const file = await open(join(folder, manifestName), 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Makes `folder` hold `train/<class>/00000.jpg ...` and `test/<class>/...`. Images are written beside it and the folder is
 * renamed into place when complete, so that it is there whole or not at all; a complete folder of equal settings is kept.
 * Throws InputError for wrong options or a folder that holds something else, RunError where rendering or writing fails.
 */
export async function generateImages(folder: string, options: GenerateOptions): Promise<GeneratedImages> {
  const manifest = check(options);
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const target = resolve(folder);
  const images = manifest.classes.length * (manifest.perClass + manifest.testPerClass);
  const result = (reused: boolean): GeneratedImages => ({ folder: target, train: join(target, 'train'), test: manifest.testPerClass > 0 ? join(target, 'test') : null, images, reused });

  const found = await readManifest(target);
  if (found === text) return result(true);
  await mkdir(dirname(target), { recursive: true });
  const holds = found !== null ? ['generated images of other settings'] : await readdir(target).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? [] : ['something else']));
  if (holds.length > 0) throw new InputError(`Generated images need a folder of their own, and ${target} holds ${found !== null ? holds[0] : 'other files'}: name another folder, or remove this one.`);

  await sweep(target);
  const partial = join(dirname(target), `.${basename(target)}.partial-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    for (const split of manifest.testPerClass > 0 ? ['train', 'test'] : ['train']) for (const name of manifest.classes) await mkdir(join(partial, split, name), { recursive: true });
    let done = 0;
    const threads = Math.max(1, Math.min(options.workers ?? availableParallelism(), Math.ceil(images / batchSize)));
    await renderAll(tasks(manifest, partial), threads, (count) => options.onProgress?.((done += count), images), options.signal);
    await writeManifest(partial, text);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another process may have finished the same folder first.
    if ((await readManifest(target)) === text) return result(true);
    throw error;
  }
  return result(false);
}
