/** From a run file on disk, its preset and the command line's overrides to a checked, complete configuration. */
import { dirname, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import type { RunFileProblem } from '../protocol/machine.ts';
import { noPreset, presets } from '../presets/index.ts';
import { checkRun, runSchema, type RunConfig } from './config.ts';
import { describeIssue, problemLines, problemsOf } from './configErrors.ts';
import { parseJson } from './json.ts';
import { isObject, mergeRun, type JsonObject } from './mergeRun.ts';
import { readRunFile } from './readRunFile.ts';

/** Values that are paths of files: relative ones count from the run file's folder. */
const filePaths = new Set(['data.train', 'data.test', 'method.tokenizerWeights', 'initial.checkpoint']);

/** A `key.path=value` of the command line as an object to merge: `a.b=1` is {a: {b: 1}}. Values are JSON, or else text. Throws InputError. */
export function parseOverride(text: string): JsonObject {
  const equals = text.indexOf('=');
  const path = text.slice(0, Math.max(0, equals)).trim().split('.');
  if (equals < 1 || path.some((key) => key === '')) throw new InputError(`--set ${text}: give key.path=value, such as --set batch.size=32`);
  if (path.includes('__proto__')) throw new InputError(`--set ${text}: the key "__proto__" is not allowed`);
  let value = valueOf(text.slice(equals + 1));
  // What is typed in a shell is relative to where it is typed.
  if (filePaths.has(path.join('.')) && typeof value === 'string') value = resolve(value);
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

/**
 * The complete configuration of a run file's values: preset below, overrides above, defaults filled in, paths absolute
 * (relative ones count from `folder`). Throws InputError that names every wrong key, where it is, and what was expected.
 */
export function completeRun(file: JsonObject, options: { folder: string; overrides?: readonly string[]; place?: (path: readonly PropertyKey[]) => string }): RunConfig {
  const place = options.place ?? (() => 'run file');
  const over = mergedOverrides(options.overrides);
  const checked = examineRun(mergeRun(file, over));
  if (!checked.config) throw new InputError(problemLines(checked.problems, (path) => (path.length > 0 && has(over, path) ? '--set' : place(path))));
  const { data, method, initial } = checked.config;
  const absolute = (path: string | null): string | null => (path === null ? null : resolve(options.folder, path));
  return {
    ...checked.config,
    initial: initial && { ...initial, checkpoint: resolve(options.folder, initial.checkpoint) },
    data: { ...data, train: resolve(options.folder, data.train), test: absolute(data.test) },
    method: method.name === 'beit' ? { ...method, tokenizerWeights: absolute(method.tokenizerWeights) } : method,
  };
}

const mergedOverrides = (overrides: readonly string[] = []): JsonObject => overrides.map(parseOverride).reduce(mergeRun, {});

/** A run file's values laid over their preset and checked: the configuration, its paths as they are written, or everything that is wrong. */
export function examineRun(own: JsonObject): { config: RunConfig; problems: [] } | { config: null; problems: RunFileProblem[] } {
  const preset = own.preset;
  if (preset !== undefined && (typeof preset !== 'string' || !Object.hasOwn(presets, preset)))
    return { config: null, problems: [{ path: ['preset'], message: noPreset(preset), inSchema: true }] };
  const parsed = runSchema.safeParse(preset === undefined ? own : mergeRun(presets[preset]!, own), { error: describeIssue });
  if (!parsed.success) return { config: null, problems: problemsOf(parsed.error.issues).map((problem) => ({ ...problem, inSchema: problem.inSchema && !(problem.path[0] === 'method' && !namesMethod(own)) })) };
  const { $schema: _schema, preset: _preset, ...config } = parsed.data;
  try {
    checkRun(config);
  } catch (error) {
    if (error instanceof InputError) return { config: null, problems: [{ path: [], message: error.message, inSchema: false }] };
    throw error;
  }
  return { config, problems: [] };
}

/** Where the preset alone names the method, the JSON Schema cannot tell which method's keys may be there. */
export const namesMethod = ({ method }: JsonObject): boolean => isObject(method) && method.name !== undefined;

/** Whether there is a value at the path. */
export function has(value: unknown, path: readonly PropertyKey[]): boolean {
  const [key, ...rest] = path;
  return key === undefined || (typeof value === 'object' && value !== null && Object.hasOwn(value, key) && has((value as Record<PropertyKey, unknown>)[key], rest));
}

/** Reads and completes a run file. Relative paths in it count from its folder. */
export async function loadRun(path: string, overrides: readonly string[] = []): Promise<RunConfig> {
  const { value, place } = await readRunFile(path);
  return completeRun(value, { folder: dirname(resolve(path)), overrides, place });
}
