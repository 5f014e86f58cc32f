/** The built command as a person runs it: a process with its output, its exit code, and its run folder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { MetricsRow, RunEvent } from '../../backend/protocol.ts';

const root = join(import.meta.dirname, '../..');
const executable = join(root, 'dist/siamscope.mjs');
export const photos = join(root, 'test/fixtures/photos');

if (!existsSync(executable)) throw new Error('dist/siamscope.mjs is not built: run "npm run build"');

/** Sockets and queue of this test file: it waits for no run but its own. */
export const runtime = mkdtempSync(join(tmpdir(), 'siamscope-run-'));
process.on('exit', () => rmSync(runtime, { recursive: true, force: true }));

export interface Result {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  /** Events of `--json` so far. */
  events: RunEvent[];
  /** Resolves at the first event that fits; rejects when the process ends without one. */
  until(fits: (event: RunEvent) => boolean): Promise<RunEvent>;
  result: Promise<Result>;
}

/** Starts `siamscope` with the arguments. Colours are off. */
export function start(args: string[], options: { cwd?: string; env?: Record<string, string>; wrap?: string[] } = {}): Running {
  const [command, ...rest] = [...(options.wrap ?? []), process.execPath, executable, ...args];
  const child = spawn(command!, rest, { cwd: options.cwd, env: { ...process.env, NO_COLOR: '1', SIAMSCOPE_RUNTIME_DIR: runtime, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const events: RunEvent[] = [];
  const waiting = new Set<() => void>();
  let stdout = '', stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout += `${line}\n`;
    if (line.startsWith('{"kind"')) events.push(JSON.parse(line) as RunEvent);
    for (const check of waiting) check();
  });
  const result = once(child, 'close').then(([code, signal]: unknown[]) => ({ code, signal, stdout, stderr }) as Result);
  return {
    child, events, result,
    until: (fits) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const event = events.find(fits);
          if (event) resolve(event);
        };
        waiting.add(check);
        check();
        void result.then(({ code, stderr: errors }) => reject(new Error(`the process ended (${code}) before the event came: ${errors}`)));
      }),
  };
}

/** Runs `siamscope` to its end. */
export const run = (args: string[], options: Parameters<typeof start>[1] = {}): Promise<Result> => start(args, options).result;

/** Overrides that make a step take a few milliseconds; fp32, in which CPU runs repeat to the bit. */
export const quick = ['--precision', 'fp32', ...['model.imageSize=32', 'batch.size=8', 'data.workers=1', 'engine.threads=1'].flatMap((set) => ['--set', set])];

export const rowsOf = (folder: string): MetricsRow[] => readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as MetricsRow);

export const statusOf = (folder: string): Record<string, unknown> => JSON.parse(readFileSync(join(folder, 'status.json'), 'utf8')) as Record<string, unknown>;
