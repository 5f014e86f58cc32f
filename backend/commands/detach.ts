/** Starts a run or a study in a process of its own that outlives the terminal, the editor, and whoever started it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { InputError, RunError } from '../errors.ts';
import { liveHolder } from '../link/holder.ts';
import { outputFile } from '../link/output.ts';
import { readSmallFile } from '../link/smallFile.ts';
import { inUse } from '../train/lock.ts';

const pollMilliseconds = 20;
const patienceMilliseconds = 60_000;
const outputBytes = 2 ** 20;

/**
 * Runs `siamscope` with the arguments, which work in `folder`, in a session of its own without a terminal. Resolves with its process
 * id when `begun` says that it has begun; what the process prints goes to output.txt there. Throws InputError or RunError with what the
 * process said where it ended before that.
 */
export async function startDetached(args: readonly string[], folder: string, begun: (pid: number) => Promise<boolean>): Promise<number> {
  const holder = await liveHolder(folder);
  if (holder) throw inUse(folder, holder);
  const created = await mkdir(folder, { recursive: true });
  const path = join(folder, outputFile);
  const before = (await stat(path).catch(() => null))?.size ?? null;
  const output = await open(path, 'a', 0o644);
  // Electron, the editor's own Node, is Node only where this is said.
  const env = process.versions.electron === undefined ? process.env : { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
  const child = spawn(process.execPath, [process.argv[1]!, ...args], { detached: true, stdio: ['ignore', output.fd, output.fd], windowsHide: true, env });
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => ({ code, signal }) as { code: number | null; signal: NodeJS.Signals | null });
  await output.close();
  for (const deadline = performance.now() + patienceMilliseconds; ; ) {
    const exit = await Promise.race([ended, setTimeout(pollMilliseconds, null)]);
    if (child.pid !== undefined && (await begun(child.pid))) {
      child.unref();
      return child.pid;
    }
    if (exit) {
      const said = ((await readSmallFile(path, outputBytes)) ?? '').slice(before ?? 0).replace(/^error: /, '').trim();
      // What was laid down for the run that is none.
      if (before === null) await rm(path, { force: true });
      if (created !== undefined) await rmdir(folder).catch(() => undefined);
      if (exit.code === 2) throw new InputError(said);
      throw new RunError(said || `the process ended at once (${exit.signal ?? `exit code ${exit.code}`})`);
    }
    if (performance.now() > deadline) throw new RunError(`the process ${child.pid} has not begun within ${patienceMilliseconds / 1000} s: see ${path}`);
  }
}
