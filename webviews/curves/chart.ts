/** One metric's chart: uPlot's axes, grid and cursor, with the lines of all runs drawn over each other from what the host sent. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { CurveMark, CurveMetric, CurveRun, XAxis } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { onKeys } from '../common/keyboard.ts';
import { colour } from '../common/theme.ts';
import { drawRuns } from './drawing.ts';
import { valueRange, type Frame, type Trace } from './geometry.ts';
import { duration, short, whole } from '../common/numbers.ts';
import { Legend } from './legend.ts';
import { lookOfRun } from './palette.ts';
import { fillMarks, fillTable, markText } from './tables.ts';
import type { Range } from './view.ts';

/** What the user does with a chart. */
export interface ChartActions {
  zoom(range: Range | null): void;
  /** Moves the view by a share of its width. */
  pan(share: number): void;
  /** Narrows (below 1) or widens the view around a position. */
  scale(factor: number, around: number): void;
  point(x: number | null): void;
  toggleLog(name: string): void;
  togglePin(name: string): void;
  save(metric: CurveMetric, format: 'png' | 'svg' | 'csv'): void;
}

export interface ChartLook {
  axis: XAxis;
  log: boolean;
  pinned: boolean;
  smoothing: number;
}

export interface PlacedMark {
  run: CurveRun;
  x: number;
  mark: CurveMark;
}

const plotHeight = 190, pinnedHeight = 300;
/** Distances between ticks where there is nothing between whole numbers. */
const wholeIncrements = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
/** A mark is pointed at within this. */
const nearPixels = 7;
const axisTitle: Record<XAxis, string> = { step: 'step', epoch: 'epoch', time: 'time', images: 'images' };

/** One digit times a power of ten: what a logarithmic axis is labelled with. */
const isRound = (value: number): boolean => Number(value.toPrecision(1)) === Number(value.toPrecision(6));

export const positionText = (axis: XAxis, x: number): string => (axis === 'time' ? duration(x) : axis === 'step' || axis === 'images' ? whole(Math.round(x)) : short(x));

export class Chart {
  readonly element: HTMLElement;
  readonly metric: CurveMetric;
  traces: Trace[] = [];
  runs: CurveRun[] = [];
  look: ChartLook = { axis: 'step', log: false, pinned: false, smoothing: 0 };
  /** Labels of the axes as they were last drawn, for pictures. */
  ticks: { x: [number, string][]; y: [number, string][] } = { x: [], y: [] };
  private readonly actions: ChartActions;
  private plot: uPlot | null = null;
  private range: Range = { min: 0, max: 1 };
  private cursor: number | null = null;
  private reduced = false;
  private readonly holder = element('div', { class: 'plot', tabindex: 0, role: 'group', 'aria-roledescription': 'chart' });
  private readonly legend = new Legend();
  private readonly count = element('span', { class: 'count' });
  private readonly tip = element('div', { class: 'tip', role: 'tooltip', hidden: true });
  private readonly told = element('ul', { class: 'told' });
  private readonly table = element('table', { class: 'numbers' });
  private readonly logButton: HTMLButtonElement;
  private readonly pinButton: HTMLButtonElement;

