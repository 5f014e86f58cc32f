/** What the command `siamscope engine` does: lists engines, installs our own runtimes, and verifies them by their hashes. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { engineNames } from './choose.ts';
import type { EngineName, EngineRequest } from './engine.ts';
import { checkRuntime, runtimesFolder, withLock } from './runtimes/folder.ts';
import type { InstallOptions, RuntimeSpec } from './runtimes/install.ts';
import { findTensorflow } from './tensorflow/find.ts';
import { installTensorflow, tensorflowRuntime } from './tensorflow/install.ts';
import { findTorch } from './torch/find.ts';
import { installTorch, torchRuntime } from './torch/install.ts';

export interface EngineListing {
  name: EngineName;
  /** Where it would be loaded from; null where it is not here. */
  path: string | null;
  version: string | null;
  /** Where it comes from, or why it is not here. */
  note: string;
}

export interface RuntimeListing {
  /** e.g. `torch 2.15.0`. */
  title: string;
  folder: string;
  state: 'absent' | 'whole' | 'broken';
  /** Why it is broken; empty otherwise. */
  reason: string;
  /** Of the libraries on disk; 0 where it is absent. */
  bytes: number;
}

/** The runtimes that can be installed on this platform. */
const runtimes = (): RuntimeSpec[] => [torchRuntime(false), torchRuntime(true), tensorflowRuntime()].filter((runtime) => runtime !== null);

/** Which engines are here, without loading them. */
export async function listEngines(request: EngineRequest = {}): Promise<EngineListing[]> {
  const torch = await findTorch(request), tensorflow = await findTensorflow();
  const why = (rejected: { reason: string }[]): string => rejected.map(({ reason }) => reason).join('; ') || 'not installed';
  return engineNames.map((name) => {
    if (name === 'wasm') return { name, path: null, version: null, note: 'part of siamscope, slow' };
    if (name === 'torch') return { name, path: torch.found?.folder ?? null, version: torch.found?.version ?? null, note: torch.found?.source ?? why(torch.rejected) };
    return { name, path: tensorflow.found?.folder ?? null, version: null, note: tensorflow.found?.source ?? why(tensorflow.rejected) };
  });
}

/** State of our own runtimes; `full` hashes every library, else sizes and times are compared. */
export async function listRuntimes(options: { full?: boolean; signal?: AbortSignal } = {}): Promise<RuntimeListing[]> {
  const listings: RuntimeListing[] = [];
  for (const { title, name } of runtimes()) {
    const folder = join(runtimesFolder(), name);
    const checked = await checkRuntime(folder, options.full, options.signal);
    const bytes = checked.state === 'whole' ? checked.manifest.files.reduce((sum, file) => sum + file.bytes, 0) : 0;
    listings.push({ title, folder, state: checked.state, reason: checked.state === 'broken' ? checked.reason : '', bytes });
  }
  return listings;
}

/** Installs an engine's runtime (`torch`, or `tensorflow`); returns its folder. Throws InputError, RunError, or the signal's reason. */
export async function installEngine(name: string, options: InstallOptions & { cuda?: boolean } = {}): Promise<string> {
  if (name === 'torch') return installTorch(options);
  if (name !== 'tensorflow') throw new InputError(`there is no engine "${name}" to install: torch or tensorflow (wasm is always there)`);
  if (options.cuda) throw new InputError('--cuda goes with the torch engine: "siamscope engine install torch --cuda"');
  return installTensorflow(options);
}

/** Removes an engine's installed runtimes, those of earlier versions too; returns the folders that went. */
export async function removeEngine(name: string): Promise<string[]> {
  if (name !== 'torch' && name !== 'tensorflow') throw new InputError(`there is no engine "${name}" to remove: torch or tensorflow`);
  const root = runtimesFolder();
  return withLock(join(root, '.lock'), {}, async () => {
    const folders = (await readdir(root)).filter((entry) => entry.startsWith(`${name}-`)).map((entry) => join(root, entry));
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
    return folders;
  });
}
