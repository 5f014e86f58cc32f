/** One connection of the run process: mute until it has shown the token, then answered and told what happens. */
import type { Socket } from 'node:net';
import { createMessageConnection, ErrorCodes, NullLogger, ResponseError, type Message } from 'vscode-jsonrpc/node';
import { FrameReader, FrameWriter, maxFrameBytes } from '../link/frames.ts';
import type { RunCalls, RunNotices, RunSnapshot } from '../protocol.ts';

export interface ClientOptions {
  isToken: (given: string) => boolean;
  snapshot: () => RunSnapshot;
  stop: () => void;
  save: () => Promise<number>;
}

export interface Client {
  tell<K extends keyof RunNotices>(notice: K, value: RunNotices[K]): void;
  /** Sends what has been told, and closes. */
  end(): void;
  drop(): void;
}

/** A greeting is small and comes at once. */
const greetingBytes = 4096, greetingMilliseconds = 5000;
/** What may lie unread, some ten thousand events; a client that is dropped connects again and goes on from the files. */
const unreadBytes = 4 * 2 ** 20;
/** More is not read before these are answered. */
const mostUnanswered = 64;

export function serveClient(socket: Socket, options: ClientOptions): Client {
  let greeted = false;
  let unanswered = 0;
  const admit = (message: Message): boolean => {
    if (!greeted) greeted = isGreeting(message, options.isToken);
    // Requests are all that a client has to say.
    if (!greeted || !('method' in message) || !('id' in message)) return false;
    if (++unanswered === mostUnanswered) socket.pause();
    return true;
  };
  const reader = new FrameReader(socket, { maxBytes: () => (greeted ? maxFrameBytes : greetingBytes), admit });
  const connection = createMessageConnection(reader, new FrameWriter(socket, unreadBytes), NullLogger, {
    messageStrategy: {
      async handleMessage(message, next) {
        try {
          await next(message);
        } finally {
          if (unanswered-- === mostUnanswered) socket.resume();
        }
      },
    },
  });
  // A broken connection is the client's affair: it is closed, and that is all.
  connection.onError(() => socket.destroy());
  const timer = setTimeout(() => {
    if (!greeted) socket.destroy();
  }, greetingMilliseconds).unref();
  socket.once('close', () => {
    clearTimeout(timer);
    connection.dispose();
  });

  let isTold = false;
  const on = <K extends keyof RunCalls>(method: K, answer: () => RunCalls[K]['reply'] | Promise<RunCalls[K]['reply']>): void => {
    connection.onRequest<unknown, unknown>(method, answer);
  };
  on('hello', () => {
    isTold = true;
    return options.snapshot();
  });
  on('stop', () => {
    options.stop();
    return null;
  });
  on('save', async () => {
    try {
      return { step: await options.save() };
    } catch (error) {
      throw new ResponseError(ErrorCodes.InternalError, (error as Error).message);
    }
  });
  connection.listen();

  return {
    tell(notice, value) {
      if (isTold && socket.writable) connection.sendNotification(notice, value).catch(() => undefined);
    },
    end: () => (greeted ? socket.end() : socket.destroy()),
    drop: () => socket.destroy(),
  };
}

function isGreeting(message: Message, isToken: (given: string) => boolean): boolean {
  const { method, id, params } = message as Message & { method?: unknown; id?: unknown; params?: unknown };
  if (method !== 'hello' || id === undefined || id === null) return false;
  const token = (params as { token?: unknown } | undefined)?.token;
  return typeof token === 'string' && isToken(token);
}
