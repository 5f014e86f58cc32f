/** The correspondence view with its real host and the real process that holds models, in a stand-in for the editor. */
import { basename, join } from 'node:path';
import type { CorrespondenceCalls, LookNotice, LookOpen } from '../../backend/protocol.ts';
import { launchOf } from '../../extension/launch.ts';
import { LookHost, type LookAbout, type Subject } from '../../extension/panels/correspondenceHost.ts';
import { ViewBackend } from '../../extension/viewBackend.ts';
import { listCheckpoints } from '../../extension/views/checkpoints.ts';
import { ViewServer } from './viewServer.ts';

export interface LookServerOptions extends Partial<LookAbout> {
  trusted?: boolean;
  state?: unknown;
  living?: boolean;
}

const program = join(import.meta.dirname, '../../dist/siamscope.mjs');

/** The process behind the view, as the extension starts it. */
export const startModels = (): ViewBackend<CorrespondenceCalls> => new ViewBackend<CorrespondenceCalls>(() => Promise.resolve(launchOf(program, '')), (line) => console.log(line));

export class LookServer {
  readonly host: LookHost;
  readonly view: ViewServer<LookOpen, LookNotice>;
  /** What the host asked the editor for, and what it was told. */
  readonly asked: string[] = [];
  readonly saved: { name: string; bytes: Buffer }[] = [];
  /** What the dialogs give. */
  chosenSubject: Subject | null = null;
  chosenImages: string | null = null;
  trusted: boolean;
  living: boolean;

  private constructor(backend: ViewBackend<CorrespondenceCalls>, { subjects = [], images = null, others = null, trusted = true, living = false, state }: LookServerOptions) {
    this.trusted = trusted;
    this.living = living;
    this.host = new LookHost({
      panel: 'a-panel', backend, subjects, images, others,
      trusted: () => this.trusted,
      named: (path) => basename(path),
      run: (folder) => ({ name: basename(folder), living: this.living }),
      steps: async (folder) => (await listCheckpoints(folder)).map(({ step }) => step),
      chooseSubject: () => Promise.resolve(this.chosenSubject),
      chooseImages: () => Promise.resolve(this.chosenImages),
      save: (name, bytes) => {
        this.saved.push({ name, bytes: Buffer.from(bytes) });
        return Promise.resolve(name);
      },
      trust: () => {
        this.asked.push('trust');
        return Promise.resolve();
      },
      onAbout: (about) => this.asked.push(JSON.stringify(about)),
      onNotice: (notice) => this.view.port.notice(notice),
    });
    this.view = new ViewServer<LookOpen, LookNotice>({
      view: 'correspondence', title: 'Correspondence', state, onOpened: () => void this.host.look(),
      port: { open: () => this.host.open(), answer: (call, request) => this.host.answer(call, request) },
    });
  }

  static async start(backend: ViewBackend<CorrespondenceCalls>, options: LookServerOptions): Promise<LookServer> {
    const server = new LookServer(backend, options);
    await server.view.listen();
    return server;
  }

  async close(): Promise<void> {
    this.host.dispose();
    await this.view.close();
  }
}
