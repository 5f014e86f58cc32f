/** The page of a webview: one script and one style sheet of ours, and nothing else may be loaded or run. */
import { randomBytes } from 'node:crypto';

export interface WebviewPage {
  /** Where the bundle's script and style lie, as the webview may load them. */
  script: string;
  style: string;
  /** What the webview calls its own origin. */
  source: string;
  title: string;
  language: string;
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** Pictures are drawn on canvases and saved through the host: no source of images, fonts or connections is needed. */
export function webviewHtml({ script, style, source, title, language }: WebviewPage, nonce = randomBytes(18).toString('base64url')): string {
  return `<!DOCTYPE html>
<html lang="${escaped(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-${nonce}'; style-src ${escaped(source)}; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="${escaped(style)}">
</head>
<body>
<main id="view"></main>
<script nonce="${nonce}" src="${escaped(script)}"></script>
</body>
</html>
`;
}
