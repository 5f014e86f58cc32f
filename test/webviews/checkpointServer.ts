/** The checkpoint inspector with its real host, in a stand-in for the editor. */
import type { CheckpointAction, CheckpointNotice, CheckpointOpen } from '../../backend/protocol.ts';
import { CheckpointHost } from '../../extension/checkpoint/host.ts';
import { ViewServer } from './viewServer.ts';

export interface CheckpointServerOptions {
  trusted?: boolean;
  actions?: CheckpointAction[];
  /** What the webview kept from before. */
  state?: unknown;
}

export class CheckpointServer {
  readonly host: CheckpointHost;
  readonly view: ViewServer<CheckpointOpen, CheckpointNotice>;
  readonly saved: { name: string; text: string }[] = [];
  /** What the host asked the editor for. */
  readonly asked: string[] = [];
  /** What the dialog gives. */
  chosen: string | null = null;
  trusted: boolean;

  constructor(path: string, { trusted = true, actions = ['correspond', 'evaluate', 'export', 'resume'], state }: CheckpointServerOptions = {}) {
    this.trusted = trusted;
    const note = (what: string): Promise<void> => {
      this.asked.push(what);
      return Promise.resolve();
    };
    this.host = new CheckpointHost({
      path, onDisk: true, place: path, trusted: () => this.trusted, actions: () => actions,
      act: (action, run) => note(`${action}${run ? ` of step ${run.step}` : ''}`),
      choose: () => Promise.resolve(this.chosen),
      save: (name, text) => {
        this.saved.push({ name, text });
        return Promise.resolve(name);
      },
      asText: () => note('as text'), trust: () => note('trust'),
      onNotice: (notice) => this.view.port.notice(notice),
    });
    this.view = new ViewServer<CheckpointOpen, CheckpointNotice>({
      view: 'checkpoint', title: 'Checkpoint', state, onOpened: () => void this.host.load(),
      port: { open: () => this.host.open(), answer: (call, request) => this.host.answer(call, request) },
    });
  }

  static async start(path: string, options: CheckpointServerOptions = {}): Promise<CheckpointServer> {
    const server = new CheckpointServer(path, options);
    await server.view.listen();
    return server;
  }

  async close(): Promise<void> {
    this.host.dispose();
    await this.view.close();
  }
}
