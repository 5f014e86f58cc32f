/**
 * The base of every webview panel: a page that may load nothing but its own script and style, one message with the whole initial state
 * when it says that it is ready, and an answer to every request. A hidden panel's page is gone; it says "ready" anew when it is shown.
 */
import * as vscode from 'vscode';
import { webviewHtml } from './html.ts';
import { PanelPort, type PortOptions } from './port.ts';

export interface PanelOptions<Open> extends PortOptions<Open> {
  /** The view's folder in webviews/, which names its bundle. */
  view: string;
  /** The panel became visible, or hidden: work for it should go on or pause. */
  onVisible(visible: boolean): void;
  onClosed(): void;
}

export class Panel<Open, Notice> {
  readonly webviewPanel: vscode.WebviewPanel;
  private readonly port: PanelPort<Open, Notice>;

  constructor(extensionUri: vscode.Uri, webviewPanel: vscode.WebviewPanel, options: PanelOptions<Open>) {
    this.webviewPanel = webviewPanel;
    const { webview } = webviewPanel;
    const folder = bundles(extensionUri);
    webview.options = { enableScripts: true, enableForms: false, enableCommandUris: false, localResourceRoots: [folder], portMapping: [] };
    // Where the page is gone meanwhile the message is lost: it asks anew when it is back.
    this.port = new PanelPort<Open, Notice>(options, (message) => {
      webview.postMessage(message).then(undefined, () => undefined);
    });
    const parts = [
      webview.onDidReceiveMessage((message: unknown) => void this.port.receive(message)),
      webviewPanel.onDidChangeViewState(() => {
        if (!webviewPanel.visible) this.port.gone();
        options.onVisible(webviewPanel.visible);
      }),
    ];
    webviewPanel.onDidDispose(() => {
      this.port.gone();
      for (const part of parts) part.dispose();
      options.onClosed();
    });
    const address = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
    webview.html = webviewHtml({ script: address(`${options.view}.js`), style: address(`${options.view}.css`), source: webview.cspSource, title: webviewPanel.title, language: vscode.env.language });
  }

  /** A panel of a new tab, for the constructor. */
  static create(extensionUri: vscode.Uri, type: string, title: string): vscode.WebviewPanel {
    const created = vscode.window.createWebviewPanel(type, title, vscode.ViewColumn.Active, { localResourceRoots: [bundles(extensionUri)] });
    const [light, dark] = ['tab-light.svg', 'tab-dark.svg'].map((name) => vscode.Uri.joinPath(extensionUri, 'media', name));
    created.iconPath = { light: light!, dark: dark! };
    return created;
  }

  /** Tells the page something unasked. */
  notice(notice: Notice): void {
    this.port.notice(notice);
  }
}

const bundles = (extensionUri: vscode.Uri): vscode.Uri => vscode.Uri.joinPath(extensionUri, 'dist', 'webviews');
