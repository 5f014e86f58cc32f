/**
 * The folder that only this user can enter, where living runs have their sockets, tokens and places in the queue. It lies in
 * /tmp rather than in XDG_RUNTIME_DIR, which is emptied when the last session of a user ends: a run outlives that.
 */
import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { RunError } from '../errors.ts';

/** What every system takes for a socket's path: macOS has room for 104 bytes with the closing zero. */
export const maxPathBytes = 103;

const isWindows = process.platform === 'win32';
const userId = (): number => process.getuid?.() ?? 0;

/** Names are drawn, never chosen: 16 hexadecimal digits and an ending. */
const idPattern = '[0-9a-f]{16}';
const socketName = new RegExp(`^(${idPattern})\\.sock$`);
const pipeName = new RegExp(`^\\\\\\\\\\.\\\\pipe\\\\siamscope-(${idPattern})$`);

export const socketPath = (folder: string, id: string): string => (isWindows ? `\\\\.\\pipe\\siamscope-${id}` : join(folder, `${id}.sock`));
export const tokenPath = (folder: string, id: string): string => join(folder, `${id}.json`);

/** In the order of preference. SIAMSCOPE_RUNTIME_DIR is for tests, and for machines where no other will do. */
function candidates(env: NodeJS.ProcessEnv): string[] {
  if (isWindows) return [join(env.SIAMSCOPE_RUNTIME_DIR ?? env.LOCALAPPDATA ?? tmpdir(), 'SiamScope', 'run')];
  const parents = [env.SIAMSCOPE_RUNTIME_DIR, '/tmp', env.XDG_RUNTIME_DIR, tmpdir()].filter((parent) => parent !== undefined && isAbsolute(parent)) as string[];
  return parents.map((parent) => join(parent, `siamscope-${userId()}`));
}

/** Makes the folder, or checks the one that is there. Throws RunError where there is none that only this user can enter. */
export async function privateFolder(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const reasons: string[] = [];
  for (const folder of candidates(env)) {
    const reason = Buffer.byteLength(socketPath(folder, '0'.repeat(16))) > maxPathBytes ? 'its path is too long for a socket' : await prepare(folder);
    if (reason === null) return folder;
    reasons.push(`${folder}: ${reason}`);
  }
  throw new RunError(`there is no private folder for sockets: ${reasons.join('; ')}. Name a folder with a short path in SIAMSCOPE_RUNTIME_DIR`);
}

/** Why the folder cannot be used; null: it can. */
async function prepare(folder: string): Promise<string | null> {
  try {
    await mkdir(folder, { mode: 0o700, recursive: isWindows });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') return code ?? String(error);
  }
  return openTo(folder, 'folder');
}

/** Why others than this user may have a hand in the folder, socket or file; null: they have not. Windows guards a user's own folders by itself. */
async function openTo(path: string, kind: 'folder' | 'socket' | 'file'): Promise<string | null> {
  // Not followed: a link would let others choose what it names.
  const info = await lstat(path).catch(() => null);
  if (!info) return 'it is not there';
  if (!(kind === 'folder' ? info.isDirectory() : kind === 'socket' ? info.isSocket() : info.isFile())) return `it is not a ${kind}`;
  if (isWindows) return null;
  if (info.uid !== userId()) return `it belongs to another user (${info.uid})`;
  return (info.mode & 0o077) === 0 ? null : `others may enter it (mode ${(info.mode & 0o777).toString(8)})`;
}

/**
 * The token file of a socket that somebody else, perhaps a file of unknown origin, has named. Throws RunError unless socket and
 * token lie in a folder that only this user can enter: nothing else is ever connected to.
 */
export async function trustedToken(path: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const refuse = (reason: string): never => {
    throw new RunError(`the socket ${path} is not used: ${reason}`);
  };
  if (isWindows) return tokenPath(candidates(env)[0]!, pipeName.exec(path)?.[1] ?? refuse('it is not a pipe of SiamScope'));
  const folder = dirname(path);
  const id = socketName.exec(path.slice(folder.length + 1))?.[1];
  if (!isAbsolute(path) || join(path) !== path || id === undefined) return refuse('it is not a socket of SiamScope');
  const token = tokenPath(folder, id);
  for (const [file, kind] of [[folder, 'folder'], [path, 'socket'], [token, 'file']] as const) {
    const reason = await openTo(file, kind);
    if (reason !== null) return refuse(`${file}: ${reason}`);
  }
  return token;
}
