/** What a run's socket is put through: samples in the tests, the full counts in bench/sockets.mjs. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { Random } from '../../backend/random.ts';

export const frame = (body: string | Buffer): Buffer => {
  const bytes = Buffer.from(body as string);
  return Buffer.concat([Buffer.from(`Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
};
export const request = (id: unknown, method: string, params?: unknown): Buffer => frame(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
export const hello = (token: string, id: unknown = 1): Buffer => request(id, 'hello', { version: 1, token });

export const tokenOf = (socket: string): string => (JSON.parse(readFileSync(socket.replace(/\.sock$/, '.json'), 'utf8')) as { token: string }).token;

/** Resident memory of a process on Linux, in MiB; null elsewhere. */
export function residentMegabytes(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

async function open(path: string): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the connection has ended, however. */
const endOf = (socket: Socket): Promise<true> => new Promise((resolve) => socket.once('close', () => resolve(true)));

/** Sends the bytes and waits until the other side closes. Gives how many bytes came back. */
export async function sendUntilClosed(path: string, bytes: Buffer, milliseconds = 10_000): Promise<{ received: number; closed: boolean }> {
  const socket = await open(path);
  let received = 0;
  socket.on('data', (chunk: Buffer) => (received += chunk.length));
  const closed = endOf(socket);
  socket.write(bytes);
  const ended = await Promise.race([closed, setTimeout(milliseconds, false)]);
  socket.destroy();
  return { received, closed: ended };
}

/** What a client without the token may try: none, wrong ones, other requests, what is not a greeting. */
export function tokenlessGreetings(token: string): Buffer[] {
  const wrong = [token.slice(1), `${token} `, token.toUpperCase(), token.replace(/.$/, (last) => (last === '0' ? '1' : '0')), '', '0'.repeat(64)];
  return [
    ...wrong.map((given) => hello(given)),
    ...[undefined, null, {}, [], [token], { token: [token] }, { token: { length: 64 } }, { token: 1 }, { Token: token }].map((params) => request(1, 'hello', params)),
    ...['stop', 'save', 'Hello', 'hello ', '__proto__', 'constructor', '$/cancelRequest', ''].map((method) => request(1, method, { token })),
    // Without an id there is nothing to answer, and a null one is none.
    frame(JSON.stringify({ jsonrpc: '2.0', method: 'hello', params: { token } })),
    request(null, 'hello', { token }),
    frame(JSON.stringify({ jsonrpc: '1.0', id: 1, method: 'hello', params: { token } })),
    frame(JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'hello', params: { token } }])),
    Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    Buffer.from(`Content-Length: 10\r\nContent-Length: 10\r\n\r\n{"a":1}   `),
    Buffer.concat([Buffer.from(`Content-Length: ${2 ** 30}\r\n\r\n`), Buffer.alloc(1000)]),
    Buffer.concat([Buffer.from('X'.repeat(5000)), hello(token)]),
    Buffer.from('Content-Length: -1\r\n\r\n'),
    Buffer.from('Content-Length: 1e3\r\n\r\n'),
    Buffer.from('\r\n\r\n'),
    Buffer.alloc(0xffff, 0xff),
  ];
}

const words = ['hello', 'stop ', 'save ', 'nothing', '__proto__', 'constructor', 'toString', '$/cancelRequest', '$/progress', '$/setTrace', 'event', 'status', ''];

/** A value of any kind, a few levels deep, now and then very deep. */
function anyValue(random: Random, depth = 0): unknown {
  const kind = random.integer(0, depth > 3 ? 6 : 9);
  if (kind === 0) return null;
  if (kind === 1) return random.uniform(0, 1) < 0.5;
  if (kind === 2) return random.integer(-(2 ** 31), 2 ** 31 - 1);
  if (kind === 3) return random.uniform(-1, 1) * 10 ** random.integer(-300, 300);
  if (kind <= 5) return words[random.integer(0, words.length - 1)];
  if (kind === 6) return String.fromCharCode(...Array.from({ length: random.integer(0, 40) }, () => random.integer(0, 0xffff)));
  if (kind === 7) return Array.from({ length: random.integer(0, 4) }, () => anyValue(random, depth + 1));
  return Object.fromEntries(Array.from({ length: random.integer(0, 4) }, () => [words[random.integer(0, words.length - 1)], anyValue(random, depth + 1)]));
}

