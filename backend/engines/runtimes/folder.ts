/**
 * The engines' own runtimes on disk: where they lie, how one is published whole or not at all, and how it is checked again.
 *
 * A runtime is built in a folder of its own, its manifest is written last, and a rename puts it in place. So what has a manifest
 * is whole, whoever was killed when. The lock only spares a second process the same work; nothing depends on it.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { fileSha256 } from './packageClient.ts';
import type { ExtractedFile } from './wheel.ts';

const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  wheels: z.array(z.object({ name: z.string(), version: z.string(), sha256: z.string() })),
  files: z.array(z.object({ path: z.string().refine((path) => !isAbsolute(path) && !path.split(/[\\/]/).includes('..')), bytes: z.number(), sha256: z.string(), modified: z.number() })).min(1),
});

/** What a runtime holds. `modified` is each file's time in ms since 1970, the cheap sign that it is still what was hashed. */
export type Manifest = z.infer<typeof manifestSchema>;

const manifestName = 'manifest.json';
const partialPrefix = '.partial-';

/** The folder of all runtimes: XDG_CACHE_HOME or the platform's own place. */
export function runtimesFolder(env: NodeJS.ProcessEnv = process.env): string {
  const platformCache = process.platform === 'darwin' ? join(homedir(), 'Library/Caches') : process.platform === 'win32' ? (env.LOCALAPPDATA ?? join(homedir(), 'AppData/Local')) : join(homedir(), '.cache');
  const cache = env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : platformCache;
  return join(cache, 'siamscope', 'runtimes');
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes names in a folder durable; not every platform can. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

export type RuntimeState = { state: 'absent' } | { state: 'broken'; reason: string } | { state: 'whole'; manifest: Manifest };

/**
 * Whether a runtime is whole. Sizes and times are always compared; a file whose time differs (a copied folder), or every one
 * where `full` is set, is hashed.
 */
export async function checkRuntime(folder: string, full = false, signal?: AbortSignal): Promise<RuntimeState> {
  let manifest: Manifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, manifestName), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return { state: 'absent' };
    return { state: 'broken', reason: `${join(folder, manifestName)} cannot be read` };
  }
  let touched = false;
  for (const file of manifest.files) {
    const path = join(folder, file.path);
    const found = await stat(path).catch(() => null);
    if (!found) return { state: 'broken', reason: `${path} is missing` };
    if (found.size !== file.bytes) return { state: 'broken', reason: `${path} has ${found.size} bytes, not ${file.bytes}` };
    if (!full && Math.abs(found.mtimeMs - file.modified) < 1) continue;
    if ((await fileSha256(path, signal)) !== file.sha256) return { state: 'broken', reason: `${path} is not what was installed (its SHA-256 differs)` };
    touched ||= found.mtimeMs !== file.modified;
    file.modified = found.mtimeMs;
  }
  // So that a copied runtime is hashed once. A folder that may not be written is simply hashed each time.
  if (touched) await writeManifest(folder, manifest).catch(() => undefined);
  return { state: 'whole', manifest };
}

async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const beside = join(folder, `${manifestName}.${randomBytes(4).toString('hex')}`);
  await writeDurably(beside, `${JSON.stringify(manifest, null, 1)}\n`);
  await rename(beside, join(folder, manifestName));
}

/** A fresh folder to build a runtime in, on the same disk. */
export async function createPartial(runtimes: string): Promise<string> {
  const path = join(runtimes, `${partialPrefix}${process.pid}-${randomBytes(4).toString('hex')}`);
  await mkdir(path, { recursive: true });
  return path;
}

/** Publishes a built runtime under its name; where somebody else was first, theirs stays and ours goes. */
export async function publishRuntime(partial: string, folder: string, manifest: Omit<Manifest, 'files'>, files: ExtractedFile[]): Promise<void> {
  const stated = await Promise.all(files.map(async (file) => ({ ...file, modified: (await stat(join(partial, file.path))).mtimeMs })));
  await writeManifest(partial, { ...manifest, files: stated });
  await syncFolder(partial);
  if ((await checkRuntime(folder)).state === 'whole') return rm(partial, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  try {
    await rename(partial, folder);
  } catch (error) {
    if ((await checkRuntime(folder)).state !== 'whole') throw error;
    await rm(partial, { recursive: true, force: true });
  }
  await syncFolder(dirname(folder));
}

/** Removes what killed installations left. To be called with the lock held; a living owner's folder is left alone. */
export async function sweepPartials(runtimes: string): Promise<void> {
  for (const name of await readdir(runtimes).catch(() => []))
    if (name.startsWith(partialPrefix) && !isAlive(Number(name.slice(partialPrefix.length).split('-')[0]))) await rm(join(runtimes, name), { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const heartbeatMs = 2_000;
const staleMs = 30_000;
const pollMs = 200;

/** The lock's holder, or null where it is gone: killed, or silent for long (another host, a recycled process id). */
async function lockHolder(path: string): Promise<string | null> {
  try {
    const [text, { mtimeMs }] = [await readFile(path, 'utf8'), await stat(path)];
    const [pid = '', host = ''] = text.split('\n');
    const silent = Math.abs(Date.now() - mtimeMs) > staleMs;
    return silent || (host === hostname() && !isAlive(Number(pid))) ? null : `process ${pid} on ${host}`;
  } catch {
    return null;
  }
}

export interface LockOptions {
  signal?: AbortSignal;
  /** Called once, where another process holds the lock. */
  onWait?: (holder: string) => void;
}

/** Runs `work` while no other process that asks for the same lock does. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  let told = false;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      await writeFile(path, `${process.pid}\n${hostname()}\n`, { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await lockHolder(path);
    if (holder === null) {
      await rm(path, { force: true });
      continue;
    }
    if (!told) options.onWait?.(holder);
    told = true;
    await sleep(pollMs, undefined, { signal: options.signal });
  }
  const heartbeat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  }
}
