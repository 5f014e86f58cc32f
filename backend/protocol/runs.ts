/**
 * The life of a run as others see it: what its process and those who watch it tell each other over its socket, JSON-RPC 2.0 in
 * frames as of the Language Server Protocol. The first request is `hello` with the token; before it nothing is answered.
 */
import type { MetricsRow, RunEvent, RunStatus } from '../protocol.ts';

/** Raised where an older client would misread what it gets. A client that knows another version follows the run's files instead. */
export type RunProtocolVersion = 1;

/** Who is ahead of a run that waits for its device. */
export interface QueuePlace {
  /** `cpu`, `cuda:0`, ... */
  device: string;
  /** Runs that go first, the one that has the device included. */
  ahead: number;
  /** The run that has the device, or will have it next: its process and its folder. */
  holder: { pid: number; run: string };
}

export interface RunHello {
  version: number;
  /** From the file beside the socket, which only the same user can read. */
  token: string;
}

/** All that a client needs to go on from: every later row comes as an event, every earlier one is in metrics.jsonl. */
export interface RunSnapshot {
  version: number;
  folder: string;
  pid: number;
  status: RunStatus;
  /** The newest row; null before the first step of this process. */
  row: MetricsRow | null;
}

/** A client's requests with their replies. Each ends in its reply, an error, or the socket's end. */
export interface RunCalls {
  hello: { request: RunHello; reply: RunSnapshot };
  /** Finish the step in work, save, and end: replied at once; the end is told by `ended`, and by the socket's own. */
  stop: { request: Record<never, never>; reply: null };
  /** Save after the step in work. */
  save: { request: Record<never, never>; reply: { step: number } };
}

/** What the run tells every client, in order. Numbers of rows that are not finite are the strings "NaN", "Infinity" and "-Infinity". */
export interface RunNotices {
  event: RunEvent;
  /** As it has been written to status.json. */
  status: RunStatus;
}
