/** Whether a process that left its number somewhere is still the same one, also after its number has been given away again. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** When a process began, in its system's own words; null where the system does not say or there is no such process. */
export function processStart(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      // Field 22; the second, the name in parentheses, may hold spaces.
      return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!}`;
    }
    if (process.platform === 'darwin') return execFileSync('/bin/ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { LC_ALL: 'C' } }).trim() || null;
    return null;
  } catch {
    return null;
  }
}

/** Whether process `pid` that began at `start` (null: unknown) is alive on this machine. */
export function isRunning(pid: number, start: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = processStart(pid);
  return start === null || now === null || now === start;
}
