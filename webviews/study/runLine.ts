/** One run in the list below its row: how far it is, what it came to, and ways into it. */
import type { StudyTable, StudyTableCell, StudyTableRow } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { duration, short } from '../common/numbers.ts';
import type { RowActions } from './row.ts';
import { farText, shareOf, shareText, stateWords } from './words.ts';

export class RunLine {
  readonly element: HTMLTableRowElement;
  private readonly state = element('span');
  private readonly far = element('span', { class: 'far' });
  private readonly progress: HTMLProgressElement;
  private readonly why = element('p', { class: 'why' });
  private readonly loss = element('td', { class: 'number' });
  private readonly numbers: HTMLTableCellElement[];
  private readonly took = element('td', { class: 'number' });
  private readonly curves: HTMLButtonElement;
  private readonly correspond: HTMLButtonElement;
  private readonly folder: HTMLButtonElement;

  constructor(row: StudyTableRow, place: number, table: StudyTable, actions: RowActions) {
    const { seed } = row.cells[place]!;
    const which = `${row.name}, seed ${seed}`;
    this.progress = element('progress', { max: 1, 'aria-label': `Progress of ${which}` });
    this.numbers = table.columns.map(() => element('td', { class: 'number' }));
    this.curves = button('Curves', { class: 'quiet', 'aria-label': `Curves of ${which}` }, () => actions.curves(row.id, place));
    this.correspond = button('Correspondence', { class: 'quiet', 'aria-label': `Correspondence of ${which}` }, () => actions.correspond(row.id, place));
    this.folder = button('Folder', { class: 'quiet', 'aria-label': `Folder of ${which}` }, () => actions.reveal(row.id, place));
    this.element = element('tr', {}, element('th', { scope: 'row' }, String(seed)), element('td', { class: 'story' }, this.state, ' ', this.far, this.progress, this.why), this.loss, ...this.numbers, this.took, element('td', { class: 'ways' }, this.curves, this.correspond, this.folder));
  }

  show(cell: StudyTableCell): void {
    const { state, values, loss, seconds, why, unwell, hasCurves, hasCheckpoint } = cell;
    this.state.className = `state ${state}`;
    setText(this.state, stateWords[state]);
    setText(this.far, state === 'done' && cell.step === 0 ? 'as its seed begins it' : farText(cell));
    this.progress.hidden = state !== 'running' && state !== 'stopped';
    if (!this.progress.hidden) this.progress.value = shareOf(cell);
    const text = [...(why === null ? [] : [why]), ...unwell].join('\n');
    setText(this.why, text);
    this.why.hidden = text === '';
    setText(this.loss, loss === null ? '–' : short(loss));
    values.forEach((value, column) => setText(this.numbers[column]!, value === null ? '–' : shareText(value)));
    setText(this.took, seconds === null ? '–' : duration(seconds));
    this.curves.disabled = !hasCurves;
    this.correspond.disabled = !hasCheckpoint;
    this.folder.disabled = state === 'waiting';
  }
}
