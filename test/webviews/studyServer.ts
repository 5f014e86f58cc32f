/** A study's table with its real host, in a stand-in for the editor. */
import { basename } from 'node:path';
import type { StudyNotice, StudyOpen } from '../../backend/protocol.ts';
import { StudyHost } from '../../extension/panels/studyHost.ts';
import { ViewServer } from './viewServer.ts';

export interface StudyServerOptions {
  trusted?: boolean;
  /** What the webview kept from before. */
  state?: unknown;
}

export class StudyServer {
  readonly host: StudyHost;
  readonly view: ViewServer<StudyOpen, StudyNotice>;
  /** What the host asked the editor for. */
  readonly asked: [what: string, ...on: unknown[]][] = [];
  /** What the page was told unasked. */
  readonly told: StudyNotice[] = [];
  /** Why the study is refused; null: it starts. */
  refusal: string | null = null;

  private constructor(path: string, { trusted = true, state }: StudyServerOptions) {
    const asks = (what: string) => (on?: unknown): Promise<void> => (this.asked.push(on === undefined ? [what] : [what, on]), Promise.resolve());
    this.host = new StudyHost({
      panel: 'a-panel', path, file: basename(path), trusted: () => trusted,
      curves: asks('curves'), correspond: asks('correspond'), reveal: asks('reveal'), copy: asks('copy'), show: asks('show'), stop: asks('stop'), trust: () => asks('trust')(),
      run: async (file) => {
        await asks('run')(file);
        if (this.refusal !== null) throw new Error(this.refusal);
      },
      onNotice: (notice) => {
        this.told.push(notice);
        this.view.port.notice(notice);
      },
    });
    this.view = new ViewServer<StudyOpen, StudyNotice>({ view: 'study', title: 'Study', state, onOpened: () => this.host.resume(), port: { open: () => this.host.open(), answer: (call, request) => this.host.answer(call, request) } });
  }

  static async start(path: string, options: StudyServerOptions = {}): Promise<StudyServer> {
    const server = new StudyServer(path, options);
    await server.view.listen();
    return server;
  }

  async close(): Promise<void> {
    this.host.dispose();
    await this.view.close();
  }
}
