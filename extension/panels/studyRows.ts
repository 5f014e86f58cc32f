/** A study's reading as its table's page is told it: numbers by column, and how far everything is. */
import { isAlive, type Holder } from '../../backend/link/holder.ts';
import type { StudyCellState, StudyProgress, StudyTable, StudyTableCell, StudyTableRow } from '../../backend/protocol.ts';
import { summarize, type CellReading, type Study, type Summary } from '../../backend/study/reading.ts';

const textLength = 2000;

function cellOf({ seed, state, step, steps, eta, loss, error, waiting, result, checkpoint }: CellReading, { columns }: Summary): StudyTableCell {
  return {
    seed, state, step, steps, eta, loss,
    seconds: result ? result.trainSeconds + result.measureSeconds : null,
    why: (error ?? waiting)?.slice(0, textLength) ?? null,
    unwell: result?.health ?? [],
    values: columns.map(({ id }) => result?.measures.find((measure) => measure.id === id)?.value ?? null),
    hasCurves: step > 0, hasCheckpoint: checkpoint !== null,
  };
}

export interface ShownStudy {
  table: StudyTable;
  /** The runs of each row, in the order of its cells. */
  cells: CellReading[][];
}

export function tableOf(study: Study, readings: readonly CellReading[]): ShownStudy {
  const summary = summarize(study, readings);
  const found = new Map(summary.groups.flatMap(({ rows }) => rows).map((row) => [row.row.id, row]));
  // A table shows its groups one after another, in the order in which they first appear.
  const ordered = summary.groups.flatMap(({ rows }) => rows.map(({ row }) => row));
  const rows = ordered.map((row, id): StudyTableRow => {
    const { cells, measures } = found.get(row.id)!;
    return {
      id, group: row.group, name: row.name, note: row.note,
      trained: (study.rows.find((other) => other.id === (row.sameAs ?? row.id)) ?? row).trained,
      sameAs: row.sameAs === undefined ? null : (study.rows.find((other) => other.id === row.sameAs)?.name ?? null),
      paper: summary.paper.map((column) => row.paper[column] ?? null),
      values: summary.columns.map(({ id: column }) => {
        const value = measures.get(column);
        return value ? { mean: value.mean, deviation: value.deviation } : null;
      }),
      cells: cells.map((cell) => cellOf(cell, summary)),
    };
  });
  return {
    table: { title: study.title || study.name, seeds: study.seeds, columns: summary.columns.map(({ name, chance }) => ({ name, chance })), paper: summary.paper, notes: study.notes, rows },
    cells: ordered.map((row) => found.get(row.id)!.cells),
  };
}

export function progressOf(study: Study, readings: readonly CellReading[], holder: Holder | null, host: string): Omit<StudyProgress, 'asked' | 'hasLog'> {
  const counts: { [S in StudyCellState]: number } = { waiting: 0, running: 0, measuring: 0, stopped: 0, failed: 0, done: 0 };
  for (const { state } of readings) counts[state]++;
  return {
    counts, total: readings.length,
    worker: holder && isAlive(holder) ? (holder.host === host ? 'here' : 'elsewhere') : null,
    secondsLeft: secondsLeft(study, readings),
    seconds: readings.reduce((sum, { result }) => sum + (result ? result.trainSeconds + result.measureSeconds : 0), 0),
  };
}

/** Seconds to go: each trained run takes what those that are done took, or what is said by one that runs. */
export function secondsLeft(study: Study, readings: readonly CellReading[]): number | null {
  const trained = readings.filter(({ row }) => row.trained);
  const took = trained.flatMap(({ result }) => (result ? [result.trainSeconds + result.measureSeconds] : []));
  const running = trained.flatMap(({ state, eta, step, steps }) => (state === 'running' && eta !== null ? [{ eta, share: steps === null || steps === 0 ? 0 : step / steps }] : []));
  const guesses = running.map(({ eta, share }) => eta / Math.max(0.01, 1 - share));
  const each = took.length > 0 ? took.reduce((a, b) => a + b, 0) / took.length : guesses.length > 0 ? Math.max(...guesses) : null;
  if (each === null) return null;
  const share = ({ step, steps }: CellReading): number => (steps === null || steps === 0 ? 0 : Math.min(1, step / steps));
  const ahead = trained.filter(({ state }) => state === 'waiting' || state === 'stopped' || state === 'failed').reduce((sum, cell) => sum + each * (1 - share(cell)), 0);
  return (ahead + running.reduce((sum, { eta }) => sum + eta, 0)) / study.devices.length;
}
