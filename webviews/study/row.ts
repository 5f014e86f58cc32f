/** A row of the table with its runs: made once, and brought in line with what is known; what has the focus keeps it. */
import type { StudyTable, StudyTableRow } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { duration } from '../common/numbers.ts';
import { strip } from './strip.ts';
import { axisOf, type Standing } from './standing.ts';
import { RunLine } from './runLine.ts';
import { cellText, shareOf, shareText } from './words.ts';

export interface RowActions {
  curves(row: number, cell: number | null): void;
  correspond(row: number, cell: number): void;
  reveal(row: number, cell: number): void;
  /** The row's runs are to be listed, or no longer. */
  open(row: StudyTableRow, open: boolean): void;
}

interface Chip {
  button: HTMLButtonElement;
  share: string;
}

const marks = { waiting: '', running: '', measuring: '', stopped: '‖', failed: '✕', done: '✓' } as const;

export class RowView {
  /** The row, and the one below it with its runs. */
  readonly row = element('tr', { class: 'row' });
  readonly details: HTMLTableRowElement;
  private readonly actions: RowActions;
  private readonly name: HTMLButtonElement;
  private readonly note = element('small', { class: 'note' });
  private readonly trouble = element('small', { class: 'trouble-line' });
  private readonly numbers: HTMLTableCellElement[];
  private readonly chips: Chip[];
  private readonly lines: RunLine[];
  private readonly all: HTMLButtonElement;
  private drawn = '';
  private known: StudyTableRow;

  constructor(row: StudyTableRow, table: StudyTable, actions: RowActions) {
    this.known = row;
    this.actions = actions;
    const listed = `runs-${row.id}`;
    this.name = button(row.name, { class: 'name', 'aria-expanded': 'false', 'aria-controls': listed }, () => actions.open(this.known, this.details.hidden === true));
    this.numbers = table.columns.map(() => element('td', { class: 'number' }));
    this.chips = row.cells.map(({ seed }, place) => ({ button: button(String(seed), { class: 'chip' }, () => (this.known.cells[place]!.hasCurves ? actions.curves(row.id, place) : actions.open(this.known, true))), share: '' }));
    const paper = row.paper.map((value, i) => element('td', { class: `number paper${i === 0 ? ' first' : ''}` }, value === null ? '–' : value.toFixed(1)));
    this.row.append(element('th', { scope: 'row' }, this.name, this.note, this.trouble), ...this.numbers, element('td', { class: 'chips' }, element('span', { class: 'chip-list', role: 'group', 'aria-label': `Runs of ${row.name}` }, ...this.chips.map(({ button: chip }) => chip))), ...paper);
    this.lines = row.cells.map((_, place) => new RunLine(row, place, table, actions));
    this.all = button('Curves of all seeds', { class: 'quiet' }, () => actions.curves(row.id, null));
    const heads = ['Seed', 'State', 'Loss', ...table.columns.map(({ name }) => `${name} %`), 'Took', ''].map((text) => element('th', { scope: 'col' }, text === '' ? element('span', { class: 'hidden-text' }, 'What to do with it') : text));
    const inner = element('table', { class: 'runs', 'aria-label': `Runs of ${row.name}` }, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...this.lines.map(({ element: line }) => line)));
    this.details = element('tr', { class: 'details', id: listed, hidden: true }, element('td', { colspan: 2 + table.columns.length + row.paper.length }, inner, this.all));
    setText(this.note, [row.sameAs === null ? '' : `the runs of ${row.sameAs}`, row.note].filter((text) => text !== '').join('; '));
    this.note.hidden = this.note.textContent === '';
  }

  show(row: StudyTableRow, table: StudyTable, standing: readonly (Standing | null)[], open: boolean): void {
    this.known = row;
    if ((this.details.hidden === true) === open) {
      this.details.hidden = !open;
      this.row.classList.toggle('open', open);
      this.name.setAttribute('aria-expanded', String(open));
    }
    // What a column's axis spans belongs to what a row shows.
    const axes = table.columns.map((_, column) => axisOf(table, column));
    const next = JSON.stringify([row, standing, axes]);
    if (next === this.drawn) return;
    this.drawn = next;
    this.showTrouble(row);
    row.values.forEach((value, column) => this.showNumber(row, column, value, standing[column] ?? null, axes[column]!, table.columns[column]!.chance));
    row.cells.forEach((cell, place) => {
      const chip = this.chips[place]!;
      chip.button.className = `chip ${cell.state}${cell.unwell.length > 0 ? ' unwell' : ''}`;
      setText(chip.button, `${marks[cell.state]}${marks[cell.state] === '' ? '' : '\u2009'}${cell.seed}`);
      const text = `${row.name}, seed ${cell.seed}: ${cellText(cell)}`;
      chip.button.setAttribute('aria-label', `${text}. ${cell.hasCurves ? 'Opens its curves' : 'Lists the runs'}`);
      chip.button.title = cell.hasCurves ? `${text}\nClick for its curves` : text;
      const share = `${Math.round(100 * shareOf(cell))}%`;
      if (share !== chip.share) chip.button.style.setProperty('--share', (chip.share = share));
      this.lines[place]!.show(cell);
    });
    this.all.hidden = row.cells.filter(({ hasCurves }) => hasCurves).length < 2;
  }

  private showTrouble({ cells }: StudyTableRow): void {
    const failed = cells.filter(({ state }) => state === 'failed'), unwell = cells.filter((cell) => cell.unwell.length > 0);
    const text = failed.length > 0 ? `✕ failed${cells.length > 1 ? ` in ${failed.length} of ${cells.length} runs` : ''}: ${(failed[0]!.why ?? 'see its log').slice(0, 200)}` : unwell.length > 0 ? `▲ unwell in ${unwell.length} of ${cells.length} runs: ${unwell[0]!.unwell[0]}` : '';
    setText(this.trouble, text);
    this.trouble.hidden = text === '';
  }

  private showNumber({ cells }: StudyTableRow, column: number, value: StudyTableRow['values'][number], standing: Standing | null, axis: { low: number; high: number }, chance: number | null): void {
    const place = this.numbers[column]!;
    const behind = standing?.above != null && standing.above <= 0;
    place.className = `number${standing?.best ? ' best' : ''}${behind ? ' behind' : ''}`;
    if (!value) return place.replaceChildren(element('span', { class: 'nothing' }, '–'));
    const above = standing?.above ?? null;
    place.title = [...(above === null ? [] : [above > 0 ? `${shareText(above)} points above the untrained encoder` : `not above the untrained encoder: ${shareText(above)} points`]), ...cells.flatMap(({ seed, values, seconds }) => (values[column] == null ? [] : [`seed ${seed}: ${shareText(values[column])} %${seconds === null ? '' : `, in ${duration(seconds)}`}`]))].join('\n');
    place.replaceChildren(
      ...(behind ? [element('span', { class: 'mark', 'aria-hidden': 'true' }, '▽')] : standing?.best ? [element('span', { class: 'mark', 'aria-hidden': 'true' }, '★')] : []),
      element('b', {}, shareText(value.mean)), ...(value.deviation === null ? [] : [element('span', { class: 'deviation' }, ` ± ${shareText(value.deviation)}`)]),
      ...(standing?.best ? [element('span', { class: 'hidden-text' }, ', the best of its group')] : []), ...(behind ? [element('span', { class: 'hidden-text' }, ', not above the untrained encoder')] : []),
      strip(cells.flatMap(({ values }) => values[column] ?? []), axis, chance),
    );
  }
}
