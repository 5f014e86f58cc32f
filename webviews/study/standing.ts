/** How rows compare: the best of a group, what does not beat the untrained encoder, and the order that a column gives. */
import type { StudyTable, StudyTableRow } from '../../backend/protocol.ts';

/** Of one number: above all others of its group, or no better than an encoder that was not trained. */
export interface Standing {
  best: boolean;
  /** By how much it is above the untrained encoder, as a share of 1; null: there is none to compare with, or it is one itself. */
  above: number | null;
}

/** Of each row each column; null where nothing is measured. */
export function standings({ rows, columns }: StudyTable): (Standing | null)[][] {
  return rows.map((row) => columns.map((_, column) => {
    const value = row.values[column];
    if (!value) return null;
    const measured = rows.filter(({ group, values }) => group === row.group && values[column]);
    const untrained = row.trained ? untrainedOf(rows, row, column) : null;
    return {
      best: measured.length > 1 && row.trained && measured.every((other) => other.values[column]!.mean <= value.mean),
      above: untrained === null ? null : value.mean - untrained,
    };
  }));
}

/** The untrained row of the same group, else the first of all. */
function untrainedOf(rows: readonly StudyTableRow[], { group }: StudyTableRow, column: number): number | null {
  const untrained = rows.filter(({ trained, values }) => !trained && values[column]);
  return (untrained.find((row) => row.group === group) ?? untrained[0])?.values[column]?.mean ?? null;
}

/** What a column is called in the page's state: the paper may measure what is measured here. */
export const columnNames = ({ columns, paper }: StudyTable): string[] => [...columns.map(({ name }) => name), ...paper.map((name) => `paper: ${name}`)];

/** Rows in the order of a column, within their groups; those without a number come last. */
export function sortedRows(table: StudyTable, sort: { column: string; descending: boolean } | null): StudyTableRow[] {
  const place = sort ? columnNames(table).indexOf(sort.column) : -1;
  if (!sort || place < 0) return [...table.rows];
  const valueOf = (row: StudyTableRow): number | null => (place < table.columns.length ? (row.values[place]?.mean ?? null) : (row.paper[place - table.columns.length] ?? null));
  const groups = [...new Set(table.rows.map(({ group }) => group))];
  return groups.flatMap((group) => table.rows.filter((row) => row.group === group).sort((a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    if (x === null || y === null) return x === y ? a.id - b.id : x === null ? 1 : -1;
    return sort.descending ? y - x : x - y;
  }));
}

export interface Axis {
  low: number;
  high: number;
}

/** One axis a column, from just below all that was seen (and chance) to just above. */
export function axisOf({ rows, columns }: StudyTable, column: number): Axis {
  const { chance } = columns[column]!;
  const seen = [...rows.flatMap(({ cells }) => cells.map(({ values }) => values[column] ?? null)).filter((value) => value !== null), ...(chance === null ? [] : [chance])];
  const low = Math.min(...seen), high = Math.max(...seen);
  const margin = Math.max((high - low) * 0.06, 1e-3);
  return { low: low - margin, high: high + margin };
}
