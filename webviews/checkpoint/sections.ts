/** What is unfolded when it is wanted: pictures, the comparison, what is written beside the tensors. */
import type { CheckpointDifference, CheckpointEntryText, CheckpointSummary } from '../../backend/protocol.ts';
import { button, element } from '../common/dom.ts';
import { differenceView } from './difference.ts';
import { pictureView, type Ask } from './pictures.ts';
import { progressOf, type Going } from './summary.ts';

export interface SectionActions {
  ask: Ask;
  /** A section was unfolded, or folded. */
  toggle(name: string, open: boolean): void;
  compare(sibling: number | null): void;
  stop(): void;
  showTensor(tensor: number): void;
}

export class Sections {
  readonly element = element('div', { class: 'sections' });
  private readonly actions: SectionActions;
  private readonly comparing = element('div', { class: 'doing' });
  private readonly difference = element('div');
  private readonly other = element('select', { 'aria-label': 'Compare with' });
  private open: ReadonlySet<string> = new Set();

  constructor(actions: SectionActions) {
    this.actions = actions;
  }

  /** Another file. */
  show({ pictures, metadata, run, siblings }: CheckpointSummary, open: readonly string[]): void {
    this.open = new Set(open);
    const made: HTMLElement[] = [];
    for (const picture of pictures) made.push(this.section(picture.title, () => pictureView(picture, this.actions.ask)));
    this.other.replaceChildren(...siblings.map(({ id, title }) => element('option', { value: id }, title)));
    this.difference.replaceChildren();
    made.push(this.section('Compare with another checkpoint', () => element('div', {}, this.comparing, this.difference)));
    if (run && run.config.length > 0) made.push(this.section(`Configuration of ${run.name}`, () => entries(run.config)));
    if (metadata.length > 0) made.push(this.section('Besides tensors', () => entries(metadata)));
    this.element.replaceChildren(...made);
    this.present(null);
  }

  /** Shows what is going on. */
  present(going: Going | null): void {
    if (going?.what === 'compare') this.comparing.replaceChildren(progressOf(going, 'Values compared'), button('Stop', {}, () => this.actions.stop()));
    else this.comparing.replaceChildren(...(this.other.options.length > 0 ? [this.other, button('Compare', { disabled: going !== null }, () => this.actions.compare(Number(this.other.value)))] : []), button('Another file…', { disabled: going !== null }, () => this.actions.compare(null)));
  }

  showDifference(difference: CheckpointDifference): void {
    this.difference.replaceChildren(differenceView(difference, this.actions.showTensor.bind(this.actions)));
    performance.mark('difference-shown');
  }

  /** What is inside is made when it is first unfolded. */
  private section(title: string, make: () => HTMLElement): HTMLElement {
    const made = element('details', { class: 'section' }, element('summary', {}, element('h2', {}, title)));
    let filled = false;
    const fill = (): void => {
      if (!filled) made.append(make());
      filled = true;
    };
    if (this.open.has(title)) {
      made.open = true;
      fill();
    }
    made.addEventListener('toggle', () => {
      if (made.open) fill();
      this.actions.toggle(title, made.open);
    });
    return made;
  }
}

function entries(list: readonly CheckpointEntryText[]): HTMLElement {
  return element('div', { class: 'scrolled', tabindex: 0, role: 'region', 'aria-label': 'Keys and values' }, element('table', { class: 'entries' }, element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'Key'), element('th', { scope: 'col' }, 'Value'))), element('tbody', {}, ...list.map(({ key, value }) => element('tr', {}, element('th', { scope: 'row' }, key), element('td', {}, value))))));
}
