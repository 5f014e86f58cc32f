/** Python packages for cross-checks, each set in a virtual environment of its own under .cache/, installed once. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = join(import.meta.dirname, '../../.cache/python-tools');
const interpreterIn = (folder: string) => (process.platform === 'win32' ? join(folder, 'Scripts/python.exe') : join(folder, 'bin/python'));
const installed = new Map<string, Promise<string | null>>();

/**
 * The path of a Python interpreter that has exactly the pinned packages (`['safetensors==0.8.0']`) and what they need.
 * Gives null, after printing the reason, where Python or pip cannot provide them: the caller then skips aloud.
 */
export function pythonWith(packages: string[]): Promise<string | null> {
  const key = packages.join(' ');
  const known = installed.get(key) ?? install(packages).catch((error: unknown) => {
    const { stderr, message } = error as { stderr?: string; message: string };
    console.warn(`SKIPPED: no Python with ${key}: ${(stderr || message).trim().split('\n').at(-1)}`);
    return null;
  });
  installed.set(key, known);
  return known;
}

async function install(packages: string[]): Promise<string> {
  const python = process.platform === 'win32' ? 'python' : 'python3';
  const { stdout: version } = await run(python, ['-c', 'import sys; print(sys.version)']);
  const folder = join(cache, createHash('sha256').update([version, ...packages].join('\n')).digest('hex').slice(0, 16));
  if (await access(interpreterIn(folder)).then(() => true, () => false)) return interpreterIn(folder);
  // Made beside and renamed, so that an interrupted installation is never taken for a whole one.
  const partial = `${folder}.${process.pid}`;
  await mkdir(cache, { recursive: true });
  try {
    await run(python, ['-m', 'venv', partial], { timeout: 120_000 });
    if (packages.length > 0) await run(interpreterIn(partial), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:', ...packages], { timeout: 900_000, maxBuffer: 2 ** 24 });
    await rename(partial, folder).catch(async (error: unknown) => {
      // Another test process was faster.
      if (!(await access(interpreterIn(folder)).then(() => true, () => false))) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return interpreterIn(folder);
}

/** Runs a script of the given text and gives what it printed. Rejects with its error output where it fails. */
export async function runPython(python: string, script: string, args: string[] = []): Promise<string> {
  return (await run(python, ['-c', script, ...args], { maxBuffer: 2 ** 26, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } })).stdout;
}
