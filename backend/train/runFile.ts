/** From a run file on disk, its preset and the command line's overrides to a checked, complete configuration. */
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import { suggestion } from '../nearest.ts';
import type { RunFileProblem } from '../protocol/machine.ts';
import { presetNames, presets } from '../presets/index.ts';
import { checkRun, runSchema, type RunConfig } from './config.ts';
import { describeIssue, problemLines, problemsOf } from './configErrors.ts';
import { parseJson } from './json.ts';
import { isObject, mergeRun, type JsonObject } from './mergeRun.ts';

/** A run file is a page of text; what is larger is something else. */
const maxFileBytes = 2 ** 20;

/** A `key.path=value` of the command line as an object to merge: `a.b=1` is {a: {b: 1}}. Values are JSON, or else text. Throws InputError. */
export function parseOverride(text: string): JsonObject {
  const equals = text.indexOf('=');
  const path = text.slice(0, Math.max(0, equals)).trim().split('.');
  if (equals < 1 || path.some((key) => key === '')) throw new InputError(`--set ${text}: give key.path=value, such as --set batch.size=32`);
  if (path.includes('__proto__')) throw new InputError(`--set ${text}: the key "__proto__" is not allowed`);
  let value = valueOf(text.slice(equals + 1));
  // What is typed in a shell is relative to where it is typed.
  if (['data.train', 'data.test', 'initial.checkpoint'].includes(path.join('.')) && typeof value === 'string') value = resolve(value);
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as JsonObject;
}

/** JSON where it is JSON, else the text itself: names need no quotes in a shell. The schema says what it may be. */
function valueOf(literal: string): unknown {
  try {
    return parseJson(literal, '--set').value;
  } catch {
    return literal;
  }
}

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

/**
 * The complete configuration of a run file's values: preset below, overrides above, defaults filled in, paths absolute
 * (relative ones count from `folder`). Throws InputError that names every wrong key, where it is, and what was expected.
 */
export function completeRun(file: JsonObject, options: { folder: string; overrides?: readonly string[]; place?: (path: readonly PropertyKey[]) => string }): RunConfig {
  const place = options.place ?? (() => 'run file');
  const over = mergedOverrides(options.overrides);
  const checked = examineRun(mergeRun(file, over));
  if (!checked.config) throw new InputError(problemLines(checked.problems, (path) => (path.length > 0 && has(over, path) ? '--set' : place(path))));
  const { initial, data: { train, test } } = checked.config;
  return { ...checked.config, initial: initial && { ...initial, checkpoint: resolve(options.folder, initial.checkpoint) }, data: { ...checked.config.data, train: resolve(options.folder, train), test: test === null ? null : resolve(options.folder, test) } };
}

const mergedOverrides = (overrides: readonly string[] = []): JsonObject => overrides.map(parseOverride).reduce(mergeRun, {});

/** A run file's values laid over their preset and checked: the configuration, its paths as they are written, or everything that is wrong. */
export function examineRun(own: JsonObject): { config: RunConfig; problems: [] } | { config: null; problems: RunFileProblem[] } {
  const preset = own.preset;
  if (preset !== undefined && (typeof preset !== 'string' || !Object.hasOwn(presets, preset)))
    return { config: null, problems: [{ path: ['preset'], message: `there is no preset ${JSON.stringify(preset)}${typeof preset === 'string' ? suggestion(preset, presetNames) : ''}; there are ${presetNames.join(', ')}`, inSchema: true }] };
  const parsed = runSchema.safeParse(preset === undefined ? own : mergeRun(presets[preset]!, own), { error: describeIssue });
  if (!parsed.success) return { config: null, problems: problemsOf(parsed.error.issues) };
  const { $schema: _schema, preset: _preset, ...config } = parsed.data;
  try {
    checkRun(config);
  } catch (error) {
    if (error instanceof InputError) return { config: null, problems: [{ path: [], message: error.message, inSchema: false }] };
    throw error;
  }
  return { config, problems: [] };
}

/** Whether there is a value at the path. */
function has(value: unknown, path: readonly PropertyKey[]): boolean {
  const [key, ...rest] = path;
  return key === undefined || (isObject(value) && Object.hasOwn(value, key) && has(value[String(key)], rest));
}

/** Reads and completes a run file. Relative paths in it count from its folder. */
export async function loadRun(path: string, overrides: readonly string[] = []): Promise<RunConfig> {
  const { value, place } = await readRunFile(path);
  return completeRun(value, { folder: dirname(resolve(path)), overrides, place });
}
