/** What every webview and its host tell each other: the webview says that it is ready and gets one message with its whole initial state; each request is settled. */

/** A panel's requests with their replies, by name. */
export type PanelCalls = Record<string, { request: unknown; reply: unknown }>;

/** From the webview. */
export type FromWebview<Calls extends PanelCalls> = { kind: 'ready' } | { [K in keyof Calls & string]: { kind: 'request'; id: number; call: K; request: Calls[K]['request'] } }[keyof Calls & string];

/** To the webview. `Open` is the panel's initial state, `Notice` what it tells unasked. Every request is answered by one reply or failure of its id. */
export type ToWebview<Open, Notice> =
  | { kind: 'open'; state: Open }
  | { kind: 'notice'; notice: Notice }
  | { kind: 'reply'; id: number; value: unknown }
  | { kind: 'failure'; id: number; message: string };