  constructor(metric: CurveMetric, actions: ChartActions) {
    this.metric = metric;
    this.actions = actions;
    this.logButton = button('log', { class: 'quiet', 'aria-pressed': 'false', title: 'Logarithmic axis', 'aria-label': `log axis of ${metric.name}` }, () => actions.toggleLog(metric.name));
    this.pinButton = button('pin', { class: 'quiet', 'aria-pressed': 'false', title: 'Pin: first, and wide', 'aria-label': `pin ${metric.name}` }, () => actions.togglePin(metric.name));
    const save = element('select', { 'aria-label': `save ${metric.name} as a file`, title: 'Save as a file', class: 'save' }, element('option', { value: '' }, 'save'), ...(['png', 'svg', 'csv'] as const).map((format) => element('option', { value: format }, format === 'csv' ? 'CSV, every point' : format.toUpperCase())));
    save.addEventListener('change', () => {
      const format = save.value;
      save.value = '';
      if (format === 'png' || format === 'svg' || format === 'csv') actions.save(metric, format);
    });
    const title = element('h3', { title: metric.name }, metric.name);
    const details = element('details', {}, element('summary', {}, 'Numbers', element('span', { class: 'hidden-text' }, ` of ${metric.name}`)), element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Numbers of ${metric.name}` }, this.table, this.told));
    this.element = element('section', { class: 'chart', 'aria-label': metric.name }, element('header', {}, title, this.count, element('span', { class: 'tools' }, this.logButton, this.pinButton, save)), this.holder, this.tip, this.legend.element, details);
    this.holder.setAttribute('aria-label', `${metric.name}: chart. Arrow keys move the cursor, plus and minus zoom, Shift with arrows pans, Escape shows all; its numbers are in the table below`);
    this.listen();
  }

  /** Width of the plot in device pixels. */
  get columns(): number {
    return Math.max(50, Math.round(((this.plot?.bbox.width ?? 0) || (this.holder.clientWidth - 70) * devicePixelRatio)));
  }

  get background(): string {
    return colour('vscode-editor-background') || '#fff';
  }

  /** Shows the traces with the look, over the range. */
  show(traces: Trace[], runs: CurveRun[], look: ChartLook, range: Range): void {
    const rebuild = !this.plot || look.log !== this.look.log || look.pinned !== this.look.pinned || look.axis !== this.look.axis;
    this.traces = traces;
    this.runs = runs;
    this.look = look;
    this.range = range;
    this.logButton.setAttribute('aria-pressed', String(look.log));
    this.pinButton.setAttribute('aria-pressed', String(look.pinned));
    this.element.classList.toggle('pinned', look.pinned);
    if (rebuild) this.build();
    else this.move(range);
    const shown = traces.reduce((sum, trace) => sum + trace.shown, 0), all = traces.reduce((sum, trace) => sum + trace.summary.points, 0);
    this.reduced = traces.some((trace) => trace.points < trace.shown);
    setText(this.count, `${whole(shown)} of ${whole(all)} points`);
    this.count.title = this.reduced ? 'Every point counts: each column of pixels shows the lowest and the highest of its points' : 'Every point is drawn';
    this.list();
    fillTable(this.table, traces, runs);
    fillMarks(this.told, this.marks());
  }

  /** Draws another stretch of what is there. */
  move(range: Range): void {
    this.range = range;
    const { plot } = this;
    if (!plot) return;
    // The plot would keep the values' range where only the other one is set.
    const [min, max] = valueRange(this.traces, range, this.look.log);
    plot.batch(() => {
      plot.setScale('x', range);
      plot.setScale('y', { min, max });
    });
  }

  /** Builds the plot anew: other colours, another size or kind of axis. */
  build(): void {
    this.plot?.destroy();
    const quiet = colour('quiet') || '#888', grid = colour('grid');
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis: uPlot.Axis = { stroke: quiet, font, ticks: { show: false }, grid: { stroke: grid, width: 1 } };
    const { log } = this.look;
    const labels = (ticks: (number | null)[], text: (value: number) => string): [(string | null)[], [number, string][]] => {
      const made = ticks.map((value) => (value === null ? null : text(value)));
      return [made, ticks.flatMap((value, i): [number, string][] => (value === null ? [] : [[value, made[i]!]]))];
    };
    this.plot = new uPlot({
      width: Math.max(120, this.holder.clientWidth), height: this.look.pinned ? pinnedHeight : plotHeight,
      legend: { show: false }, padding: [10, 18, 0, 0],
      cursor: {
        y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: { mousedown: (_self, _target, handler) => (event) => (event.button === 0 && !event.shiftKey ? handler(event) : null), dblclick: () => () => { this.actions.zoom(null); return null; } },
      },
      scales: {
        x: { time: false, auto: false, range: (_self, min, max) => [min, max] },
        y: { ...(log ? { distr: 3 as const } : {}), auto: false, range: (_self, min, max) => [min, max] },
      },
      axes: [
        { ...axis, size: 26, space: 64, ...(this.look.axis === 'step' || this.look.axis === 'images' ? { incrs: wholeIncrements } : {}), values: (_self, ticks) => { const [made, kept] = labels(ticks, (value) => positionText(this.look.axis, value)); this.ticks.x = kept; return made; } },
        { ...axis, size: 56, space: 30, values: (_self, ticks) => { const [made, kept] = labels(ticks, (value) => (log && !isRound(value) ? '' : short(value))); this.ticks.y = kept; return made; } },
      ],
      series: [{}, { scale: 'y', paths: () => null, points: { show: false } }],
      hooks: {
        drawSeries: [() => this.draw()],
        setSelect: [(self) => {
          const { left, width } = self.select;
          if (width < 2) return;
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          this.actions.zoom({ min: self.posToVal(left, 'x'), max: self.posToVal(left + width, 'x') });
        }],
        setCursor: [(self) => {
          const { left } = self.cursor;
          if (self.cursor.event) this.actions.point(left === undefined || left === null || left < 0 ? null : self.posToVal(left, 'x'));
        }],
      },
    }, [[this.range.min, this.range.max], [0, 0]], this.holder);
    this.move(this.range);
  }

  resize(): void {
    const width = Math.max(120, this.holder.clientWidth);
    if (this.plot && this.plot.width !== width) this.plot.setSize({ width, height: this.plot.height });
  }

  /** The shared cursor is at x; null: nowhere. */
  pointAt(x: number | null, mouse = true): void {
    this.cursor = x;
    const { plot } = this;
    if (!plot) return;
    const left = x === null ? -10 : plot.valToPos(x, 'x');
    if (plot.cursor.left !== left) plot.setCursor({ left, top: 10 }, false);
    this.list();
    this.showTip(x, mouse);
  }

  destroy(): void {
    this.plot?.destroy();
    this.plot = null;
    this.element.remove();
  }

  /** The frame in device pixels of a canvas, or in others for a picture. */
  frame(scale = 1): Frame {
    const { bbox } = this.plot!;
    const { x, y } = this.plot!.scales;
    return { left: bbox.left * scale, top: bbox.top * scale, width: bbox.width * scale, height: bbox.height * scale, x: { min: x!.min ?? 0, max: x!.max ?? 1 }, y: { min: y!.min ?? 0, max: y!.max ?? 1, log: this.look.log } };
  }

  get canvas(): HTMLCanvasElement {
    return this.plot!.ctx.canvas;
  }

  runOf(trace: Trace): CurveRun | undefined {
    return this.runs.find(({ id }) => id === trace.run);
  }

  /** Marks of the runs that belong on this metric, where they lie. */
  marks(): PlacedMark[] {
    return this.traces.flatMap((trace) => {
      const run = this.runOf(trace);
      return (run?.marks ?? []).flatMap((mark, i) => {
        const x = trace.marks[i];
        return x === undefined || Number.isNaN(x) || (mark.metrics && !mark.metrics.includes(this.metric.id)) ? [] : [{ run: run!, x, mark }];
      });
    });
  }

  private draw(): void {
    drawRuns(this.plot!.ctx, this.frame(), this.traces, (trace) => lookOfRun(this.runOf(trace)), this.marks());
  }

  private list(): void {
    this.legend.show(this.traces, (trace) => this.runOf(trace), this.cursor, (this.range.max - this.range.min) / this.columns);
  }

  /** What the mark under the cursor means. */
  private showTip(x: number | null, mouse: boolean): void {
    const { plot, tip } = this;
    const lines: string[] = [];
    if (plot && x !== null) {
      const near = (position: number): boolean => Math.abs(plot.valToPos(position, 'x') - plot.valToPos(x, 'x')) <= nearPixels;
      for (const { run, x: at, mark } of this.marks()) if (near(at)) lines.push(`${run.name}, step ${whole(mark.step)}: ${markText(mark)}`);
      for (const trace of this.traces) {
        const at = trace.nonFiniteX.findIndex((position) => near(position));
        if (at >= 0) lines.push(`${this.runOf(trace)?.name ?? ''}, ${axisTitle[this.look.axis]} ${positionText(this.look.axis, trace.nonFiniteX[at]!)}: ${short([-Infinity, NaN, Infinity][trace.nonFiniteKind[at]! + 1]!)} was logged, which is no number to draw.`);
      }
    }
    tip.hidden = lines.length === 0 || (mouse && !this.holder.matches(':hover') && document.activeElement !== this.holder);
    if (tip.hidden) return;
    tip.replaceChildren(...lines.slice(0, 4).map((line) => element('p', {}, line)));
    const left = plot!.valToPos(x!, 'x') + plot!.bbox.left / devicePixelRatio;
    // Beside the cursor, on the side that has room: never over the point that it is about.
    const fits = left + 12 + tip.offsetWidth <= this.element.clientWidth - 4;
    tip.style.left = `${Math.max(4, fits ? left + 12 : left - 12 - tip.offsetWidth)}px`;
  }

  private listen(): void {
    const { actions, holder } = this;
    const middle = (): number => this.cursor ?? (this.range.min + this.range.max) / 2;
    const step = (share: number) => (): void => {
      const next = (this.cursor ?? middle()) + share * (this.range.max - this.range.min);
      actions.point(Math.max(this.range.min, Math.min(this.range.max, next)));
    };
    const toMark = (direction: number) => (): void => {
      const positions = [...this.marks().map(({ x }) => x), ...this.traces.flatMap(({ nonFiniteX }) => Array.from(nonFiniteX))].sort((a, b) => a - b);
      const from = this.cursor ?? (direction > 0 ? -Infinity : Infinity);
      const next = direction > 0 ? positions.find((x) => x > from) : positions.findLast((x) => x < from);
      if (next !== undefined) actions.point(next);
    };
    onKeys(holder, {
      ArrowRight: step(0.01), ArrowLeft: step(-0.01), PageUp: step(-0.1), PageDown: step(0.1), Home: step(-1), End: step(1),
      'Shift+ArrowRight': () => actions.pan(0.2), 'Shift+ArrowLeft': () => actions.pan(-0.2),
      '+': () => actions.scale(0.5, middle()), '=': () => actions.scale(0.5, middle()), '-': () => actions.scale(2, middle()),
      '0': () => actions.zoom(null), Escape: () => (this.cursor === null ? actions.zoom(null) : (actions.point(null), actions.zoom(null))),
      m: toMark(1), M: toMark(-1), l: () => actions.toggleLog(this.metric.name), p: () => actions.togglePin(this.metric.name),
    });
    holder.addEventListener('focus', () => this.legend.tellsChanges(true));
    holder.addEventListener('blur', () => this.legend.tellsChanges(false));
    holder.addEventListener('wheel', (event) => {
      if (!this.plot) return;
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
      if (event.ctrlKey || event.metaKey) {
        const box = this.plot.over.getBoundingClientRect();
        actions.scale(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.008), this.plot.posToVal(event.clientX - box.left, 'x'));
      } else if (sideways !== 0) actions.pan(sideways / (2 * holder.clientWidth));
      else return;
      event.preventDefault();
    }, { passive: false });
    holder.addEventListener('pointerdown', (event) => {
      if (!this.plot || !((event.button === 0 && event.shiftKey) || event.button === 1)) return;
      event.preventDefault();
      holder.setPointerCapture(event.pointerId);
      let last = event.clientX;
      const drag = (move: PointerEvent): void => {
        actions.pan((last - move.clientX) / this.plot!.over.clientWidth);
        last = move.clientX;
      };
      holder.addEventListener('pointermove', drag);
      holder.addEventListener('lostpointercapture', () => holder.removeEventListener('pointermove', drag), { once: true });
    });
  }
}
