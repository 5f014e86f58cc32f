/** Puts a run's results into one HTML file that needs nothing else: no network, no fonts, no server. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { builtFile } from '../assets.ts';
import type { ReportData } from './data.ts';
import { embedJson, html, Html } from './html.ts';
import type { ReportPage } from './page.ts';
import { curvesSection, pageCurve } from './sections/curves.ts';
import { detailsSection } from './sections/details.ts';
import { evaluationsSection } from './sections/evaluations.ts';
import { measuresSection } from './sections/measures.ts';
import { neighboursSection } from './sections/neighbours.ts';
import { pagePair, pairsSection } from './sections/pairs.ts';
import { samplesSection } from './sections/samples.ts';
import { formatDuration, headline } from './words.ts';

const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The page's script and style, as built from webviews/report. Neither can end its element early. */
async function readAssets(): Promise<{ script: string; style: string }> {
  const [script, style] = await Promise.all(['report.js', 'report.css'].map((name) => readFile(builtFile(name), 'utf8')));
  return { script: script!.replace(/<\/(script)/gi, '<\\/$1'), style: style! };
}

/**
 * The report as HTML. Only its own script and style may run (their hashes are in its content security policy), pictures are
 * embedded, and nothing is fetched. Rejects with RunError for images whose bytes do not fit their size.
 */
export async function renderReport(data: ReportData): Promise<string> {
  const { script, style } = await readAssets();
  const { first, second } = headline(data);
  const page: ReportPage = { curves: [...data.curves, ...data.evaluations].map(pageCurve), pairs: data.pairs.map(pagePair) };
  const sections = [measuresSection(data.measures), await pairsSection(data.pairs), curvesSection(data.curves), evaluationsSection(data.evaluations, data.curves.length), await samplesSection(data.samples), await neighboursSection(data.neighbours), detailsSection(data)];
  const date = new Date(data.finishedAt);
  const policy = `default-src 'none'; script-src ${digest(script)}; style-src ${digest(style)}; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="SiamScope">
<title>${data.title}: SiamScope report</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>
  <p class="masthead"><span><b>SiamScope</b> ${data.method}</span><button type="button" id="theme" hidden>Dark</button></p>
  <h1>${first}</h1>
  ${second ? html`<p class="standfirst">${second}</p>` : null}
  <p class="byline"><b>${data.title}</b> on ${data.dataset}, ${data.outcome} after ${formatDuration(data.seconds)}${Number.isNaN(date.getTime()) ? '' : html`, <time datetime="${data.finishedAt}">${date.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>`}</p>
</header>
<main>
${data.notes.length > 0 ? html`<aside class="notes" aria-label="Notes">${data.notes.map((note) => html`<p>${note}</p>`)}</aside>` : null}
${sections}
</main>
<script type="application/json" id="page">${embedJson(page)}</script>
<script>${new Html(script)}</script>
</body>
</html>
`.text;
}
