/** A study as a table: each row's measures as mean and standard deviation over its seeds, beside the paper's numbers. */
import type { CellMeasure, CellReading } from './state.ts';
import type { Study, StudyRow } from './studyFile.ts';

export interface SummaryValue {
  mean: number;
  /** Of the sample, n - 1 below; null for a single run. */
  deviation: number | null;
  /** Each seed's, in the order of the study's seeds. */
  values: number[];
}

export interface SummaryRow {
  row: StudyRow;
  /** The cells that it shows, its own or those of the row it is the same as. */
  cells: CellReading[];
  done: number;
  /** By measure. */
  measures: Map<string, SummaryValue>;
  /** What was found unwell, and in how many runs. */
  unwell: number;
}

export interface SummaryColumn extends Pick<CellMeasure, 'id' | 'name' | 'unit'> {
  /** Null: knowing nothing gives no number to compare with. */
  chance: number | null;
}

export interface Summary {
  /** What was measured, chance is the mean over rows. */
  columns: SummaryColumn[];
  /** The paper's columns. */
  paper: string[];
  groups: { name: string; rows: SummaryRow[] }[];
  done: number;
  total: number;
}

/** Columns stand in this order, others after them. */
const order = ['knn_top1', 'pck_0', 'pck_1', 'prediction_0'];
const place = (id: string): number => (order.includes(id) ? order.indexOf(id) : order.length);

export function meanAndDeviation(values: number[]): SummaryValue {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, deviation: values.length < 2 ? null : Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1)), values };
}

export function summarize(study: Study, cells: readonly CellReading[]): Summary {
  const columns = new Map<string, CellMeasure[]>();
  for (const { result } of cells) for (const measure of result?.measures ?? []) columns.set(measure.id, [...(columns.get(measure.id) ?? []), measure]);
  const summarizeRow = (row: StudyRow): SummaryRow => {
    const own = cells.filter((cell) => cell.row.id === (row.sameAs ?? row.id));
    const measures = new Map<string, SummaryValue>();
    for (const id of columns.keys()) {
      const values = own.flatMap(({ result }) => result?.measures.filter((measure) => measure.id === id).map(({ value }) => value) ?? []);
      if (values.length > 0) measures.set(id, meanAndDeviation(values));
    }
    return { row, cells: own, done: own.filter(({ state }) => state === 'done').length, measures, unwell: own.filter(({ result }) => result && result.health.length > 0).length };
  };
  const groups = [...new Set(study.rows.map(({ group }) => group))];
  return {
    columns: [...columns].map(([id, measured]) => ({ id, name: measured[0]!.name, unit: measured[0]!.unit, chance: measured.some(({ chance }) => chance === null) ? null : meanAndDeviation(measured.map(({ chance }) => chance!)).mean })).sort((a, b) => place(a.id) - place(b.id)),
    paper: [...new Set(study.rows.flatMap(({ paper }) => Object.keys(paper)))],
    groups: groups.map((name) => ({ name, rows: study.rows.filter(({ group }) => group === name).map(summarizeRow) })),
    done: cells.filter(({ state }) => state === 'done').length,
    total: cells.length,
  };
}
