/** The augmentation lab with its real host and the real process that draws, in a stand-in for the editor. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { AugmentationCalls, LabNotice, LabOpen } from '../../backend/protocol.ts';
import { launchOf } from '../../extension/launch.ts';
import { LabHost } from '../../extension/panels/augmentationHost.ts';
import { ViewBackend } from '../../extension/viewBackend.ts';
import { ViewServer } from './viewServer.ts';

export interface LabServerOptions {
  file?: string;
  image?: string;
  trusted?: boolean;
  state?: unknown;
}

const program = join(import.meta.dirname, '../../dist/siamscope.mjs');

/** The process behind the views, as the extension starts it. */
export const startBackend = (): ViewBackend<AugmentationCalls> => new ViewBackend<AugmentationCalls>(() => Promise.resolve(launchOf(program, '')), (line) => console.log(line));

export class LabServer {
  readonly host: LabHost;
  readonly view: ViewServer<LabOpen, LabNotice>;
  /** What the host asked the editor for. */
  readonly asked: string[] = [];
  /** Texts of the run file before each edit, for undoing. */
  readonly undo: string[] = [];
  trusted: boolean;

  private constructor(backend: ViewBackend<AugmentationCalls>, { file, image, trusted = true, state }: LabServerOptions) {
    this.trusted = trusted;
    const note = (what: string) => () => {
      this.asked.push(what);
      return Promise.resolve();
    };
    this.host = new LabHost({
      panel: 'a-panel', backend,
      file: file === undefined ? null : { path: file, name: basename(file), read: () => Promise.resolve(readFileSync(file, 'utf8')) },
      image: image === undefined ? null : { path: image, name: basename(image) },
      trusted: () => this.trusted,
      replace: (before, { offset, length, text }) => {
        this.undo.push(before);
        this.write(file!, before.slice(0, offset) + text + before.slice(offset + length));
        return Promise.resolve();
      },
      choose: note('choose'), trust: note('trust'), showFile: note('show file'),
      onNotice: (notice) => this.view.port.notice(notice),
    });
    this.view = new ViewServer<LabOpen, LabNotice>({
      view: 'augmentation', title: 'Augmentations', state, onOpened: () => void this.host.look(true),
      port: { open: () => this.host.open(), answer: (call, request) => this.host.answer(call, request) },
    });
  }

  static async start(backend: ViewBackend<AugmentationCalls>, options: LabServerOptions): Promise<LabServer> {
    const server = new LabServer(backend, options);
    await server.view.listen();
    return server;
  }

  /** Changes the run file as the editor does: the host is told. */
  write(file: string, text: string): void {
    writeFileSync(file, text);
    this.host.changed();
  }

  async close(): Promise<void> {
    this.host.dispose();
    await this.view.close();
  }
}
