/** Whether a process that left its number somewhere is still the same one, also after its number has been given away again. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** When a process began, in its system's own words; null where the system does not say or there is no such process. */
export const processStart = (pid: number): string | null => look(pid)?.start ?? null;

/** Whether process `pid` that began at `start` (null: unknown) is alive on this machine. */
export function isRunning(pid: number, start: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = look(pid);
  // One that has ended keeps its number until its parent asks; in a container nobody may ever do so.
  if (now?.ended) return false;
  return start === null || now === null || now.start === start;
}

function look(pid: number): { start: string; ended: boolean } | null {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      // Fields 3 and 22; the second, the name in parentheses, may hold spaces.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return { start: `${boot} ${fields[19]!}`, ended: 'ZX'.includes(fields[0]!) };
    }
    if (process.platform === 'darwin') {
      const [state, ...start] = execFileSync('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8', env: { LC_ALL: 'C' } }).trim().split(/\s+/);
      return start.length > 0 ? { start: start.join(' '), ended: state!.startsWith('Z') } : null;
    }
    return null;
  } catch {
    return null;
  }
}
