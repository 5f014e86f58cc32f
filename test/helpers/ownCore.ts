/** Keeps a test worker, and every process that it starts, on a core of its own, where the system can do that (Linux with taskset). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** "0-2,5" is 0, 1, 2, 5. */
function cores(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first, last] = part.split('-').map(Number) as [number, number?];
    return Array.from({ length: (last ?? first) - first + 1 }, (_, i) => first + i);
  });
}

if (process.platform === 'linux') {
  const allowed = cores(/^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!);
  // A worker that runs its next file is on its core already.
  if (allowed.length > 1) {
    const own = allowed[(Number(process.env.VITEST_POOL_ID ?? 1) - 1) % allowed.length]!;
    try {
      execFileSync('taskset', ['-acp', String(own), String(process.pid)], { stdio: 'ignore' });
    } catch (error) {
      console.warn(`Test files share all cores: taskset said ${(error as Error).message}`);
    }
  }
}
