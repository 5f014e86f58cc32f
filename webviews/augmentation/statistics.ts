/** Statistics of the pipeline over the data set, from geometry alone: how much views share, how large and wide crops are, which patches are masked. */
import type { LabHistogram, LabStatistics } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { colour } from '../common/theme.ts';
import { cellOf, surface } from './canvas.ts';
import { heatColour, viewColour } from './colours.ts';
import { cellWords, hiddenWords, percent, type CellWords } from './words.ts';

export interface StatisticsActions {
  measure(samples: number): Promise<LabStatistics | null>;
  stop(): void;
}

const width = 260, height = 110, mapSide = 150;
const counts = [1000, 5000, 20_000];

export class Statistics {
  readonly element: HTMLDetailsElement;
  private readonly actions: StatisticsActions;
  private readonly samples = element('select', { 'aria-label': 'Samples to draw' }, ...counts.map((count) => element('option', { value: count }, `${count.toLocaleString('en')} samples`)));
  private readonly go: HTMLButtonElement;
  private readonly stop: HTMLButtonElement;
  private readonly progressBar = element('progress', { max: 1, value: 0, hidden: true, 'aria-label': 'Statistics' });
  private readonly said = element('p', { class: 'note', role: 'status' });
  private readonly figures = element('div', { class: 'figures' });
  private readonly table = element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Statistics in numbers' });
  private readonly details = element('details', { hidden: true }, element('summary', {}, 'Numbers'), this.table);
  private shown: LabStatistics | null = null;
  private working = false;
  /** What a view is divided into. */
  words: CellWords = cellWords.patch;

  constructor(actions: StatisticsActions) {
    this.actions = actions;
    this.samples.value = String(counts[1]);
    this.go = button('Measure', { class: 'primary' }, () => void this.measure());
    this.stop = button('Cancel', { hidden: true }, () => actions.stop());
    this.element = element('details', { class: 'section' }, element('summary', {}, 'Statistics over the data set'), element('div', { class: 'toolbar' }, this.samples, this.go, this.stop, this.progressBar, this.said), this.figures, this.details);
    this.element.addEventListener('toggle', () => {
      if (this.element.open && !this.shown && !this.working) void this.measure();
      else if (this.element.open) this.draw();
    });
  }

  progress(done: number, total: number): void {
    if (this.working && total > 0) this.progressBar.value = done / total;
  }

  /** The pipeline is another: what is shown is of before. */
  outdated(): void {
    if (this.shown && !this.working) setText(this.said, 'Of the pipeline as it was: measure again.');
    this.figures.classList.toggle('old', this.shown !== null);
  }

  private async measure(): Promise<void> {
    if (this.working) return;
    this.setWorking(true);
    try {
      const shown = await this.actions.measure(Number(this.samples.value));
      if (!shown) return setText(this.said, 'Cancelled.');
      this.shown = shown;
      this.figures.classList.remove('old');
      const { samples, imagesMeasured, unread, unreadReason } = shown;
      setText(this.said, `${samples.toLocaleString('en')} samples of ${imagesMeasured.toLocaleString('en')} images, drawn as for training; no image was decoded.${unread > 0 ? ` The size of ${unread} could not be read: ${unreadReason}` : ''}`);
      this.draw();
      performance.mark('lab-statistics');
    } finally {
      this.setWorking(false);
    }
  }

  private setWorking(working: boolean): void {
    this.working = working;
    this.progressBar.value = 0;
    this.progressBar.hidden = this.stop.hidden = !working;
    this.go.disabled = this.samples.disabled = working;
  }