/** A frame that a broken or hostile client might send; some are well-formed requests, none of them stops the run. */
function anyFrame(random: Random): Buffer {
  const kind = random.integer(0, 9);
  const method = words[random.integer(0, words.length - 1)]!;
  if (kind <= 2) return request(anyValue(random, 3), method, anyValue(random));
  if (kind === 3) return frame(JSON.stringify({ jsonrpc: '2.0', id: anyValue(random, 3), result: anyValue(random), error: anyValue(random) }));
  if (kind === 4) return frame(JSON.stringify(anyValue(random)));
  if (kind === 5) return frame('['.repeat(random.integer(1, 20_000)));
  if (kind === 6) return frame(Buffer.from(Array.from({ length: random.integer(0, 100) }, () => random.integer(0, 255))));
  if (kind === 7) return Buffer.from(`Content-Length: ${random.integer(0, 2 ** 30)}${'\r\n'.repeat(random.integer(0, 2))}`);
  const bytes = request(random.integer(0, 9), method, anyValue(random));
  for (let i = random.integer(1, 4); i > 0; i--) bytes[random.integer(0, bytes.length - 1)]! ^= 1 << random.integer(0, 7);
  return kind === 8 ? bytes.subarray(0, random.integer(0, bytes.length)) : bytes;
}

/** Sends `count` frames over as many connections as it takes, half of them greeted. Gives how many connections the run ended. */
export async function fuzz(path: string, count: number, seed: number): Promise<{ frames: number; connections: number; ended: number }> {
  const random = new Random(seed);
  const token = tokenOf(path);
  let frames = 0, connections = 0, ended = 0;
  while (frames < count) {
    const socket = await open(path);
    connections++;
    socket.resume();
    let isOpen = true;
    const closed = endOf(socket).then(() => (isOpen = false));
    if (random.uniform(0, 1) < 0.5) socket.write(hello(token, 'greeting'));
    // Until the run has had enough; it may take a moment to say so.
    for (let sent = 0; isOpen && sent < 50 && frames < count; sent++, frames++) {
      if (!socket.write(anyFrame(random))) await Promise.race([once(socket, 'drain').catch(() => undefined), closed]);
      if (sent % 10 === 9) await setTimeout(0);
    }
    if (isOpen) socket.end();
    await Promise.race([closed, setTimeout(200)]);
    if (!isOpen) ended++;
    socket.destroy();
  }
  return { frames, connections, ended };
}

/** A client that has greeted and asks on and on without reading an answer. Resolves when the run has given it up, with the bytes it had sent. */
export async function stall(path: string, milliseconds: number): Promise<{ dropped: boolean; sent: number }> {
  const socket = await open(path);
  const token = tokenOf(path);
  let sent = 0, dropped = false;
  const closed = endOf(socket).then(() => (dropped = true));
  socket.pause();
  let asked = 0;
  for (const deadline = performance.now() + milliseconds; !dropped && performance.now() < deadline; ) {
    if (socket.writableLength < 2 ** 16) {
      const question = hello(token, ++asked);
      socket.write(question);
      sent += question.length;
    }
    if (asked % 16 === 0) await Promise.race([setTimeout(1), closed]);
    if (socket.writableLength >= 2 ** 16) await Promise.race([setTimeout(5), closed]);
  }
  socket.destroy();
  return { dropped, sent };
}

/** A client that has greeted, is told every step, and reads nothing of it. */
export async function follow(path: string): Promise<Socket> {
  const socket = await open(path);
  socket.write(hello(tokenOf(path)));
  socket.pause();
  return socket;
}

/** Asks again and again, a pause between; the times it took, in milliseconds. */
export async function latencies(path: string, milliseconds: number, pause = 5): Promise<number[]> {
  const socket = await open(path);
  const token = tokenOf(path);
  const taken: number[] = [];
  let id = 0, text = '', arrived: () => void = () => undefined;
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    const at = text.indexOf(`"id":${id},`);
    if (at >= 0) {
      text = '';
      arrived();
    } else if (text.length > 2 ** 20) text = text.slice(-1000);
  });
  for (const deadline = performance.now() + milliseconds; performance.now() < deadline; ) {
    const asked = performance.now();
    const answer = new Promise<void>((resolve) => (arrived = resolve));
    socket.write(hello(token, ++id));
    await answer;
    taken.push(performance.now() - asked);
    await setTimeout(pause);
  }
  socket.destroy();
  return taken;
}

export const quantile = (values: readonly number[], q: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))]!;
