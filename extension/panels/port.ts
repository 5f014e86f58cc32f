/** A panel's side of the messages, without the editor: the initial state when the page is ready, and one answer to each request. */
import type { ToWebview } from '../../backend/protocol.ts';
import { parseEnvelope } from './messages.ts';

export interface PortOptions<Open> {
  /** The whole state that the page begins with. */
  open(): Open;
  /** Answers a request that came from the page, unchecked. Throws MessageError, InputError or RunError for people. */
  answer(call: string, request: unknown): Promise<unknown>;
}

export class PanelPort<Open, Notice> {
  private readonly options: PortOptions<Open>;
  private readonly send: (message: ToWebview<Open, Notice>) => void;
  /** Whether the page has said that it listens. */
  private ready = false;

  constructor(options: PortOptions<Open>, send: (message: ToWebview<Open, Notice>) => void) {
    this.options = options;
    this.send = send;
  }

  /** Takes what the page sent, of whatever kind; never throws. Resolves when it is answered. */
  async receive(message: unknown): Promise<void> {
    const envelope = parseEnvelope(message);
    if (!envelope) return;
    if (envelope.kind === 'ready') {
      this.ready = true;
      this.send({ kind: 'open', state: this.options.open() });
      return;
    }
    const { id, call, request } = envelope;
    try {
      this.send({ kind: 'reply', id, value: await this.options.answer(call, request) });
    } catch (error) {
      this.send({ kind: 'failure', id, message: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Tells the page something unasked; one that is hidden learns it when it is shown. */
  notice(notice: Notice): void {
    if (this.ready) this.send({ kind: 'notice', notice });
  }

  /** The page is gone until it says "ready" again. */
  gone(): void {
    this.ready = false;
  }
}
