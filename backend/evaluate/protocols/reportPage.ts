/** An evaluation as a page that needs nothing else: the share with its interval, what is taken for what, and pictures of the mistakes. */
import { loadSample } from '../../data/image.ts';
import { html, Html } from '../../report/html.ts';
import { photoUrl } from '../../report/images.ts';
import { paperStyle, policyFor } from '../../report/paperStyle.ts';
import { formatValue, whole } from '../../report/words.ts';
import type { ProtocolResult } from './frozen.ts';

const pageStyle = `${paperStyle}
figure { margin: 28px 0 0; }
.share { display: block; width: 100%; max-width: 720px; height: auto; }
.share .all { fill: var(--hairline); }
.share .right { fill: var(--mark); }
.share .interval { stroke: var(--ink); stroke-width: 2; }
.share .chance { stroke: var(--bad); stroke-width: 2; }
svg text { font: 12px var(--sans); fill: var(--quiet); }
.matrix { display: block; max-width: 100%; height: auto; }
.matrix .cell { stroke: var(--paper); stroke-width: 1; }
.matrix .empty { fill: var(--raised); }
.matrix .right { fill: var(--mark); }
.matrix .wrong { fill: var(--bad); }
.lead { color: var(--quiet); max-width: 54em; }
table { max-width: 640px; }
td:first-of-type, thead th:nth-child(2) { text-align: left; }
.matrix + .scroll, figure + .scroll { margin-top: 32px; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: 20px 16px; margin-top: 20px; }
.mistakes figure { margin: 0; }
.mistakes img { width: 100%; aspect-ratio: 1; display: block; border-radius: 3px; image-rendering: auto; }
.mistakes figcaption { font-size: 0.8125rem; margin-top: 6px; overflow-wrap: anywhere; }
.mistakes small { color: var(--quiet); display: block; }
`;

const names: Readonly<Record<string, string>> = { knn: 'nearest neighbours', 'few-shot': 'softmax regression on few labels', linear: 'a linear classifier', classify: 'the classifier as it is', finetune: 'the fine-tuned model', robustness: 'the classifier, before any corruption' };
/** With more classes the matrix is no longer read, only its largest cells. */
const mostDrawn = 60;
const picturesOfPair = 4, mostPictures = 24, pictureSize = 160;
const percent = (value: number): string => formatValue(value, 'share');

/** The share right on a line from 0 to 100 %, with its interval and chance. */
function shareDrawing({ value, low, high }: ProtocolResult['top1'], chance: number): Html {
  const x = (share: number): string => (720 * share).toFixed(1);
  return html`<svg class="share" viewBox="0 0 720 44" role="img" aria-label="${percent(value)} right, between ${percent(low)} and ${percent(high)}; chance is ${percent(chance)}"><rect class="all" y="8" width="720" height="12" rx="2"/><rect class="right" y="8" width="${x(value)}" height="12" rx="2"/><line class="interval" x1="${x(low)}" x2="${x(high)}" y1="14" y2="14"/><line class="chance" x1="${x(chance)}" x2="${x(chance)}" y1="3" y2="25"/><text x="${x(Math.min(chance, 0.9))}" y="40">chance ${percent(chance)}</text></svg>`;
}

/** Rows are the true classes, columns what they were taken for; a cell's strength is its share of the row. */
function matrixDrawing(confusion: readonly (readonly number[])[], classes: readonly string[]): Html {
  const cell = classes.length > 25 ? 14 : 26, count = classes.length;
  const left = 14 + 7 * Math.min(18, Math.max(...classes.map(({ length }) => length)));
  const label = (name: string): string => (name.length > 18 ? `${name.slice(0, 17)}…` : name);
  return html`<svg class="matrix" width="${left + cell * count + 8}" viewBox="0 0 ${left + cell * count + 8} ${left + cell * count}" role="img" aria-label="Confusion matrix of ${count} classes; the largest mistakes are in the table below">
${classes.map((name, i) => html`<text x="${left - 8}" y="${left + cell * (i + 0.5) + 4}" text-anchor="end">${label(name)}</text><text transform="translate(${left + cell * (i + 0.5) + 4} ${left - 8}) rotate(-90)">${label(name)}</text>`)}
${confusion.map((row, t) => {
    const total = row.reduce((a, b) => a + b, 0);
    return row.map((images, p) => html`<rect class="cell ${images === 0 ? 'empty' : t === p ? 'right' : 'wrong'}" x="${left + cell * p}" y="${left + cell * t}" width="${cell}" height="${cell}"${images === 0 ? null : new Html(` fill-opacity="${(0.15 + (0.85 * images) / total).toFixed(3)}"`)}><title>${classes[t]!} taken for ${classes[p]!}: ${images} of ${total}</title></rect>`);
  })}
</svg>`;
}

