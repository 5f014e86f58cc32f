/** A study's table in the editor: what its files say, live, and ways into each run. */
import type { StudyCalls, StudyNotice, StudyOpen, StudyTable } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { Host } from '../common/messaging.ts';
import '../common/common.css';
import { HeadView } from './head.ts';
import { TableView } from './table.ts';
import { restoreView } from './view.ts';
import './study.css';

let state: StudyOpen | null = null;
/** Of the table that is built: its rows and columns. */
let built = '';

const host = new Host<StudyCalls, StudyOpen, StudyNotice>(
  (open) => {
    view.panel = open.panel;
    remember();
    take(open);
  },
  (notice) => {
    if (notice.kind === 'state') return take(notice.state);
    if (!state?.table) return;
    const changed = new Map(notice.rows.map((row) => [row.id, row]));
    take({ ...state, progress: notice.progress, table: { ...state.table, rows: state.table.rows.map((row) => changed.get(row.id) ?? row) } });
  },
);
const view = restoreView(host.state);

const status = element('p', { class: 'status', role: 'status' });
const head = new HeadView({
  run: () => ask('run', {}, null), stop: () => ask('stop', {}, null), file: () => ask('file', {}, null), log: () => ask('log', {}, null), trust: () => ask('trust', {}, null),
  copy: (format) => ask('copy', { format }, format === 'csv' ? 'Copied as CSV, a line for each run.' : 'Copied as Markdown.'),
});
const table = new TableView({
  curves: (row, cell) => ask('curves', { row, cell }, null),
  correspond: (row, cell) => ask('correspond', { row, cell }, null),
  reveal: (row, cell) => ask('reveal', { row, cell }, null),
  open: (row, open) => change(() => {
    view.open = view.open.filter((name) => name !== row.name);
    if (open) view.open.push(row.name);
  }),
  // Greatest first, then least first, then as the file has them.
  sort: (column) => change(() => {
    view.sort = view.sort?.column !== column ? { column, descending: true } : view.sort.descending ? { column, descending: false } : null;
  }),
});
const legend = element('p', { class: 'legend' });
const notes = element('ul', { class: 'notes', 'aria-label': 'Notes' });
const emptyTitle = element('h1'), emptyText = element('p');
const empty = element('div', { class: 'empty' }, emptyTitle, emptyText, button('Open the study file', {}, () => ask('file', {}, null)));
const study = element('div', { class: 'whole', hidden: true }, head.element, table.element, legend, notes);
document.querySelector('#view')!.append(study, empty, status);
explain();

function take(next: StudyOpen): void {
  state = next;
  study.hidden = next.table === null;
  empty.hidden = next.table !== null;
  explain();
  if (!next.table || !next.progress) return;
  const structure = structureOf(next.table);
  if (structure !== built) {
    built = structure;
    table.build(next.table);
    notes.replaceChildren(...next.table.notes.map((note) => element('li', {}, note)));
    notes.hidden = next.table.notes.length === 0;
  }
  show();
}

function show(): void {
  if (!state?.table || !state.progress) return;
  head.show(state, state.table, state.progress);
  table.show(state.table, view);
  const { columns, rows } = state.table;
  legend.hidden = columns.length === 0;
  const untrained = rows.some(({ trained, values }) => !trained && values.some((value) => value !== null));
  setText(legend, `★ best of its group${untrained ? ' · ▽ not above the untrained encoder' : ''} · a dot for each seed${columns.some(({ chance }) => chance !== null) ? ', a line at chance' : ''} · a seed’s button opens its curves, a row’s name lists its runs`);
  performance.mark('study-shown');
}

function explain(): void {
  setText(emptyTitle, state === null || state.problem === null ? 'Reading…' : 'This study is not understood');
  setText(emptyText, state?.problem ?? '');
  empty.querySelector('button')!.hidden = state?.problem == null;
}

function change(apply: () => void): void {
  apply();
  remember();
  show();
}

function remember(): void {
  host.state = view;
}

const structureOf = ({ rows, columns, paper, notes: texts }: StudyTable): string => JSON.stringify([columns.map(({ name }) => name), paper, texts, rows.map(({ name, note, group, sameAs, paper: numbers, cells }) => [name, note, group, sameAs, numbers, cells.map(({ seed }) => seed)])]);

let clearing: ReturnType<typeof setTimeout> | undefined;

/** Asks the host; what went wrong is said, and what went well where that does not show by itself. */
function ask<K extends keyof StudyCalls>(call: K, request: StudyCalls[K]['request'], done: string | null): void {
  const say = (text: string, bad: boolean): void => {
    setText(status, text);
    status.className = bad ? 'status fresh bad' : 'status fresh';
    clearTimeout(clearing);
    clearing = setTimeout(() => status.classList.remove('fresh'), bad ? 12_000 : 4000);
  };
  host.ask(call, request, { patient: true }).then(() => {
    if (done !== null) say(done, false);
  }, (error: Error) => say(error.message, true));
}
