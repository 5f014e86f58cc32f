/** Detached runs for tests: started by the command, watched as a window watches them, and ended with the test file. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { isAlive, ownHolder } from '../../backend/link/holder.ts';
import { processStart } from '../../backend/link/process.ts';
import { readStatus } from '../../backend/link/status.ts';
import type { RunEvent, RunStatus } from '../../backend/protocol.ts';
import { connectRun, type RunConnection } from '../../extension/runs/client.ts';
import { photos, quick, run } from '../cli/command.ts';

/** Steps of a few milliseconds, for longer than any test. */
export const endless = ['--set', 'schedule.steps=1000000', '--set', 'checkpoint.keep=1', ...quick];

export interface Detached {
  folder: string;
  pid: number;
}

const started: { pid: number; start: string | null }[] = [];
afterAll(() => {
  for (const { pid, start } of started) if (isAlive({ ...ownHolder(), pid, start })) process.kill(pid, 'SIGKILL');
});

/** A run file of the fixtures' photographs in the folder. */
export async function writeRunFile(folder: string): Promise<string> {
  const file = join(folder, 'tiny.siam.json');
  const { code, stderr } = await run(['init', file, '--data', photos]);
  if (code !== 0) throw new Error(stderr);
  return file;
}

/** `siamscope train FILE --detach`. Rejects with what it says where it does not begin. */
export async function detach(file: string, folder: string, ...more: string[]): Promise<Detached> {
  const { code, stdout, stderr } = await run(['train', file, '--run', folder, '--detach', '--json', ...endless, ...more]);
  if (code !== 0) throw new Error(stderr);
  const { pid } = JSON.parse(stdout) as { pid: number };
  started.push({ pid, start: processStart(pid) });
  return { folder, pid };
}

/** Asks until there is an answer that fits. */
export async function eventually<T>(ask: () => T | Promise<T>, fits: (value: T) => boolean, milliseconds = 20_000): Promise<T> {
  for (const deadline = performance.now() + milliseconds; ; ) {
    const value = await ask();
    if (fits(value)) return value;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(value)} after ${milliseconds} ms`);
    await setTimeout(10);
  }
}

export const statusWhen = (folder: string, fits: (status: RunStatus) => boolean): Promise<RunStatus> =>
  eventually(() => readStatus(folder), (status) => status !== null && fits(status)) as Promise<RunStatus>;

export interface Window {
  connection: RunConnection;
  events: RunEvent[];
  steps: number[];
  closed: Promise<void>;
}

/** Connects as a window does. */
export async function attach(folder: string, onEvent: (event: RunEvent) => void = () => undefined): Promise<Window> {
  const { socket } = await statusWhen(folder, (status) => status.socket !== null);
  const events: RunEvent[] = [], steps: number[] = [];
  let close: () => void;
  const closed = new Promise<void>((resolve) => (close = resolve));
  const connection = await connectRun(socket!, folder, {
    onEvent: (event) => {
      events.push(event);
      if (event.kind === 'step') steps.push(event.row.step);
      onEvent(event);
    },
    onStatus: () => undefined,
    onClose: () => close(),
  });
  connection.begin();
  return { connection, events, steps, closed };
}
