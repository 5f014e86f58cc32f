/** Runs a program to its end, with its whole process tree ended on a time-out or an abort. */
import { spawn } from 'node:child_process';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  timeoutMs?: number;
}

export interface RunResult {
  /** null where the program could not be started or was ended. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** Why there is no code. */
  failure: string | null;
}

const maxOutput = 1 << 20;

/** Never rejects for what the program does; rejects with the signal's reason when aborted. */
export function runProgram(command: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const { signal, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    // A group of its own, so that what the program started ends with it.
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32', windowsHide: true });
    let stdout = '', stderr = '', failure: string | null = null;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout = (stdout + text).slice(-maxOutput)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-maxOutput)));
    const end = (): void => {
      try {
        if (child.pid !== undefined && process.platform !== 'win32') process.kill(-child.pid, 'SIGKILL');
        else child.kill();
      } catch {
        // it has ended by itself
      }
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => ((failure = `did not end within ${timeoutMs / 1000} s`), end()), timeoutMs);
    signal?.addEventListener('abort', end, { once: true });
    child.on('error', (error) => (failure = error.message));
    child.on('close', (code) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason as Error);
      else resolve({ code: failure === null ? code : null, stdout, stderr, failure: failure ?? (code === null ? 'was ended by a signal' : null) });
    });
  });
}
