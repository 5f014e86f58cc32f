/** The study's table: groups of rows under one head, sorted by a column where that is wanted. */
import type { StudyTable } from '../../backend/protocol.ts';
import { button, element } from '../common/dom.ts';
import { RowView, type RowActions } from './row.ts';
import { columnNames, sortedRows, standings } from './standing.ts';
import { shareText } from './words.ts';
import type { ViewState } from './view.ts';

export interface TableActions extends RowActions {
  sort(column: string): void;
}

export class TableView {
  readonly element = element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Runs and what was measured' });
  private readonly actions: TableActions;
  private rows: RowView[] = [];
  private heads: { cell: HTMLTableCellElement; column: string }[] = [];
  private body: HTMLTableElement | null = null;
  private order = '';

  constructor(actions: TableActions) {
    this.actions = actions;
  }

  /** Other rows or columns than before: all is made anew. */
  build(table: StudyTable): void {
    const names = columnNames(table);
    const head = (text: string, column: string, more: string): HTMLTableCellElement => {
      const cell = element('th', { scope: 'col', class: `number${more}` }, button(text, { class: 'sort', title: 'Sort by it' }, () => this.actions.sort(column)));
      this.heads.push({ cell, column });
      return cell;
    };
    this.heads = [];
    const measured = table.columns.map(({ name }, i) => head(`${name} %`, names[i]!, ''));
    const paper = table.paper.map((name, i) => head(name, names[table.columns.length + i]!, i === 0 ? ' paper first' : ' paper'));
    const above = table.paper.length > 0 ? [element('tr', { class: 'above' }, element('td', { colspan: 2 + table.columns.length }), element('th', { scope: 'colgroup', colspan: table.paper.length, class: 'papers first' }, 'the paper’s own'))] : [];
    this.rows = table.rows.map((row) => new RowView(row, table, this.actions));
    this.body = element('table', { class: 'study' }, element('thead', {}, ...above, element('tr', {}, element('th', { scope: 'col' }, 'Run'), ...measured, element('th', { scope: 'col' }, 'Seeds'), ...paper)));
    this.element.replaceChildren(this.body);
    this.order = '';
  }

  show(table: StudyTable, view: ViewState): void {
    const marked = standings(table);
    table.rows.forEach((row, i) => this.rows[i]!.show(row, table, marked[i]!, view.open.includes(row.name)));
    for (const { cell, column } of this.heads) {
      const sorted = view.sort?.column === column ? (view.sort.descending ? 'descending' : 'ascending') : null;
      if (sorted) cell.setAttribute('aria-sort', sorted);
      else cell.removeAttribute('aria-sort');
    }
    this.arrange(table, view);
  }

  private arrange(table: StudyTable, view: ViewState): void {
    const sorted = sortedRows(table, view.sort);
    const order = JSON.stringify([sorted.map(({ id }) => id), table.columns.map(({ chance }) => chance)]);
    if (order === this.order || !this.body) return;
    this.order = order;
    // A row that is moved loses the focus that one of its buttons has.
    const focused = document.activeElement;
    for (const body of [...this.body.tBodies]) body.remove();
    for (const name of new Set(sorted.map(({ group }) => group))) {
      const width = 2 + table.columns.length + table.paper.length;
      const title = name === '' ? [] : [element('tr', { class: 'group' }, element('th', { scope: 'rowgroup', colspan: width }, name))];
      const rows = sorted.filter(({ group }) => group === name).flatMap(({ id }) => [this.rows[id]!.row, this.rows[id]!.details]);
      this.body.append(element('tbody', {}, ...title, ...rows));
    }
    if (table.columns.some(({ chance }) => chance !== null))
      this.body.append(element('tbody', {}, element('tr', { class: 'chance-row' }, element('th', { scope: 'row' }, 'chance'), ...table.columns.map(({ chance }) => element('td', { class: 'number' }, chance === null ? '–' : shareText(chance))), element('td'), ...table.paper.map(() => element('td')))));
    if (focused instanceof HTMLElement && this.element.contains(focused)) focused.focus();
  }
}
