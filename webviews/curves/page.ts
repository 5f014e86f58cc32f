/** The page around the charts: runs at a glance, what to show and how, and what to do when there is nothing. */
import type { CurveMetric, CurveRun, XAxis } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { positionText } from './chart.ts';
import { RunsTable } from './runsTable.ts';
import { axes, chosenMetrics, smoothingOf, type ViewState } from './view.ts';

export interface PageActions {
  axis(axis: XAxis): void;
  smoothing(weight: number): void;
  metrics(names: string[]): void;
  reset(): void;
  toggleRun(run: CurveRun, shown: boolean): void;
  add(): void;
}

const axisNames: Record<XAxis, string> = { step: 'steps', epoch: 'epochs', time: 'time', images: 'images seen' };
/** The slider is finer where smoothing is strong: 0.9 and 0.99 are as far apart as 0 and 0.9. */
const weightOf = (place: number): number => (place === 0 ? 0 : 1 - 10 ** (-place / 33.4));
const placeOf = (weight: number): number => Math.round(-33.4 * Math.log10(1 - weight));

export class Page {
  readonly charts = element('div', { class: 'charts' });
  private readonly actions: PageActions;
  private readonly runs: RunsTable;
  private readonly toolbar: HTMLElement;
  private readonly empty: HTMLElement;
  private readonly emptyTitle = element('h2');
  private readonly emptyText = element('p');
  private readonly axis: HTMLSelectElement;
  private readonly slider: HTMLInputElement;
  private readonly weight = element('output', { class: 'weight' });
  private readonly chooser = element('div', { class: 'chooser', id: 'chooser', hidden: true });
  private readonly chooserButton: HTMLButtonElement;
  private readonly filter = element('input', { type: 'search', placeholder: 'Filter metrics', 'aria-label': 'Filter metrics' });
  private readonly choices = element('div', { class: 'choices', role: 'group', 'aria-label': 'Metrics' });
  private readonly resetButton: HTMLButtonElement;
  private readonly position = element('span', { class: 'position' });
  private readonly status = element('p', { class: 'status', role: 'status' });
  private readonly alert = element('p', { class: 'trouble', role: 'alert', hidden: true });
  private readonly note = element('p', { class: 'note', hidden: true });
  private known: CurveMetric[] = [];
  private shown: string[] = [];

