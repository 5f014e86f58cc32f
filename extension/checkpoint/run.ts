/** The run that a checkpoint file lies in, by the files around it: what it was trained with, and its other checkpoints. */
import { open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isFields, readStatus } from '../../backend/link/status.ts';
import { listCheckpoints } from '../views/checkpoints.ts';

export interface RunAround {
  /** Of the run. */
  folder: string;
  step: number;
  /** Of the checkpoint. */
  checkpoint: string;
  name: string;
  /** As status.json has it; null where that cannot be read. */
  state: string | null;
  config: Record<string, unknown>;
  /** What the checkpoint's manifest says of this file; null where it says nothing. */
  expected: { bytes: number; sha256: string } | null;
  hasOptimizer: boolean;
  /** Files of the same name in the run's other checkpoints, newest first. */
  siblings: { step: number; path: string }[];
}

const mostBytes = 2 ** 20;

async function readJson(path: string): Promise<Record<string, unknown>> {
  const handle = await open(path, 'r').catch(() => null);
  try {
    const info = await handle?.stat();
    if (!handle || !info?.isFile() || info.size > mostBytes) return {};
    const value: unknown = JSON.parse(await handle.readFile('utf8'));
    return isFields(value) ? value : {};
  } catch {
    // Damaged: nothing is known.
    return {};
  } finally {
    await handle?.close();
  }
}

/** Null where the file is in no run's checkpoint. Never throws. */
export async function runAround(path: string): Promise<RunAround | null> {
  const checkpoint = dirname(path), folder = dirname(dirname(checkpoint)), name = basename(path);
  if (!/^\d{1,10}$/.test(basename(checkpoint)) || basename(dirname(checkpoint)) !== 'checkpoints') return null;
  const exists = (file: string): Promise<boolean> => stat(file).then((info) => info.isFile(), () => false);
  if (!(await exists(join(checkpoint, 'state.json')))) return null;
  const [manifest, config, status, entries, hasOptimizer] = await Promise.all([
    readJson(join(checkpoint, 'state.json')), readJson(join(folder, 'config.json')), readStatus(folder).catch(() => null), listCheckpoints(folder).catch(() => []), exists(join(checkpoint, 'optimizer.safetensors')),
  ]);
  const file = isFields(manifest.files) && Object.hasOwn(manifest.files, name) ? manifest.files[name] : null;
  return {
    folder, checkpoint, step: Number(basename(checkpoint)), config, hasOptimizer,
    name: status?.name ?? (typeof config.name === 'string' ? config.name : basename(folder)),
    state: status?.state ?? null,
    expected: isFields(file) && typeof file.bytes === 'number' && typeof file.sha256 === 'string' ? { bytes: file.bytes, sha256: file.sha256 } : null,
    siblings: entries.filter((entry) => entry.folder !== checkpoint).map(({ step, folder: other }) => ({ step, path: join(other, name) })),
  };
}
