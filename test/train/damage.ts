/** Checkpoints that are damaged on disk: samples in the tests, the full count in bench/reliability.mjs. */
import { closeSync, cpSync, openSync, readdirSync, readFileSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../../backend/formats/tensorFile.ts';
import { Random } from '../../backend/random.ts';
import { newestCheckpoint, saveCheckpoint } from '../../backend/train/checkpoint.ts';

export const state = (step: number) => ({ step, epoch: step / 2, elapsedSeconds: 1.5, images: 40, engine: 'test' });

/** Two small files with values that tell the step. */
export const write = (step: number) => async (into: string) => ({
  'model.safetensors': await writeSafetensors(join(into, 'model.safetensors'), [{ name: 'w', dtype: 'F32', shape: [64], data: new Float32Array(64).fill(step) }]),
  'optimizer.safetensors': await writeSafetensors(join(into, 'optimizer.safetensors'), [{ name: 'm', dtype: 'F32', shape: [64], data: new Float32Array(64).fill(-step) }]),
});

export async function savedRun(path: string, ...steps: number[]): Promise<string> {
  for (const step of steps) await saveCheckpoint(path, state(step), 10, write(step));
  return path;
}

/** Flips a bit, cuts the end, or adds a byte. */
function damage(path: string, random: Random): string {
  const { length } = readFileSync(path);
  const kind = random.integer(0, 3);
  if (kind === 0) {
    truncateSync(path, random.integer(0, length - 1));
    return 'cut';
  }
  const handle = openSync(path, 'r+');
  if (kind === 1) writeSync(handle, ' ', length);
  else {
    const at = random.integer(0, length - 1);
    writeSync(handle, Uint8Array.of(readFileSync(path)[at]! ^ (1 << random.integer(0, 7))), 0, 1, at);
  }
  closeSync(handle);
  return kind === 1 ? 'lengthened' : 'flipped';
}

export interface DamageResult {
  /** How often each kind of damage was done to each file. */
  cases: Record<string, number>;
  /** Cases that were not caught, not said, or cost more than the damaged checkpoint. */
  wrong: string[];
}

/** Damages the newer of two checkpoints, one of its files in turn, `count` times: the older must be taken, and the damaged one kept under another name. */
export async function damageNewest(folder: string, count: number, seed: number): Promise<DamageResult> {
  const random = new Random(seed), cases: Record<string, number> = {}, wrong: string[] = [];
  const original = await savedRun(join(folder, 'whole'), 10, 20);
  for (let i = 0; i < count; i++) {
    const path = join(folder, `damaged-${i}`);
    cpSync(original, path, { recursive: true });
    const file = ['model.safetensors', 'optimizer.safetensors', 'state.json'][i % 3]!;
    const name = `${file} ${damage(join(path, '20', file), random)}`;
    cases[name] = (cases[name] ?? 0) + 1;
    const said: string[] = [], found = await newestCheckpoint(path, (message) => said.push(message)), left = readdirSync(path).sort().join();
    if (found?.state.step !== 10 || said.length !== 1 || !said[0]!.includes('is damaged') || left !== '10,20.damaged') wrong.push(`${i}, ${name}: step ${found?.state.step}, said ${JSON.stringify(said)}, left ${left}`);
    rmSync(path, { recursive: true });
  }
  return { cases, wrong };
}