  constructor(actions: PageActions) {
    this.actions = actions;
    this.runs = new RunsTable((run, shown) => actions.toggleRun(run, shown));
    this.axis = element('select', { id: 'axis' }, ...axes.map((axis) => element('option', { value: axis }, axisNames[axis])));
    this.axis.addEventListener('change', () => actions.axis(axes.find((axis) => axis === this.axis.value) ?? 'step'));
    this.slider = element('input', { type: 'range', id: 'smoothing', min: 0, max: 100, step: 1, value: 0 });
    this.slider.addEventListener('input', () => actions.smoothing(Math.round(1000 * weightOf(Number(this.slider.value))) / 1000));
    this.chooserButton = button('Metrics', { 'aria-expanded': 'false', 'aria-controls': 'chooser' }, () => this.open(this.chooser.hasAttribute('hidden')));
    this.filter.addEventListener('input', () => this.choose());
    this.chooser.append(element('div', { class: 'row' }, this.filter, button('All', { class: 'quiet' }, () => actions.metrics(this.matching().map(({ name }) => name))), button('None', { class: 'quiet' }, () => actions.metrics([]))), this.choices);
    this.chooser.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      this.open(false);
      this.chooserButton.focus();
    });
    this.resetButton = button('Show all', { hidden: true, title: 'Escape, 0 or a double click on a chart' }, () => actions.reset());
    const hint = element('span', { class: 'hint', tabindex: 0, role: 'note', title: 'Drag: zoom. Shift and drag, or Shift and wheel: pan. Ctrl and wheel, or + and −: zoom. Arrows: move the cursor. M: next mark. L: log axis. P: pin. Escape: show all.' }, 'keys and mouse', element('span', { class: 'hidden-text' }, ': drag to zoom, Shift and drag or Shift and wheel to pan, Control and wheel or plus and minus to zoom, arrows to move the cursor, M for the next mark, L for a logarithmic axis, P to pin, Escape to show all'));
    this.toolbar = element('div', { class: 'toolbar', role: 'group', 'aria-label': 'What is shown' },
      element('label', { for: 'axis' }, 'Over'), this.axis, element('label', { for: 'smoothing' }, 'Smoothing'), this.slider, this.weight, this.chooserButton, button('Add runs…', {}, () => actions.add()), this.resetButton, this.position, hint);
    this.empty = element('div', { class: 'empty', hidden: true }, this.emptyTitle, this.emptyText, button('Watch a folder…', { class: 'primary' }, () => actions.add()));
    document.querySelector('#view')!.append(element('h1', { class: 'hidden-text' }, 'Curves'), this.alert, this.runs.element, this.toolbar, this.chooser, this.note, this.empty, element('h2', { class: 'hidden-text' }, 'Charts'), this.charts, this.status);
  }

  show(runs: readonly CurveRun[], metrics: CurveMetric[], view: ViewState): void {
    this.known = metrics;
    this.shown = chosenMetrics(view, metrics, runs).map(({ name }) => name);
    this.runs.show(runs, metrics, view.hidden);
    this.runs.element.hidden = runs.length === 0;
    for (const option of this.axis.options) option.disabled = option.value !== view.axis && runs.length > 0 && !runs.some((run) => run.axes.some((axis) => axis === option.value));
    this.axis.value = view.axis;
    const smoothing = smoothingOf(view, runs);
    if (document.activeElement !== this.slider) this.slider.value = String(placeOf(smoothing));
    this.slider.setAttribute('aria-valuetext', smoothing === 0 ? 'none' : String(smoothing));
    setText(this.weight, smoothing === 0 ? 'none' : String(smoothing));
    setText(this.chooserButton, `Metrics: ${this.shown.length} of ${metrics.length}`);
    this.zoomed(view.range !== null);
    this.toolbar.hidden = metrics.length === 0;
    this.choose();
    this.explainEmptiness(runs, metrics, view);
  }

  zoomed(zoomed: boolean): void {
    this.resetButton.hidden = !zoomed;
  }

  cursor(x: number | null, axis: XAxis): void {
    setText(this.position, x === null ? '' : `${axis} ${positionText(axis, x)}`);
  }

  say(text: string): void {
    setText(this.status, text);
    this.status.classList.add('fresh');
    setTimeout(() => this.status.classList.remove('fresh'), 4000);
  }

  trouble(text: string | null): void {
    this.alert.hidden = text === null;
    setText(this.alert, text ?? '');
  }

  /** Runs that the axis leaves out. */
  without(runs: readonly CurveRun[], axis: XAxis): void {
    this.note.hidden = runs.length === 0;
    setText(this.note, `Not drawn over ${axisNames[axis]}, of which their files say nothing: ${runs.map(({ name }) => name).join(', ')}`);
  }

  private explainEmptiness(runs: readonly CurveRun[], metrics: readonly CurveMetric[], view: ViewState): void {
    const [title, text] = runs.length === 0
      ? ['No curves yet', 'Start a run from its *.siam.json file, or watch what another tool writes: a folder of TensorBoard events, or a metrics.jsonl. Nothing is changed there.']
      : metrics.length === 0 ? [runs.some(({ read }) => read < 1) ? 'Reading…' : 'Waiting for the first step', runs.flatMap(({ name, reason }) => (reason === null ? [] : [`${name}: ${reason}`])).join('\n') || 'The curves begin by themselves as soon as there are numbers.']
      : this.shown.length === 0 ? ['No metric is chosen', 'Choose some under "Metrics".']
      : runs.every(({ place }) => view.hidden.includes(place)) ? ['All runs are hidden', 'Tick one in the table above.'] : [null, ''];
    this.empty.hidden = title === null;
    this.empty.querySelector('button')!.hidden = runs.length > 0;
    this.charts.hidden = title !== null;
    setText(this.emptyTitle, title ?? '');
    setText(this.emptyText, text);
  }

  private open(open: boolean): void {
    this.chooser.hidden = !open;
    this.chooserButton.setAttribute('aria-expanded', String(open));
    if (!open) return;
    this.choose();
    this.filter.focus();
  }

  private matching(): CurveMetric[] {
    const wanted = this.filter.value.trim().toLowerCase();
    return this.known.filter(({ name }) => name.toLowerCase().includes(wanted));
  }

  /** Fills the list of metrics; what has the focus keeps it. */
  private choose(): void {
    if (this.chooser.hidden) return;
    const matching = this.matching();
    const same = matching.length === this.choices.children.length && matching.every(({ name }, i) => (this.choices.children[i] as HTMLElement).title === name);
    if (!same)
      this.choices.replaceChildren(...matching.map(({ name }) => {
        const check = element('input', { type: 'checkbox' });
        check.addEventListener('change', () => this.actions.metrics(check.checked ? [...this.shown, name] : this.shown.filter((other) => other !== name)));
        return element('label', { title: name }, check, element('span', {}, name));
      }));
    for (const choice of this.choices.children) choice.querySelector('input')!.checked = this.shown.includes((choice as HTMLElement).title);
  }
}
