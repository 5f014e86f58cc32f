/** A study's table for documents (Markdown) and for spreadsheets (CSV, a line a run). */
import type { Study } from './studyFile.ts';
import type { Summary, SummaryColumn, SummaryValue } from './summary.ts';

type Unit = Pick<SummaryColumn, 'unit'>;

/** With one decimal; shares in per cent. */
const numberText = (value: number, { unit }: Unit): string => (unit === 'share' ? 100 * value : value).toFixed(1);

/** The mean, and its deviation over seeds. */
export const valueText = ({ mean, deviation }: SummaryValue, column: Unit): string => `${numberText(mean, column)}${deviation === null ? '' : ` ± ${numberText(deviation, column)}`}`;

export const chanceText = (column: SummaryColumn): string => (column.chance === null ? '–' : numberText(column.chance, column));

export const headOf = ({ name, unit }: SummaryColumn): string => (unit === 'share' ? `${name} %` : name);

const escaped = (text: string): string => text.replace(/\s+/g, ' ').replace(/[\\|`*_<>[\]]/g, '\\$&');
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;

/** Measures, shares in per cent, then the paper's own numbers. Rows without any result yet say how far they are. */
export function markdownTable(study: Study, { columns, paper, groups, done, total }: Summary): string {
  const chance = columns.some((column) => column.chance !== null);
  let text = '';
  for (const { name, rows } of groups) {
    if (name !== '') text += `${text === '' ? '' : '\n'}**${escaped(name)}**\n\n`;
    text += line(['', ...columns.map(headOf), 'runs', ...paper.map((column) => `paper: ${escaped(column)}`)]);
    text += line(['---', ...[...columns, 'runs', ...paper].map(() => '---:')]);
    for (const { row, cells, done: finished, measures, unwell } of rows) text += line([`${escaped(row.name)}${unwell > 0 ? ` (unwell in ${unwell} of ${cells.length})` : ''}`, ...columns.map((column) => (measures.has(column.id) ? valueText(measures.get(column.id)!, column) : '-')), `${finished} of ${cells.length}`, ...paper.map((column) => (typeof row.paper[column] === 'number' ? row.paper[column].toFixed(1) : '-'))]);
    if (chance) text += line(['*chance*', ...columns.map((column) => (column.chance === null ? '-' : `*${chanceText(column)}*`)), '', ...paper.map(() => '')]);
  }
  const notes = [...study.notes, ...study.rows.filter(({ note }) => note !== '').map(({ name, note }) => `${name}: ${note}`)];
  return `${text}\nMean ± standard deviation over seeds ${study.seeds.join(', ')}; ${done} of ${total} runs are done.\n${notes.map((note) => `\n- ${escaped(note)}`).join('')}${notes.length > 0 ? '\n' : ''}`;
}

/** Fields that a spreadsheet would take for a formula begin with an apostrophe. */
const field = (value: string | number | null): string => {
  const text = value === null ? '' : typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
};

/** A line for each run, measures as shares of 1. */
export function csvTable({ columns, paper, groups }: Summary): string {
  const lines: (string | number | null)[][] = [['row', 'name', 'group', 'seed', 'state', 'steps', 'train_seconds', 'loss', ...columns.map(({ id }) => id), ...paper.map((column) => `paper_${column}`), 'health', 'engine']];
  for (const { name, rows } of groups)
    for (const { row, cells } of rows)
      for (const { seed, state, result, step } of cells)
        lines.push([row.id, row.name, name, seed, state, step, result?.trainSeconds ?? null, result?.loss ?? null, ...columns.map(({ id }) => result?.measures.find((measure) => measure.id === id)?.value ?? null), ...paper.map((column) => row.paper[column] ?? null), result?.health.join('; ') ?? '', result?.engine ?? '']);
  return lines.map((cells) => `${cells.map(field).join(',')}\n`).join('');
}
