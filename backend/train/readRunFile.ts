/** Run files and study files as they are written on disk, with the place of every key; what they mean is others' business. */
import { open } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { parseJson } from './json.ts';
import { isObject, type JsonObject } from './mergeRun.ts';

/** A run file is a page of text; what is larger is something else. */
const maxFileBytes = 2 ** 20;

async function readText(path: string, what: string): Promise<string> {
  let handle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError(code === 'ENOENT' ? `the ${what} ${path} does not exist: make one with "siamscope ${what === 'run file' ? `init ${path}` : 'study init'}"` : `the ${what} ${path} cannot be read (${code})`);
  }
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new InputError(`${path} is not a file: give a ${what} (*.${what === 'run file' ? 'siam' : 'study'}.json)`);
    if (info.size > maxFileBytes) throw new InputError(`${path} has ${info.size} bytes, more than a ${what} may have (${maxFileBytes})`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** The file's own values, as they are written. Throws InputError with line and column where it is not JSON. */
export async function readRunFile(path: string, what: 'run file' | 'study file' = 'run file'): Promise<{ value: JsonObject; place: (path: readonly PropertyKey[]) => string }> {
  const { value, place } = parseJson(await readText(path, what), path);
  if (!isObject(value)) throw new InputError(`${path}:1:1: a ${what} is an object {...}`);
  return { value, place };
}
