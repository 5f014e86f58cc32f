/**
 * Messages as frames of the Language Server Protocol, between parties that do not trust each other: a frame's size is judged by
 * its header, before anything is kept of it; what is malformed ends the connection; a party that does not read is given up.
 */
import type { Socket } from 'node:net';
import { AbstractMessageReader, AbstractMessageWriter, type DataCallback, type Disposable, type Message } from 'vscode-jsonrpc/node';

/** What a frame may have, from those who have shown their token. */
export const maxFrameBytes = 32 * 2 ** 20;
const maxHeaderBytes = 1024;
const maxMethodLength = 100;
const headerEnd = Buffer.from('\r\n\r\n');

export interface FrameLimits {
  /** Bytes that the next frame may have. */
  maxBytes: () => number;
  /** Whether the message may be passed on; one that may not ends the connection. */
  admit?: (message: Message) => boolean;
}

export class FrameReader extends AbstractMessageReader {
  private readonly socket: Socket;
  private readonly limits: FrameLimits;
  private callback: DataCallback | null = null;
  /** What has come of the frame in work: of its header while `expected` is null, of its body after that. */
  private parts: Buffer[] = [];
  private size = 0;
  private expected: number | null = null;

  constructor(socket: Socket, limits: FrameLimits) {
    super();
    this.socket = socket;
    this.limits = limits;
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', (error) => this.fireError(error));
    socket.on('close', () => this.fireClose());
    // Until someone listens, the system keeps what comes.
    socket.pause();
  }

  listen(callback: DataCallback): Disposable {
    this.callback = callback;
    this.socket.resume();
    return { dispose: () => (this.callback = null) };
  }

  private take(chunk: Buffer): void {
    let rest: Buffer | null = chunk;
    while (rest && !this.socket.destroyed) rest = this.expected === null ? this.takeHeader(rest) : this.takeBody(rest);
  }

  /** What is left of the chunk when the header is whole; null when all of it has been used. */
  private takeHeader(chunk: Buffer): Buffer | null {
    const before = this.size;
    const head = Buffer.concat([...this.parts, chunk.subarray(0, maxHeaderBytes + headerEnd.length)]);
    const end = head.indexOf(headerEnd, Math.max(0, before - headerEnd.length));
    if (end < 0 ? head.length > maxHeaderBytes : end > maxHeaderBytes) return this.refuse('a header that is too long');
    if (end < 0) {
      this.parts = [head];
      this.size = head.length;
      return null;
    }
    const length = contentLength(head.toString('latin1', 0, end));
    if (length === null) return this.refuse('a header without one Content-Length');
    if (length > this.limits.maxBytes()) return this.refuse(`a frame of ${length} bytes, more than ${this.limits.maxBytes()}`);
    this.parts = [];
    this.size = 0;
    this.expected = length;
    return chunk.subarray(end + headerEnd.length - before);
  }

  private takeBody(chunk: Buffer): Buffer | null {
    const missing = this.expected! - this.size;
    const part = chunk.subarray(0, missing);
    this.parts.push(part);
    this.size += part.length;
    if (this.size < this.expected!) return null;
    const body = this.parts.length === 1 ? part : Buffer.concat(this.parts);
    this.parts = [];
    this.size = 0;
    this.expected = null;
    this.deliver(body);
    return chunk.length > missing ? chunk.subarray(missing) : null;
  }

  private deliver(body: Buffer): void {
    let message: unknown;
    try {
      message = JSON.parse(body.toString('utf8'));
    } catch {
      this.refuse('a frame that is not JSON');
      return;
    }
    if (!isMessage(message) || this.limits.admit?.(message) === false) this.refuse('a message that is not allowed');
    else this.callback?.(message);
  }

  private refuse(what: string): null {
    this.parts = [];
    this.fireError(new Error(`the connection is closed: ${what} was sent`));
    this.socket.destroy();
    return null;
  }
}

/** The value of the one Content-Length; null where it is missing, doubled or not a plain number. */
function contentLength(header: string): number | null {
  let length: number | null = null;
  for (const line of header.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 1) return null;
    if (line.slice(0, colon).trim().toLowerCase() !== 'content-length') continue;
    const value = line.slice(colon + 1).trim();
    if (length !== null || !/^\d{1,15}$/.test(value)) return null;
    length = Number(value);
  }
  return length;
}

/** A request, notification or response of JSON-RPC 2.0: what the layers above need not doubt. */
function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { jsonrpc, id, method, params } = value as Record<string, unknown>;
  if (jsonrpc !== '2.0') return false;
  const isId = typeof id === 'string' ? id.length <= maxMethodLength : typeof id === 'number';
  if (method === undefined) return isId || (id === null && 'error' in value);
  if (typeof method !== 'string' || method.length > maxMethodLength || !(id === undefined || isId)) return false;
  return params === undefined || (typeof params === 'object' && params !== null);
}

export class FrameWriter extends AbstractMessageWriter {
  private readonly socket: Socket;
  private readonly maxQueuedBytes: number;

  /** A party that lets more than `maxQueuedBytes` lie unread is given up. */
  constructor(socket: Socket, maxQueuedBytes: number) {
    super();
    this.socket = socket;
    this.maxQueuedBytes = maxQueuedBytes;
    socket.on('close', () => this.fireClose());
  }

  /** Never waits for the other side. Rejects where the connection has ended. */
  write(message: Message): Promise<void> {
    const body = Buffer.from(JSON.stringify(message));
    if (this.socket.writableLength + body.length > this.maxQueuedBytes) this.socket.destroy();
    if (!this.socket.writable) return Promise.reject(new Error('the connection has ended'));
    this.socket.write(`Content-Length: ${body.length}\r\n\r\n`, 'latin1');
    this.socket.write(body);
    return Promise.resolve();
  }

  end(): void {
    this.socket.end();
  }
}
