/** The checkpoints of a run folder, read from its files alone: each with its step, time, size, and the loss at that step. */
import { open, readdir, readFile, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

export interface CheckpointEntry {
  folder: string;
  step: number;
  epoch: number | null;
  /** ISO 8601, as the checkpoint says. */
  saved: string | null;
  bytes: number;
  loss: number | null;
}

const maxManifestBytes = 2 ** 20;
const maxShown = 500;

const record = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {});
const finite = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/** Finished checkpoints, newest first. What is being written has another name, and is not listed. */
export async function listCheckpoints(runFolder: string): Promise<CheckpointEntry[]> {
  const folder = join(runFolder, 'checkpoints');
  const names = await readdir(folder).catch((): string[] => []);
  const steps = names.filter((name) => /^\d{1,10}$/.test(name)).map(Number).sort((a, b) => b - a).slice(0, maxShown);
  const metrics = await open(join(runFolder, 'metrics.jsonl'), 'r').catch(() => null);
  try {
    const size = metrics ? (await metrics.stat()).size : 0;
    const entries: CheckpointEntry[] = [];
    for (const step of steps) {
      const entry = await readManifest(join(folder, String(step)), step);
      if (entry) entries.push({ ...entry, loss: metrics ? await lossAt(metrics, size, step) : null });
    }
    return entries;
  } finally {
    await metrics?.close();
  }
}

/** Null where the checkpoint went meanwhile. A manifest that cannot be read leaves what it would say unknown. */
async function readManifest(folder: string, step: number): Promise<Omit<CheckpointEntry, 'loss'> | null> {
  const path = join(folder, 'state.json');
  const info = await stat(path).catch(() => null);
  if (!info?.isFile()) return null;
  let manifest: Record<string, unknown> = {};
  try {
    if (info.size <= maxManifestBytes) manifest = record(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    // Damaged, or just removed: the row still shows the step.
  }
  const bytes = Object.values(record(manifest.files)).reduce<number>((sum, file) => sum + (finite(record(file).bytes) ?? 0), 0);
  return { folder, step, epoch: finite(manifest.epoch), saved: typeof manifest.saved === 'string' && manifest.saved.length < 40 ? manifest.saved : null, bytes };
}

const windowBytes = 4096;

/** The loss of a step, by bisection: rows are in the order of their steps, so a file of any length takes some twenty short reads. */
export async function lossAt(file: FileHandle, size: number, step: number): Promise<number | null> {
  let low = 0, high = size;
  const buffer = Buffer.alloc(windowBytes);
  while (low < high) {
    const middle = Math.max(low, Math.floor((low + high) / 2) - windowBytes / 2);
    const { bytesRead } = await file.read(buffer, 0, windowBytes, middle);
    const text = buffer.toString('latin1', 0, bytesRead);
    const first = middle === 0 ? 0 : text.indexOf('\n') + 1;
    const end = text.lastIndexOf('\n');
    const rows = end <= first ? [] : text.slice(first, end).split('\n').map(parseRow).filter((row) => row !== null);
    if (rows.length === 0) return null;
    const found = rows.find((row) => row.step === step);
    if (found) return found.loss;
    if (step < rows[0]!.step) high = middle;
    else if (step > rows.at(-1)!.step) low = Math.max(middle + end, low + 1);
    else return null;
  }
  return null;
}

function parseRow(line: string): { step: number; loss: number | null } | null {
  try {
    const { step, loss } = record(JSON.parse(line));
    const at = finite(step);
    return at === null ? null : { step: at, loss: finite(loss) };
  } catch {
    return null;
  }
}