  draw(): void {
    const { shown } = this;
    if (!shown || !this.element.open) return;
    const names = shown.views.map(({ name }) => name), first = names[0]!;
    const figures: HTMLElement[] = [];
    for (const { view, overlap, without, patchesInA, patchesInVisible } of shown.pairs) {
      const name = names[view]!;
      figures.push(element('div', { class: 'facts' }, ...[[percent(without), `of samples: ${first} and ${name} share nothing`], [percent(overlap.median), `of ${first} is in ${name}, in the median`], [percent(patchesInA), `of ${name}'s ${this.words.many} lie in ${first}`], [percent(patchesInVisible), `lie where ${first} is seen`]].map(([number, text]) => element('p', {}, element('b', {}, number!), ` ${text}`))));
      figures.push(histogramFigure(`Share of ${first} that is in ${name}`, overlap, viewColour(view), percent));
    }
    shown.views.forEach(({ name, scale, aspect, masked, hidden, grid }, view) => {
      figures.push(histogramFigure(`Area of ${name}`, scale, viewColour(view), percent), histogramFigure(`Width / height of ${name}`, aspect, viewColour(view), (value) => value.toFixed(2)));
      if (masked && hidden) figures.push(maskFigure(name, hiddenWords[hidden].past, masked, grid));
    });
    this.figures.replaceChildren(...figures);
    this.details.hidden = false;
    const rows: [string, LabHistogram, (value: number) => string][] = [...shown.pairs.map(({ view, overlap }): [string, LabHistogram, (value: number) => string] => [`Share of ${first} in ${names[view]}`, overlap, percent]), ...shown.views.flatMap(({ name, scale, aspect }): [string, LabHistogram, (value: number) => string][] => [[`Area of ${name}`, scale, percent], [`Width / height of ${name}`, aspect, (value) => value.toFixed(2)]])];
    this.table.replaceChildren(...rows.map(([title, histogram, text]) => element('table', { class: 'numbers' }, element('caption', {}, title), element('thead', {}, element('tr', {}, ...['From', 'To', 'Samples'].map((heading) => element('th', { scope: 'col' }, heading)))), element('tbody', {}, ...histogram.counts.flatMap((count, i) => (count === 0 ? [] : [element('tr', {}, element('td', {}, text(histogram.edges[i]!)), element('td', {}, text(histogram.edges[i + 1]!)), element('td', {}, String(count)))]))))),
      ...shown.views.flatMap(({ name, masked, hidden, grid }) => (masked && hidden ? [element('table', { class: 'numbers' }, element('caption', {}, `How often each patch of ${name} is ${hiddenWords[hidden].past}`), element('tbody', {}, ...Array.from({ length: grid }, (_, row) => element('tr', {}, ...masked.slice(row * grid, (row + 1) * grid).map((share) => element('td', {}, percent(share)))))))] : [])));
  }
}

function histogramFigure(title: string, { edges, counts: columns, mean, median }: LabHistogram, of: string, text: (value: number) => string): HTMLElement {
  const canvas = element('canvas', { role: 'img', 'aria-label': `${title}: from ${text(edges[0]!)} to ${text(edges.at(-1)!)}, median ${text(median)}, mean ${text(mean)}` });
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = surface(canvas, width, height);
  const most = Math.max(...columns), step = width / columns.length, floor = height - 18;
  columns.forEach((count, i) => {
    context.fillStyle = colour(of);
    const bar = (count / most) * (floor - 4);
    context.fillRect(i * step + 0.5, floor - bar, step - 1, bar);
  });
  context.fillStyle = colour('quiet-line') || '#888';
  context.fillRect(0, floor, width, 1);
  const bin = columns.findIndex((_, i) => median < edges[i + 1]!), at = bin < 0 ? columns.length - 1 : bin;
  const within = (median - edges[at]!) / (edges[at + 1]! - edges[at]!);
  const x = (at + Math.min(1, Math.max(0, within))) * step;
  context.fillStyle = colour('vscode-foreground');
  context.fillRect(x - 0.75, 0, 1.5, floor);
  context.font = `11px ${colour('vscode-font-family') || 'sans-serif'}`;
  context.textBaseline = 'bottom';
  context.fillText(text(edges[0]!), 0, height);
  context.textAlign = 'right';
  context.fillText(text(edges.at(-1)!), width, height);
  context.textAlign = 'center';
  context.fillText(`median ${text(median)}`, Math.min(width - 80, Math.max(80, x)), height);
  return element('figure', {}, element('figcaption', {}, title), canvas);
}

function maskFigure(name: string, past: string, masked: readonly number[], grid: number): HTMLElement {
  const low = Math.min(...masked), high = Math.max(...masked);
  const canvas = element('canvas', { role: 'img', 'aria-label': `How often each patch of ${name} is ${past}: from ${percent(low)} to ${percent(high)}` });
  canvas.style.width = canvas.style.height = `${mapSide}px`;
  const context = surface(canvas, mapSide, mapSide);
  masked.forEach((share, patch) => {
    context.fillStyle = heatColour(high > low ? (share - low) / (high - low) : 0.5, 1);
    context.fillRect(...cellOf(patch, grid, mapSide));
  });
  return element('figure', {}, element('figcaption', {}, `How often each patch of ${name} is ${past}`), canvas, element('p', { class: 'note' }, `dark ${percent(low)}, bright ${percent(high)}`));
}
