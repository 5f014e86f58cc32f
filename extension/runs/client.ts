/** The window's end of a run's socket: finds out whether the socket is to be trusted, shows the token, and hears what happens. */
import { realpath } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { createMessageConnection, NullLogger, type MessageConnection } from 'vscode-jsonrpc/node';
import { RunError } from '../../backend/errors.ts';
import { parseEvent } from '../../backend/link/events.ts';
import { FrameReader, FrameWriter, maxFrameBytes } from '../../backend/link/frames.ts';
import { parseJsonText } from '../../backend/link/holder.ts';
import { trustedToken } from '../../backend/link/privateFolder.ts';
import { unpackRow } from '../../backend/link/rows.ts';
import { readSmallFile } from '../../backend/link/smallFile.ts';
import { isFields, parseStatus } from '../../backend/link/status.ts';
import type { MetricsRow, RunCalls, RunEvent, RunProtocolVersion, RunStatus } from '../../backend/protocol.ts';

const version: RunProtocolVersion = 1;
const tokenBytes = 4096;
const answerMilliseconds = 5000, saveMilliseconds = 600_000;

/** The run speaks another version: its files are followed, nothing can be asked of it. */
export class VersionError extends RunError {
  override name = 'VersionError';
}

export interface Watching {
  onEvent: (event: RunEvent) => void;
  onStatus: (status: RunStatus) => void;
  /** Once, whoever closed it. */
  onClose: () => void;
}

export interface RunConnection {
  /** As it was when the connection was made; every later change is told, from `begin` on. */
  status: RunStatus;
  row: MetricsRow | null;
  /** Tells what has come since, and from then on all that comes. */
  begin: () => void;
  /** Resolves when the run knows that it is to stop; its end is told by the event `ended`. */
  stop: () => Promise<void>;
  /** Resolves with the step that has been saved. */
  save: () => Promise<number>;
  close: () => void;
}

/** Connects to the run of `folder` by the socket that its status names. Rejects with RunError where that cannot be, or the socket is of another run. */
export async function connectRun(path: string, folder: string, watching: Watching): Promise<RunConnection> {
  const holder = parseJsonText(await readSmallFile(await trustedToken(path), tokenBytes));
  const token = isFields(holder) ? holder.token : null;
  if (typeof token !== 'string') throw new RunError(`the token beside ${path} cannot be read`);
  const socket = connect(path);
  const connection = createMessageConnection(new FrameReader(socket, { maxBytes: () => maxFrameBytes }), new FrameWriter(socket, maxFrameBytes), NullLogger);
  connection.onError(() => socket.destroy());
  // What comes before whoever asked has seen the state that it follows.
  let early: (() => void)[] | null = [];
  const tell = (act: () => void): void => {
    if (early) early.push(act);
    else act();
  };
  socket.once('close', () => {
    connection.dispose();
    tell(watching.onClose);
  });
  connection.onNotification('event', (value: unknown) => {
    const event = parseEvent(value);
    if (event) tell(() => watching.onEvent(event));
  });
  connection.onNotification('status', (value: unknown) => {
    const status = parseStatus(value);
    if (status) tell(() => watching.onStatus(status));
  });
  connection.listen();
  const ask = <K extends keyof RunCalls>(method: K, request: RunCalls[K]['request'], milliseconds = answerMilliseconds): Promise<unknown> => answered(connection, socket, method, request, milliseconds);
  try {
    const snapshot = await ask('hello', { version, token });
    const { status, row } = await judge(snapshot, folder);
    return {
      status, row,
      begin: () => {
        const acts = early ?? [];
        early = null;
        for (const act of acts) act();
      },
      stop: async () => void (await ask('stop', {})),
      save: async () => {
        const reply = await ask('save', {}, saveMilliseconds);
        return isFields(reply) && typeof reply.step === 'number' ? reply.step : 0;
      },
      close: () => socket.destroy(),
    };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** The reply; rejects when the connection ends first, or nothing comes in time. */
function answered(connection: MessageConnection, socket: Socket, method: string, request: object, milliseconds: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new RunError('the run has closed the connection'));
    const timer = setTimeout(() => reject(new RunError(`the run has not answered "${method}" within ${milliseconds / 1000} s`)), milliseconds);
    if (socket.destroyed) closed();
    socket.once('close', closed);
    connection
      .sendRequest<unknown>(method, request)
      .then(resolve, (error: Error) => reject(new RunError(error.message, { cause: error })))
      .finally(() => {
        clearTimeout(timer);
        socket.removeListener('close', closed);
      });
  });
}

async function judge(snapshot: unknown, folder: string): Promise<{ status: RunStatus; row: MetricsRow | null }> {
  if (!isFields(snapshot)) throw new RunError('the run has answered something else than its state');
  if (snapshot.version !== version) throw new VersionError('this run was started by another version of SiamScope: it goes on, and its files are followed');
  const same = typeof snapshot.folder === 'string' && (await realpath(snapshot.folder)) === (await realpath(folder));
  const status = parseStatus(snapshot.status);
  if (!same || !status) throw new RunError(`the socket is of another run than ${folder}`);
  return { status, row: unpackRow(snapshot.row) };
}
