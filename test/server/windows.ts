/** Many windows that find a run whose process is gone, all of which want it back at once: for a test, and in full for bench/sockets.mjs. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isRunning } from '../../backend/link/process.ts';
import { readStatus } from '../../backend/link/status.ts';
import { RunSet } from '../../extension/runs/runSet.ts';

export interface RaceResult {
  /** Processes that train in the folder afterwards; windows connected to the one; bytes of the socket's path. */
  backends: number;
  clients: number;
  pathBytes: number;
  /** Milliseconds until every window was connected. */
  milliseconds: number;
}

export interface RaceOptions {
  /** Starts `siamscope` with the arguments and waits for its end. */
  command: (args: string[]) => Promise<{ code: number | null }>;
  /** A run that is resumed: it has a checkpoint, and nobody works on it. */
  folder: string;
  windows: number;
  more: string[];
}

/**
 * Leaves the folder as a crash would, its process number given to another process since and its socket still there, lets every
 * window ask for a resumption at the same moment, and kills what came of it.
 */
export async function raceOverStaleSocket({ command, folder, windows, more }: RaceOptions): Promise<RaceResult> {
  const status = JSON.parse(readFileSync(join(folder, 'status.json'), 'utf8')) as object;
  // This process is alive, and is not the one that was given this number first.
  writeFileSync(join(folder, 'status.json'), JSON.stringify({ ...status, state: 'running', pid: process.pid }));
  writeFileSync(join(folder, `.lock-${randomBytes(8).toString('hex')}`), JSON.stringify({ pid: process.pid, start: 'before', host: hostname() }));
  const sets = Array.from({ length: windows }, () => new RunSet({ maySweep: () => true, onChange: () => undefined, onEvent: () => undefined, say: () => undefined }));
  try {
    await Promise.all(sets.map((set) => set.look(folder)));
    if (!sets.every((set) => set.get(folder)?.state === 'lost')) throw new Error('a window takes the run for alive');
    const begun = performance.now();
    const codes = await Promise.all(sets.map(async () => (await command(['train', folder, '--resume', '--detach', '--json', '--now', ...more])).code));
    const attached = (): number => sets.filter((set) => set.get(folder)?.attached).length;
    for (const deadline = performance.now() + 20_000; attached() < windows && performance.now() < deadline; ) {
      await Promise.all(sets.map((set) => set.look(folder)));
      await setTimeout(20);
    }
    const milliseconds = performance.now() - begun;
    const { pid, socket } = (await readStatus(folder))!;
    const clients = sets.filter((set) => set.get(folder)?.attached && set.get(folder)?.status.pid === pid).length;
    const backends = codes.filter((code) => code === 0).length;
    const alive = readdirSync(folder).filter((name) => name.startsWith('.lock-')).length;
    process.kill(pid, 'SIGKILL');
    while (isRunning(pid, null)) await setTimeout(10);
    return { backends: Math.max(backends, alive), clients, pathBytes: Buffer.byteLength(socket ?? ''), milliseconds };
  } finally {
    for (const set of sets) set.dispose();
  }
}

/** A socket in the private folder whose process is gone, by its path. */
export function leaveStaleSocket(beside: string): string {
  const path = join(dirname(beside), `${randomBytes(8).toString('hex')}.sock`);
  // Ended without closing: its socket stays.
  spawnSync(process.execPath, ['-e', `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`, path]);
  statSync(path);
  return path;
}
