/**
 * The run process's face: a local socket that anyone of the same user may ask for the run's state, for its events as they come,
 * for a checkpoint, and for the run's end. Lives in the main thread, and never makes the run wait.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmod, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { writeAtomically } from './formats/atomic.ts';
import { isAlive, ownHolder, parseHolder, parseJsonText } from './link/holder.ts';
import { privateFolder, socketPath, tokenPath } from './link/privateFolder.ts';
import { packEvent, packRow } from './link/rows.ts';
import { readSmallFile } from './link/smallFile.ts';
import type { MetricsRow, RunEvent, RunProtocolVersion, RunSnapshot, RunStatus } from './protocol.ts';
import { serveClient, type Client } from './server/client.ts';

export const protocolVersion: RunProtocolVersion = 1;

/** What the server asks of the run. */
export interface ServedRun {
  folder: string;
  /** As it is at this moment. */
  status: () => RunStatus;
  newestRow: () => MetricsRow | null;
  stop: () => void;
  /** Resolves with the steps that have been saved; rejects where that cannot be. */
  save: () => Promise<number>;
}

export interface RunServer {
  /** Of the socket, for status.json. */
  path: string;
  tellEvent: (event: RunEvent) => void;
  tellStatus: (status: RunStatus) => void;
  /** Sends what has been told, and ends every connection. */
  close(): Promise<void>;
}

/** Cleaners of temporary folders remove what nobody has touched for days. */
const touchMilliseconds = 3_600_000;
const closeMilliseconds = 1000;
const abandonedMilliseconds = 3_600_000;

/** Begins to serve. Rejects where there is no private folder, or no socket can be made. */
export async function serveRun(run: ServedRun): Promise<RunServer> {
  const folder = await privateFolder();
  await sweepSockets(folder);
  const id = randomBytes(8).toString('hex');
  const path = socketPath(folder, id), tokenFile = tokenPath(folder, id);
  const token = randomBytes(32).toString('hex');
  const digest = sha256(token);
  // Before the socket: one without its token file has been left behind.
  await writeAtomically(tokenFile, (temporary) => writeFile(temporary, JSON.stringify({ ...ownHolder(), token }), { mode: 0o600, flag: 'wx' }));
  const clients = new Set<Client>();
  const snapshot = (): RunSnapshot => {
    const row = run.newestRow();
    return { version: protocolVersion, folder: run.folder, pid: process.pid, status: run.status(), row: row && packRow(row) };
  };
  const accept = (socket: Socket): void => {
    const client = serveClient(socket, { isToken: (given) => timingSafeEqual(sha256(given), digest), snapshot, stop: run.stop, save: run.save });
    clients.add(client);
    socket.once('close', () => clients.delete(client));
  };
  let server: Server;
  try {
    server = await listen(path, accept);
  } catch (error) {
    await rm(tokenFile, { force: true });
    throw error;
  }
  const touching = setInterval(() => {
    const now = new Date();
    for (const file of [folder, tokenFile, path]) utimes(file, now, now).catch(() => undefined);
  }, touchMilliseconds).unref();
  return {
    path,
    tellEvent: (event) => tell(clients, 'event', packEvent(event)),
    tellStatus: (status) => tell(clients, 'status', status),
    async close() {
      clearInterval(touching);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const client of clients) client.end();
      const timer = setTimeout(() => clients.forEach((client) => client.drop()), closeMilliseconds);
      await closed;
      clearTimeout(timer);
      if (process.platform !== 'win32') await rm(path, { force: true });
      await rm(tokenFile, { force: true });
    },
  };
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

function tell(clients: ReadonlySet<Client>, notice: 'event' | 'status', value: RunEvent | RunStatus): void {
  for (const client of clients) client.tell(notice, value);
}

/** On Windows pipes are given no access of others by their creator's default; elsewhere the folder and the mode shut others out. */
async function listen(path: string, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer(accept);
  server.maxConnections = 512;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  // A later error, such as too many open files, costs a client and not the run.
  server.removeAllListeners('error').on('error', () => undefined);
  // A run ends when its training has, watched or not.
  server.unref();
  if (process.platform !== 'win32') await chmod(path, 0o600);
  return server;
}

const tokenBytes = 4096;

/** Removes sockets and tokens of processes that are gone: killed ones cannot do it themselves. */
async function sweepSockets(folder: string): Promise<void> {
  const names = await readdir(folder);
  for (const name of names) {
    const path = join(folder, name);
    if (name.endsWith('.partial')) {
      const info = await stat(path).catch(() => null);
      if (info && Date.now() - info.mtimeMs > abandonedMilliseconds) await rm(path, { force: true });
      continue;
    }
    const [, id, ending] = /^([0-9a-f]{16})\.(json|sock)$/.exec(name) ?? [];
    if (!id || (ending === 'sock' && names.includes(`${id}.json`))) continue;
    if (ending === 'json') {
      const holder = parseHolder(parseJsonText(await readSmallFile(path, tokenBytes)));
      if (holder && isAlive(holder)) continue;
      await rm(join(folder, `${id}.sock`), { force: true });
    }
    await rm(path, { force: true });
  }
}
