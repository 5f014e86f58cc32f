/** A study's table for documents (Markdown) and for spreadsheets (CSV, a line a run). */
import type { Study } from './studyFile.ts';
import type { Summary, SummaryValue } from './summary.ts';

/** Per cent with one decimal, and its deviation over seeds. */
export const shareText = ({ mean, deviation }: SummaryValue): string => `${(100 * mean).toFixed(1)}${deviation === null ? '' : ` ± ${(100 * deviation).toFixed(1)}`}`;

const escaped = (text: string): string => text.replace(/\s+/g, ' ').replace(/[\\|`*_<>[\]]/g, '\\$&');
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;

/** Measures in per cent, then the paper's own numbers. Rows without any result yet say how far they are. */
export function markdownTable(study: Study, { columns, paper, groups, done, total }: Summary): string {
  const chance = columns.some((column) => column.chance !== null);
  let text = '';
  for (const { name, rows } of groups) {
    if (name !== '') text += `${text === '' ? '' : '\n'}**${escaped(name)}**\n\n`;
    text += line(['', ...columns.map((column) => `${column.name} %`), 'runs', ...paper.map((column) => `paper: ${escaped(column)}`)]);
    text += line(['---', ...[...columns, 'runs', ...paper].map(() => '---:')]);
    for (const { row, cells, done: finished, measures, unwell } of rows) text += line([`${escaped(row.name)}${unwell > 0 ? ` (unwell in ${unwell} of ${cells.length})` : ''}`, ...columns.map(({ id }) => (measures.has(id) ? shareText(measures.get(id)!) : '-')), `${finished} of ${cells.length}`, ...paper.map((column) => (typeof row.paper[column] === 'number' ? row.paper[column].toFixed(1) : '-'))]);
    if (chance) text += line(['*chance*', ...columns.map((column) => (column.chance === null ? '-' : `*${(100 * column.chance).toFixed(1)}*`)), '', ...paper.map(() => '')]);
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
