/** One tensor: its numbers, how its values are distributed, and the first of them. */
import type { TensorDetail, ValueHistogram } from '../../backend/protocol.ts';
import { button, element } from '../common/dom.ts';
import { colour } from '../common/theme.ts';
import { bytesText, percent, rough, short, whole } from './numbers.ts';

export class Detail {
  readonly element = element('section', { class: 'detail', 'aria-label': 'The chosen tensor' });
  private shown: TensorDetail | null = null;
  private canvas: HTMLCanvasElement | null = null;
  private logCounts: boolean;
  private readonly onLog: (logCounts: boolean) => void;
  private readonly onStop: () => void;
  private bar: HTMLProgressElement | null = null;

  constructor(logCounts: boolean, onLog: (logCounts: boolean) => void, onStop: () => void) {
    this.logCounts = logCounts;
    this.onLog = onLog;
    this.onStop = onStop;
    this.say('Choose a tensor to see how its values are distributed. Only its own bytes are read.');
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  say(text: string): void {
    this.shown = null;
    this.canvas = null;
    this.bar = null;
    this.element.replaceChildren(element('p', { class: 'quiet' }, text));
  }

  /** Reading takes long: how far it is, from 0 to 1. */
  progress(share: number): void {
    if (this.shown) return;
    if (!this.bar) {
      this.bar = element('progress', { max: 1, 'aria-label': 'Values read' });
      this.element.append(element('div', { class: 'doing' }, this.bar, button('Stop', {}, () => this.onStop())));
    }
    this.bar.value = Math.min(1, share);
  }

  show(detail: TensorDetail): void {
    this.shown = detail;
    const { name, part, dtype, shape, values, bytes, statistics: s, histogram, first } = detail;
    const share = (count: number): string => (count > 0 ? `${whole(count)} (${percent(count / s.count)})` : '0');
    const rows: (readonly [string, string, boolean])[] = [
      ['NaN', share(s.nan), s.nan > 0], ['Infinite', share(s.positiveInfinite + s.negativeInfinite), s.positiveInfinite + s.negativeInfinite > 0], ['Zero', share(s.zeros), false],
      ['Lowest', short(s.min), false], ['Highest', short(s.max), false], ['Mean', short(s.mean), false], ['Deviation', short(s.deviation), false], ['Norm', short(s.norm), false],
    ];
    const children: HTMLElement[] = [
      element('h3', {}, name), element('p', { class: 'quiet' }, `${part} · ${shape} · ${dtype} · ${rough(values)} values · ${bytesText(bytes)}`),
      element('table', { class: 'numbers' }, element('tbody', {}, ...rows.map(([key, value, bad]) => element('tr', {}, element('th', { scope: 'row' }, key), element('td', { class: bad ? 'bad' : '' }, value))))),
    ];
    this.canvas = null;
    if (histogram) {
      this.canvas = element('canvas', { role: 'img', 'aria-label': `Histogram of ${whole(values)} values from ${short(histogram.low)} to ${short(histogram.high)}; a table follows` });
      const toggle = button('Logarithmic', { class: 'quiet', 'aria-pressed': String(this.logCounts) }, () => {
        this.logCounts = !this.logCounts;
        toggle.setAttribute('aria-pressed', String(this.logCounts));
        this.onLog(this.logCounts);
        this.draw();
      });
      children.push(element('div', { class: 'above' }, element('h4', {}, 'Values'), toggle), element('figure', {}, this.canvas, element('figcaption', { 'aria-hidden': 'true' }, element('span', {}, short(histogram.low)), element('span', {}, short(histogram.high)))), tableOf(histogram));
    } else children.push(element('p', { class: 'quiet' }, s.count === 0 ? 'It has no values.' : s.count - s.nan - s.positiveInfinite - s.negativeInfinite === 0 ? 'No value is finite.' : 'All finite values are the same.'));
    if (first.length > 0) children.push(element('h4', {}, 'First values'), element('p', { class: 'first' }, first.join('  ') + (values > first.length ? ' …' : '')));
    this.element.replaceChildren(...children);
    this.draw();
    performance.mark('detail-shown');
  }

  draw(): void {
    const { canvas, shown } = this;
    if (!canvas || !shown?.histogram) return;
    const { counts } = shown.histogram;
    const scale = devicePixelRatio, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext('2d')!;
    context.scale(scale, scale);
    const size = (count: number): number => (this.logCounts ? Math.log10(1 + count) : count);
    const most = Math.max(...counts.map(size));
    context.fillStyle = colour('bars');
    counts.forEach((count, bin) => {
      if (count === 0) return;
      const left = Math.round((bin * width) / counts.length), right = Math.round(((bin + 1) * width) / counts.length);
      // What is there is never invisible.
      const tall = Math.max(1, (size(count) / most) * (height - 2));
      context.fillRect(left, height - 1 - tall, Math.max(1, right - left - 1), tall);
    });
    const { low, high } = shown.histogram;
    context.fillStyle = colour('quiet');
    context.fillRect(0, height - 1, width, 1);
    if (low < 0 && high > 0) context.fillRect(Math.round((-low / (high - low)) * width), 0, 1, height);
  }
}

function tableOf({ low, high, counts }: ValueHistogram): HTMLElement {
  const edge = (bin: number): number => low + ((high - low) * bin) / counts.length;
  const rows = counts.map((count, bin) => element('tr', {}, element('th', { scope: 'row' }, `${short(edge(bin))} to ${short(edge(bin + 1))}`), element('td', { class: 'number' }, whole(count))));
  const all = element('div', { class: 'bins', tabindex: 0, role: 'region', 'aria-label': 'Histogram as a table' }, element('table', { class: 'numbers' }, element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'From, to'), element('th', { scope: 'col' }, 'Values'))), element('tbody', {}, ...rows)));
  return element('details', {}, element('summary', {}, 'As a table'), all);
}
