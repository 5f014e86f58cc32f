/** The curves view with its real host, in a stand-in for the editor. */
import type { CurvesNotice, CurvesOpen } from '../../backend/protocol.ts';
import { answerCurves } from '../../extension/series/answers.ts';
import { CurvesHost } from '../../extension/series/curvesHost.ts';
import type { KnownRun } from '../../extension/series/watchedRun.ts';
import type { ThemeName } from './themes.ts';
import { ViewServer } from './viewServer.ts';

export interface PanelServerOptions {
  known?: (folder: string) => KnownRun | null;
  /** What the webview kept from before. */
  state?: unknown;
}

export class PanelServer {
  readonly host: CurvesHost;
  readonly saved: { name: string; bytes: Buffer }[] = [];
  /** Folders that the dialog gives. */
  chosen: string[] = [];
  private readonly server: ViewServer<CurvesOpen, CurvesNotice>;

  private constructor(sources: readonly string[], options: PanelServerOptions) {
    this.host = new CurvesHost(sources, { panel: 'a-panel', known: options.known ?? (() => null), onNotice: (notice) => this.server.port.notice(notice), roots: [] });
    this.server = new ViewServer<CurvesOpen, CurvesNotice>({
      view: 'curves', title: 'Curves', state: options.state,
      // As in the editor: the host begins to read when the panel is made.
      onOpened: () => this.host.resume(),
      port: {
        open: () => this.host.open(),
        answer: (call, request) => answerCurves(this.host, call, request, {
          save: (name, bytes) => {
            this.saved.push({ name, bytes: Buffer.from(bytes) });
            return Promise.resolve(name);
          },
          add: async () => {
            let added = 0;
            for (const source of this.chosen) added += await this.host.add(source);
            return added;
          },
        }),
      },
    });
  }

  static async start(sources: readonly string[], options: PanelServerOptions = {}): Promise<PanelServer> {
    const server = new PanelServer(sources, options);
    await server.server.listen();
    return server;
  }

  address(theme: ThemeName = 'dark', later = false): string {
    return this.server.address(theme, later);
  }

  async close(): Promise<void> {
    this.host.dispose();
    await this.server.close();
  }
}
