/** Runs a script of ours in a process whose files may not grow beyond a limit: a disk that fills up. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** Why this machine cannot do it, or null. */
export const noFileLimit = process.platform === 'win32' ? 'Windows has no limit on file sizes' : null;

/**
 * Bundles `script` (imports relative to test/), and runs it with at most `kilobytes` a file. Node gets EFBIG where a disk
 * gives ENOSPC: a write that takes a part, then fails. Gives its output.
 */
export function runWithFileLimit(script: string, folder: string, kilobytes: number): string {
  const bundle = join(folder, `limited-${process.pid}.mjs`);
  buildSync({
    stdin: { contents: script, resolveDir: join(import.meta.dirname, '..'), loader: 'ts' },
    bundle: true, platform: 'node', format: 'esm', outfile: bundle, logLevel: 'error', banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  // SIGXFSZ is ignored, so that the write fails and the process lives.
  const { stdout, stderr, status } = spawnSync('bash', ['-c', `trap '' XFSZ; ulimit -f ${kilobytes}; exec "$0" "$1"`, process.execPath, bundle], { encoding: 'utf8', cwd: folder });
  if (status !== 0) throw new Error(`the script failed (${status}): ${stderr}`);
  return stdout;
}
