/**
 * A stand-in for the editor around a webview: its real page, with its real content security policy, in a frame whose messages go to the
 * real host in this process. In the editor these cross by other ways; parsing, answers and page are those that are shipped.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { webviewHtml } from '../../extension/panels/html.ts';
import { PanelPort, type PortOptions } from '../../extension/panels/port.ts';
import { decodeFrame, encodeFrame, frameScript } from './frames.ts';
import { themes, type ThemeName } from './themes.ts';

const bundles = join(import.meta.dirname, '../../dist/webviews');
const nonce = 'test-nonce';

/** What the editor gives a webview, in the frame before its own script. */
const editorScript = (state: unknown): string => `
let state = ${JSON.stringify(state).replaceAll('<', '\\u003c')};
globalThis.acquireVsCodeApi = () => ({
  postMessage: (message) => parent.postMessage({ fromView: message }, '*'),
  getState: () => state,
  setState: (next) => { state = structuredClone(next); parent.postMessage({ state: next }, '*'); },
});`;

const outerPage = (theme: string): string => `<!DOCTYPE html><html lang="en"><title>editor</title><style>html,body,iframe{margin:0;width:100%;height:100%;border:0;display:block}</style>
<iframe name="view" title="view"></iframe><script>${frameScript}
const view = document.querySelector('iframe');
globalThis.openPanel = () => {
  performance.mark('panel-asked-for');
  view.src = '/view?theme=${encodeURIComponent(theme)}';
};
if (!location.search.includes('later')) openPanel();
async function send(path, body) {
  const response = await fetch(path, { method: 'POST', body });
  for (const message of decodeFrame(await response.arrayBuffer())) view.contentWindow.postMessage(message, '*');
}
addEventListener('message', async (event) => {
  if ('state' in event.data) globalThis.kept = event.data.state;
  else await send('/message', await encodeFrame({ message: event.data.fromView }));
});
(async () => { for (;;) await send('/notices'); })();
</script></html>`;

export interface ViewServerOptions<Open> {
  /** The view's folder in webviews/. */
  view: string;
  title: string;
  port: PortOptions<Open>;
  /** What the webview kept from before. */
  state?: unknown;
  /** Called when the panel is made. */
  onOpened?: () => void;
}

export class ViewServer<Open, Notice> {
  readonly port: PanelPort<Open, Notice>;
  private readonly options: ViewServerOptions<Open>;
  private readonly server = createServer((request, response) => void this.answer(request, response));
  /** Messages on their way to the page, and the page's request that waits for them. */
  private outbox: unknown[] = [];
  private waiting: (() => void) | null = null;

  constructor(options: ViewServerOptions<Open>) {
    this.options = options;
    this.port = new PanelPort<Open, Notice>(options.port, (message) => {
      this.outbox.push(message);
      this.waiting?.();
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
  }

  /** `later`: the editor's window alone, in which the panel is opened by its `openPanel()`. */
  address(theme: ThemeName = 'dark', later = false): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/?theme=${encodeURIComponent(theme)}${later ? '&later' : ''}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { view, title, state = null, onOpened } = this.options;
    const url = new URL(request.url!, 'http://127.0.0.1');
    const theme = themes[(url.searchParams.get('theme') ?? 'dark') as ThemeName];
    const body: Buffer[] = [];
    for await (const part of request) body.push(part as Buffer);
    if (url.pathname === '/') {
      response.setHeader('content-type', 'text/html').end(outerPage(url.searchParams.get('theme') ?? 'dark'));
    } else if (url.pathname === '/view') {
      onOpened?.();
      const style = Object.entries(theme.colours).map(([name, value]) => `--vscode-${name}: ${value}`).join('; ').replaceAll('"', "'");
      const html = webviewHtml({ script: `/bundles/${view}.js`, style: `/bundles/${view}.css`, source: `http://${request.headers.host}`, title, language: 'en' }, nonce)
        .replace('<body>', `<body class="${theme.class}"><script nonce="${nonce}">document.documentElement.style.cssText = ${JSON.stringify(style)};${editorScript(state)}</script>`);
      response.setHeader('content-type', 'text/html').end(html);
    } else if (url.pathname.startsWith('/bundles/')) {
      const name = url.pathname.slice('/bundles/'.length);
      response.setHeader('content-type', name.endsWith('.css') ? 'text/css' : 'text/javascript').end(await readFile(join(bundles, name === `${view}.css` ? name : `${view}.js`)));
    } else if (url.pathname === '/message') {
      await this.port.receive((decodeFrame(Buffer.concat(body)) as { message: unknown }).message);
      response.end(encodeFrame(this.take()));
    } else if (url.pathname === '/notices') {
      if (this.outbox.length === 0) await new Promise<void>((done) => (this.waiting = done));
      this.waiting = null;
      response.end(encodeFrame(this.take()));
    } else response.writeHead(url.pathname === '/favicon.ico' ? 204 : 404).end();
  }

  private take(): unknown[] {
    const messages = this.outbox;
    this.outbox = [];
    return messages;
  }
}
