/** A study in the editor: what its table's page is told, and what it may ask for. Rows and runs go by numbers that hold for one panel. */

/** `waiting`: nothing was begun. `stopped`: begun, not done, and nobody works on it. */
export type StudyCellState = 'waiting' | 'running' | 'measuring' | 'stopped' | 'failed' | 'done';

/** One run: a row with one seed. */
export interface StudyTableCell {
  seed: number;
  state: StudyCellState;
  step: number;
  steps: number | null;
  /** Seconds of training to go; null where that is not known. */
  eta: number | null;
  loss: number | null;
  /** In training and measuring, once it is done. */
  seconds: number | null;
  /** Why it failed, or what it waits for. */
  why: string | null;
  /** What was found unwell. */
  unwell: string[];
  /** By column, shares of 1. */
  values: (number | null)[];
  /** Whether it has curves to show. */
  hasCurves: boolean;
  /** Whether it has a checkpoint to look at. */
  hasCheckpoint: boolean;
}

export interface StudyTableRow {
  id: number;
  group: string;
  name: string;
  note: string;
  trained: boolean;
  /** The row whose runs it shows; null: its own. */
  sameAs: string | null;
  /** By the paper's columns. */
  paper: (number | null)[];
  /** By column: over seeds; the deviation is of the sample, null for a single run. */
  values: ({ mean: number; deviation: number | null } | null)[];
  cells: StudyTableCell[];
}

export interface StudyTable {
  title: string;
  seeds: number[];
  /** What was measured so far, shares of 1. */
  columns: { name: string; chance: number | null }[];
  paper: string[];
  notes: string[];
  rows: StudyTableRow[];
}

export interface StudyProgress {
  /** Of the runs that the study has, each once. */
  counts: { [S in StudyCellState]: number };
  total: number;
  /** Who runs the study; null: nobody. */
  worker: 'here' | 'elsewhere' | null;
  /** A request to run or to stop it is under way. */
  asked: 'run' | 'stop' | null;
  /** Seconds to go, as its runs took so far; null where that is not known. */
  secondsLeft: number | null;
  /** Of computing so far. */
  seconds: number;
  hasLog: boolean;
}

export interface StudyOpen {
  panel: string;
  /** The study file, for people. */
  file: string;
  trusted: boolean;
  /** null: still being read, or there is nothing to show. */
  table: StudyTable | null;
  progress: StudyProgress | null;
  /** What is wrong with the file. */
  problem: string | null;
}

export type StudyNotice =
  | { kind: 'state'; state: StudyOpen }
  /** Rows that are there as before and look otherwise now. */
  | { kind: 'changed'; progress: StudyProgress; rows: StudyTableRow[] };

/** A run of a row, by the place of its seed; null: all of the row's. */
interface StudyRuns {
  row: number;
  cell: number | null;
}

/** A type and not an interface, so that it is a `PanelCalls`. */
export type StudyCalls = {
  curves: { request: StudyRuns; reply: null };
  correspond: { request: { row: number; cell: number }; reply: null };
  reveal: { request: { row: number; cell: number }; reply: null };
  copy: { request: { format: 'markdown' | 'csv' }; reply: null };
  run: { request: Record<never, never>; reply: null };
  stop: { request: Record<never, never>; reply: null };
  file: { request: Record<never, never>; reply: null };
  log: { request: Record<never, never>; reply: null };
  trust: { request: Record<never, never>; reply: null };
};
