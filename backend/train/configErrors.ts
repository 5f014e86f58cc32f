/** From what a schema found wrong to one sentence a problem: the key's path, the nearest right key, and what was expected. */
import type { z } from 'zod';
import type { RunFileProblem } from '../protocol/machine.ts';
import { nearest } from '../nearest.ts';

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

/** Lists longer than this are cut. */
const shown = 12;
const list = (values: readonly unknown[]): string => values.slice(0, shown).map((v) => JSON.stringify(v)).join(', ') + (values.length > shown ? ', ...' : '');

const typeNames: Readonly<Record<string, string>> = { int: 'a whole number', number: 'a number', string: 'a "quoted" string', boolean: 'true or false', object: 'an object {...}', array: 'a list [...]', tuple: 'a list [...]', record: 'an object {...}' };

function found(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The keys of the object that an issue is about. */
function keysOf(issue: RawIssue): string[] {
  const definition = issue.inst?._zod.def as { shape?: Record<string, unknown> } | undefined;
  return Object.keys(definition?.shape ?? {});
}

function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  return keys.map((key) => {
    const near = nearest(key, known);
    return `there is no key ${JSON.stringify(key)} here${near === null ? `; there are ${list(known)}` : `: did you mean ${JSON.stringify(near)}?`}`;
  }).join('; ');
}

function size(issue: Extract<RawIssue, { code: 'too_small' | 'too_big' }>): string {
  const small = issue.code === 'too_small';
  const limit = small ? issue.minimum : issue.maximum;
  const words = small ? (issue.inclusive === false ? 'more than' : 'at least') : issue.inclusive === false ? 'less than' : 'at most';
  const what = issue.origin === 'string' ? 'a text of ' : issue.origin === 'array' ? 'a list of ' : 'a number of ';
  return `expected ${what}${words} ${String(limit)}${issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' items' : ''}, found ${found(issue.input)}`;
}

function choice(values: readonly unknown[], input: unknown): string {
  const near = typeof input === 'string' ? nearest(input, values.map(String)) : null;
  return `expected ${values.length > 1 ? 'one of ' : ''}${list(values)}, found ${found(input)}${near === null ? '' : `: did you mean ${JSON.stringify(near)}?`}`;
}

/** The error map that run files are parsed with: says what is wrong, without where. */
export const describeIssue: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKeys(issue.keys, keysOf(issue));
    case 'invalid_type':
      return `expected ${typeNames[issue.expected] ?? issue.expected}, found ${found(issue.input)}`;
    case 'invalid_value':
      return choice(issue.values, issue.input);
    case 'too_small':
    case 'too_big':
      return size(issue);
    case 'invalid_union': {
      const { options, discriminator } = issue as { options?: unknown[]; discriminator?: string };
      if (options && discriminator) return choice(options, (issue.input as Record<string, unknown>)[discriminator]);
      return `found ${found(issue.input)}, which is none of what is allowed: ${issue.errors.flat().map(({ message }) => message).join(', or ')}`;
    }
    default:
      return undefined;
  }
};


/** What zod found, as problems. */
export function problemsOf(issues: readonly z.core.$ZodIssue[]): RunFileProblem[] {
  return issues.map(({ code, path, keys, message }: z.core.$ZodIssue & { keys?: string[] }) => ({
    path: (code === 'unrecognized_keys' && keys?.length === 1 ? [...path, keys[0]!] : path) as (string | number)[],
    message: code === 'invalid_format' || code === 'custom' ? `expected ${message}` : message,
    inSchema: code !== 'custom' && code !== 'invalid_union',
  }));
}

/** All problems, each with its key; `place` gives the file, line and column of a path. */
export function problemLines(problems: readonly RunFileProblem[], place: (path: readonly PropertyKey[]) => string): string {
  return problems.map(({ path, message }) => `${place(path)}: ${path.length === 0 ? '' : `${path.map(String).join('.')}: `}${message}`).join('\n');
}
