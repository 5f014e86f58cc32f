/** Installs a runtime once for all windows and processes: fetches its pinned wheels, unpacks what is needed, publishes it whole. */
import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../errors.ts';
import type { InstallProgress } from '../../protocol/machine.ts';
import { checkRuntime, createPartial, publishRuntime, runtimesFolder, sweepPartials, withLock } from './folder.ts';
import { downloadWheels, findPackageClient, type PackageClient } from './packageClient.ts';
import type { PinnedWheel, Pins } from './pins.ts';
import { extractWheel, type ExtractedFile } from './wheel.ts';

export type { InstallProgress };

export interface InstallOptions {
  onProgress?: (progress: InstallProgress) => void;
  signal?: AbortSignal;
  /** A Python whose pip is to be used. */
  python?: string;
  env?: NodeJS.ProcessEnv;
}

export interface RuntimeSpec {
  /** For messages, e.g. `torch 2.15.0`. */
  title: string;
  /** The folder's name. */
  name: string;
  version: string;
  python: Pins['python'];
  wheels: PinnedWheel[];
  /** What a person can do where it cannot be installed. */
  wayOut: string;
  /** Bytes that `build` adds. */
  buildBytes?: number;
  /** Changes the unpacked files in place and returns those that the manifest is to list. */
  build?: (folder: string, files: ExtractedFile[], options: InstallOptions) => Promise<ExtractedFile[]>;
}

const reportIntervalMs = 250;

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

async function unpack(spec: RuntimeSpec, paths: Map<string, string>, target: string, options: InstallOptions): Promise<ExtractedFile[]> {
  const total = spec.wheels.reduce((sum, wheel) => sum + wheel.keptBytes, 0);
  const files: ExtractedFile[] = [];
  let before = 0, reported = 0;
  for (const wheel of spec.wheels) {
    const report = (bytes: number): void => {
      if (performance.now() - reported < reportIntervalMs) return;
      reported = performance.now();
      options.onProgress?.({ phase: 'unpacking', message: `unpacking ${wheel.name} ${wheel.version}`, bytes: before + bytes, total });
    };
    files.push(...(await extractWheel(paths.get(wheel.name)!, { members: wheel.members, target, signal: options.signal, onProgress: report })));
    before += wheel.keptBytes;
  }
  return files;
}

async function checkSpace(spec: RuntimeSpec, folder: string): Promise<void> {
  const needed = (spec.buildBytes ?? 0) + spec.wheels.reduce((sum, wheel) => sum + wheel.bytes + wheel.keptBytes, 0);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < needed) throw new RunError(`${folder} has ${megabytes(bavail * bsize)} free, and installing ${spec.title} needs ${megabytes(needed)}. Free some space, or set XDG_CACHE_HOME to a folder on another disk`);
}

/** A person's own words for what went wrong, with the way out. */
function explain(error: unknown, spec: RuntimeSpec, folder: string): unknown {
  const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  if (full) return new RunError(`the disk of ${folder} is full: free some space, or set XDG_CACHE_HOME to a folder on another disk. Nothing was installed; ${spec.wayOut}`);
  if (error instanceof RunError) return new RunError(`${spec.title} could not be installed: ${error.message}. Nothing was installed; ${spec.wayOut}`, { cause: error });
  return error;
}

async function install(spec: RuntimeSpec, runtimes: string, client: PackageClient, options: InstallOptions): Promise<void> {
  const { onProgress, signal } = options;
  const downloads = join(runtimes, '.downloads');
  await sweepPartials(runtimes);
  await checkSpace(spec, runtimes);
  const size = megabytes(spec.wheels.reduce((sum, wheel) => sum + wheel.bytes, 0));
  const paths = await downloadWheels({ wheels: spec.wheels, python: spec.python, folder: downloads, client, signal, onProgress: (bytes, total) => onProgress?.({ phase: 'downloading', message: `downloading ${spec.title} with ${client.name} (${size})`, bytes, total }) });
  const partial = await createPartial(runtimes);
  try {
    const unpacked = await unpack(spec, paths, partial, options);
    const files = spec.build ? await spec.build(partial, unpacked, options) : unpacked;
    signal?.throwIfAborted();
    await publishRuntime(partial, join(runtimes, spec.name), { name: spec.name, version: spec.version, wheels: spec.wheels.map(({ name, version, sha256 }) => ({ name, version, sha256 })) }, files);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  await rm(downloads, { recursive: true, force: true });
}

/**
 * The folder of the installed runtime; installs it first where it is not there or no longer whole. May be called by any number
 * of processes at once: one works, the others wait for it. After an interruption the next call goes on with what was fetched.
 * Throws RunError with the way out, or the signal's reason.
 */
export async function installRuntime(spec: RuntimeSpec, options: InstallOptions = {}): Promise<string> {
  const { onProgress, signal } = options;
  const runtimes = runtimesFolder(options.env);
  const folder = join(runtimes, spec.name);
  if ((await checkRuntime(folder)).state === 'whole') return folder;
  try {
    await mkdir(runtimes, { recursive: true });
    const onWait = (holder: string): void => onProgress?.({ phase: 'waiting', message: `another installation is at work (${holder}): waiting for it` });
    await withLock(join(runtimes, '.lock'), { signal, onWait }, async () => {
      if ((await checkRuntime(folder)).state === 'whole') return;
      const client = await findPackageClient(options.python, options.env);
      if (!client) throw new RunError('neither pip nor uv works on this machine: install one of them ("python3 -m pip --version" should answer)');
      await install(spec, runtimes, client, options);
    });
  } catch (error) {
    throw signal?.aborted ? signal.reason : explain(error, spec, runtimes);
  }
  onProgress?.({ phase: 'done', message: `${spec.title} is installed in ${folder}` });
  return folder;
}
