/** What the editor's views ask of the process that draws for them (`siamscope serve`), over its IPC channel: bytes cross as typed arrays. */

/** Requests with their replies, by name. Each view has a table of its own; a request is cancelled by its token. */
export type ViewCalls = Record<string, { request: unknown; reply: unknown }>;

/** Told while a request is worked on. */
export interface ViewProgress {
  /** Of the request, as its asker numbered it. */
  ticket: number;
  text: string;
  done: number | null;
  total: number | null;
}

/** What crosses for a request. */
export interface ViewRequest {
  ticket: number;
  request: unknown;
}

export const viewProgressMethod = 'progress';
