/**
 * Fetches pinned wheels with the Python package client that the machine has, so that its user's index, mirror, proxy and
 * certificates hold and no host is named here.
 *
 * pip comes first because it can download; uv cannot, and runs pip through its tool runner.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../errors.ts';
import type { PinnedWheel, Pins } from './pins.ts';
import { runProgram } from './process.ts';

export interface PackageClient {
  /** For messages, e.g. `pip 25.3 (python3)`. */
  name: string;
  command: string;
  /** What comes before `download`. */
  prefix: string[];
  env: NodeJS.ProcessEnv;
}

export interface DownloadRequest {
  wheels: PinnedWheel[];
  python: Pins['python'];
  /** Finished wheels are kept here, named by their hash, until the caller removes them. */
  folder: string;
  client: PackageClient;
  signal?: AbortSignal;
  onProgress?: (bytes: number, total: number) => void;
}

const probeTimeoutMs = 20_000;
const progressIntervalMs = 250;

/** uv's settings of the index, as pip names them, where pip's own are not set. */
function indexSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const index = env.UV_DEFAULT_INDEX ?? env.UV_INDEX_URL, extra = env.UV_INDEX ?? env.UV_EXTRA_INDEX_URL;
  return { ...(index && !env.PIP_INDEX_URL && { PIP_INDEX_URL: index }), ...(extra && !env.PIP_EXTRA_INDEX_URL && { PIP_EXTRA_INDEX_URL: extra }), ...(env.UV_FIND_LINKS && !env.PIP_FIND_LINKS && { PIP_FIND_LINKS: env.UV_FIND_LINKS.replaceAll(',', ' ') }) };
}

/** The first client that works, or null. `python` is asked first where it is given. */
export async function findPackageClient(python?: string, env: NodeJS.ProcessEnv = process.env): Promise<PackageClient | null> {
  const pythons = [...(python ? [python] : []), ...(process.platform === 'win32' ? ['py', 'python'] : ['python3', 'python'])];
  const candidates: PackageClient[] = [
    ...pythons.map((command) => ({ name: command, command, prefix: ['-m', 'pip'], env })),
    ...['pip3', 'pip'].map((command) => ({ name: command, command, prefix: [], env })),
    { name: 'uv', command: 'uv', prefix: ['tool', 'run', '--quiet', '--from', 'pip', 'pip'], env: { ...env, ...indexSettings(env) } },
  ];
  for (const candidate of candidates) {
    const { code, stdout } = await runProgram(candidate.command, [...candidate.prefix, '--version'], { env: candidate.env, timeoutMs: probeTimeoutMs });
    const version = /^pip (\d+)(\.\S+)?/.exec(stdout);
    // Several --platform options at once came with pip 20.3.
    if (code === 0 && version && Number(version[1]) >= 21) return { ...candidate, name: `pip ${version[1]}${version[2] ?? ''} (${candidate.name})` };
  }
  return null;
}

export async function fileSha256(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Bytes of all files under a folder, which may be changing. */
async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name)).then((s) => s.size, () => 0)));
  return sizes.reduce((a, b) => a + b, 0);
}

/** One sentence out of what pip wrote. */
export function explainFailure(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim()).filter(Boolean);
  if (/No space left on device|Errno 28/.test(stderr)) return 'the disk is full';
  if (/DO NOT MATCH THE HASHES|do not match the hashes/i.test(stderr)) return 'a package on the index does not have the pinned hash; it was refused';
  const network = lines.find((line) => /NewConnectionError|ConnectTimeout|Read timed out|Temporary failure in name resolution|Name or service not known|getaddrinfo|Connection refused|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED|Network is unreachable|ReadTimeoutError/i.test(line));
  if (network) return `the package index cannot be reached (${network.replace(/^.*?(?:ERROR|WARNING): /, '').slice(0, 200)})`;
  const absent = lines.find((line) => line.includes('No matching distribution found'));
  if (absent) return `${absent.replace(/^ERROR: /, '')} (does the package index answer, and does it carry this version?)`;
  const error = lines.findLast((line) => line.startsWith('ERROR:')) ?? lines.at(-1) ?? 'no reason was given';
  return error.replace(/^ERROR: /, '').slice(0, 300);
}

/**
 * Wheels by name -> path, each with its pinned hash. What an earlier, interrupted call finished is used again.
 * Throws RunError where the client fails, or gives something else than what is pinned.
 */
export async function downloadWheels(request: DownloadRequest): Promise<Map<string, string>> {
  const { wheels, python, folder, client, signal } = request;
  const paths = new Map(wheels.map((wheel) => [wheel.name, join(folder, `${wheel.sha256}.whl`)]));
  const total = wheels.reduce((sum, wheel) => sum + wheel.bytes, 0);
  await mkdir(folder, { recursive: true });
  const missing: PinnedWheel[] = [];
  for (const wheel of wheels) {
    const sha256 = await fileSha256(paths.get(wheel.name)!, signal).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? null : Promise.reject(error)));
    if (sha256 === wheel.sha256) continue;
    await rm(paths.get(wheel.name)!, { force: true });
    missing.push(wheel);
  }
  const have = total - missing.reduce((sum, wheel) => sum + wheel.bytes, 0);
  request.onProgress?.(have, total);
  if (missing.length === 0) return paths;

  const work = await mkdtemp(join(folder, 'pip-'));
  const ticker = setInterval(() => void folderBytes(work).then((bytes) => request.onProgress?.(Math.min(total, have + bytes), total)), progressIntervalMs);
  try {
    await writeFile(join(work, 'requirements.txt'), missing.map((wheel) => `${wheel.name}==${wheel.version} --hash=sha256:${wheel.sha256}\n`).join(''));
    const tags = [...new Set(missing.map((wheel) => wheel.tag))];
    const options = ['--no-deps', '--require-hashes', '--only-binary=:all:', '--no-cache-dir', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off', '--python-version', python.version, '--implementation', 'cp', '--abi', python.abi, ...tags.flatMap((tag) => ['--platform', tag])];
    // Its temporary files go here too: a small /tmp does not matter, and what an ended pip leaves is found again and removed.
    const env = { ...client.env, TMPDIR: work, TMP: work, TEMP: work };
    const { code, stdout, stderr, failure } = await runProgram(client.command, [...client.prefix, 'download', ...options, '--dest', join(work, 'wheels'), '-r', 'requirements.txt'], { cwd: work, env, signal });
    if (code !== 0) throw new RunError(`${client.name} could not download ${missing.map((wheel) => `${wheel.name} ${wheel.version}`).join(', ')}: ${failure ?? explainFailure(stderr || stdout)}`);
    for (const name of await readdir(join(work, 'wheels'))) {
      const file = join(work, 'wheels', name);
      const sha256 = await fileSha256(file, signal);
      const wheel = missing.find((w) => w.sha256 === sha256);
      if (wheel) await rename(file, paths.get(wheel.name)!);
    }
    for (const wheel of missing) if (!(await stat(paths.get(wheel.name)!).catch(() => null))) throw new RunError(`${client.name} gave no ${wheel.name} ${wheel.version} with the pinned hash`);
    request.onProgress?.(total, total);
    return paths;
  } finally {
    clearInterval(ticker);
    await rm(work, { recursive: true, force: true });
  }
}
