/** A webview's side of its panel: requests that are settled, the state that outlives the page, and what the host tells unasked. */
import type { PanelCalls, ToWebview } from '../../backend/protocol.ts';

interface EditorApi {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): EditorApi;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A request that takes longer is given up: a host that went away never answers. Dialogs wait for a person. */
const answerMilliseconds = 30_000;

export class Host<Calls extends PanelCalls, Open, Notice> {
  private readonly api = acquireVsCodeApi();
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private requests = 0;

  /** Begins: the host answers with the whole initial state, and again whenever it says so anew. */
  constructor(onOpen: (state: Open) => void, onNotice: (notice: Notice) => void) {
    addEventListener('message', (event: MessageEvent<ToWebview<Open, Notice>>) => {
      const message = event.data;
      switch (message.kind) {
        case 'open': return onOpen(message.state);
        case 'notice': return onNotice(message.notice);
        case 'reply': return this.waiting.get(message.id)?.resolve(message.value);
        case 'failure': return this.waiting.get(message.id)?.reject(new Error(message.message));
      }
    });
    this.api.postMessage({ kind: 'ready' });
  }

  /** Resolves with the host's reply; rejects with its reason, or when none came in time. */
  ask<K extends keyof Calls & string>(call: K, request: Calls[K]['request'], { patient = false } = {}): Promise<Calls[K]['reply']> {
    const id = this.requests++;
    return new Promise<Calls[K]['reply']>((resolve, reject) => {
      const settle = (action: () => void): void => {
        clearTimeout(timer);
        this.waiting.delete(id);
        action();
      };
      const fail = (error: Error): void => settle(() => reject(error));
      const timer = patient ? undefined : setTimeout(() => fail(new Error('the extension does not answer: reload the window')), answerMilliseconds);
      this.waiting.set(id, { resolve: (value) => settle(() => resolve(value)), reject: fail });
      this.api.postMessage({ kind: 'request', id, call, request });
    });
  }

  /** What the page knew when it was last there; of any shape. */
  get state(): unknown {
    return this.api.getState();
  }

  set state(state: unknown) {
    this.api.setState(state);
  }
}
