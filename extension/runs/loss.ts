/** Why a run's process is gone without having said so: judged from what it left behind and what the system counts. */
import { open } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { outputFile } from '../../backend/link/output.ts';
import { readSmallFile } from '../../backend/link/smallFile.ts';
import type { RunStatus } from '../../backend/protocol.ts';

const tailBytes = 16_384;
const lineLength = 300;
const outOfMemory = /heap out of memory|bad_alloc|out of memory|cannot allocate memory|ERR_WORKER_OUT_OF_MEMORY/i;
const crash = /^(error:|fatal|terminate called|segmentation fault|abort|panic|uncaught|\w*Error:)/i;

/** How often this system has killed a process for memory since it was started; null where it does not say. */
export async function memoryKills(): Promise<number | null> {
  if (process.platform !== 'linux') return null;
  const found = /^oom_kill (\d+)$/m.exec((await readSmallFile('/proc/vmstat', 2 ** 17)) ?? '');
  return found ? Number(found[1]) : null;
}

/** One line for people. `killsBefore`: `memoryKills` at a moment when the process was still there. */
export async function reasonOfLoss(folder: string, status: RunStatus, killsBefore: number | null): Promise<string> {
  const where = status.step > 0 ? ` after step ${status.step}` : '';
  const updated = Date.parse(status.updated), booted = Date.now() - uptime() * 1000;
  // Some seconds, for clocks that are set.
  if (updated < booted - 10_000) return `the machine was restarted${where}`;
  const said = await lastOutput(folder, Date.parse(status.started));
  const memory = said.find((line) => outOfMemory.test(line));
  if (memory !== undefined) return `out of memory${where}: ${memory}`;
  const broken = said.findLast((line) => crash.test(line)) ?? said.at(-1);
  if (broken !== undefined) return `crashed${where}: ${broken}`;
  const kills = await memoryKills();
  if (killsBefore !== null && kills !== null && kills > killsBefore) return `killed${where} by the system, which had run out of memory: lower batch.size and raise batch.accumulate`;
  return `killed${where}: its process (${status.pid}) ended without a word`;
}

/** Lines that the process printed itself, in this session. */
async function lastOutput(folder: string, started: number): Promise<string[]> {
  let handle;
  try {
    handle = await open(join(folder, outputFile), 'r');
    const info = await handle.stat();
    if (!info.isFile() || info.mtimeMs < started) return [];
    const at = Math.max(0, info.size - tailBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(tailBytes), 0, tailBytes, at);
    return buffer.toString('utf8', 0, bytesRead).split('\n').map((line) => line.trim().slice(0, lineLength)).filter((line) => line !== '');
  } catch {
    return [];
  } finally {
    await handle?.close();
  }
}