interface Mistake {
  url: string;
  file: string;
  truth: string;
  predicted: string;
}

/** Some images of each of the most frequent mistakes. */
async function mistakesOf({ mostConfused, predictions, tested: { dataset, images } }: ProtocolResult, classes: readonly string[]): Promise<Mistake[]> {
  const chosen = mostConfused.flatMap(({ truth, predicted }) => images.filter((image, i) => predictions[i] === classes.indexOf(predicted) && dataset.label(image) === classes.indexOf(truth)).slice(0, picturesOfPair).map((image) => ({ image, truth, predicted })));
  return Promise.all(chosen.slice(0, mostPictures).map(async ({ image, truth, predicted }) => ({ url: await photoUrl({ width: pictureSize, height: pictureSize, pixels: await loadSample(dataset, image, pictureSize) }), file: dataset.file(image), truth, predicted })));
}

const shown = (value: unknown): string => (Array.isArray(value) ? `${value.length} of them` : typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(4))) : typeof value === 'string' ? value : JSON.stringify(value));

/** What only one protocol has to show, with the style that it needs. */
export interface Section {
  style: string;
  body: Html;
}

/** `about`: what was measured, such as the checkpoint and its method. */
export async function evaluationPage(result: ProtocolResult, about: string, written: Date, section: Section | null = null): Promise<string> {
  const style = `${pageStyle}${section?.style ?? ''}`;
  const { top1, top5, counts, confusion, mostConfused, protocol, settings } = result;
  const { classes } = result.tested.dataset, chance = 1 / classes.length;
  const mistakes = await mistakesOf(result, classes);
  const totals = new Map(classes.map((name, i) => [name, confusion[i]!.reduce((a, b) => a + b, 0)]));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyFor(style)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="SiamScope">
<title>${about}: SiamScope evaluation</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>
<p class="masthead"><b>SiamScope</b> evaluation</p>
<h1>${percent(top1.value)} of ${whole(counts.test)} images are recognised by ${names[protocol] ?? protocol}${top1.low <= chance ? ', no better than chance' : ''}</h1>
<p class="byline">${about}. Between ${percent(top1.low)} and ${percent(top1.high)} (95 % interval); ${percent(top5.value)} among the first five. ${counts.train > 0 ? `${whole(counts.train)} training images of ` : ''}${whole(counts.classes)} classes${counts.skipped > 0 ? `; ${whole(counts.skipped)} could not be read` : ''}. <time datetime="${written.toISOString()}">${written.toISOString().slice(0, 16).replace('T', ' ')} UTC</time></p>
</header>
<main>
<figure>${shareDrawing(top1, chance)}</figure>
${section?.body ?? null}
<section><h2>What is taken for what</h2>
${classes.length > mostDrawn ? html`<p class="lead">${whole(classes.length)} classes are too many to draw: the whole matrix is in the output of --json.</p>` : html`<p class="lead">A row for each true class, a column for what its images were taken for.</p><figure>${matrixDrawing(confusion, classes)}</figure>`}
${mostConfused.length === 0 ? html`<p class="lead">No image was mistaken.</p>` : html`<div class="scroll" tabindex="0" role="group" aria-label="Most frequent mistakes"><table><thead><tr><th scope="col">Images of</th><th scope="col">taken for</th><th scope="col">images</th><th scope="col">of the class</th></tr></thead><tbody>
${mostConfused.map(({ truth, predicted, count }) => html`<tr><th scope="row">${truth}</th><td>${predicted}</td><td>${whole(count)}</td><td>${percent(count / totals.get(truth)!)}</td></tr>
`)}</tbody></table></div>`}</section>
${mistakes.length === 0 ? null : html`<section><h2>Mistakes</h2><p class="lead">Images of the most frequent ones.</p><div class="mistakes">
${mistakes.map(({ url, file, truth, predicted }) => html`<figure><img src="${url}" alt="${truth}" width="${pictureSize}" height="${pictureSize}"><figcaption>${truth}, taken for ${predicted}<small>${file}</small></figcaption></figure>
`)}</div></section>`}
<section><h2>How it was measured</h2><div class="scroll" tabindex="0" role="group" aria-label="Settings"><table><tbody>
${Object.entries(settings).filter(([, value]) => value !== null).map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${shown(value)}</td></tr>
`)}</tbody></table></div></section>
</main>
</body>
</html>
`.text;
}
