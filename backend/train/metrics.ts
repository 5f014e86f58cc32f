/**
 * A run's numbers on disk: metrics.jsonl, evaluations.jsonl and TensorBoard events, each step exactly once, also after kills and
 * resumes. What is not finite stands in the lines as the strings "NaN", "Infinity" and "-Infinity" (backend/formats/jsonLines.ts).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JsonLinesReader, JsonLinesWriter, type JsonRow } from '../formats/jsonLines.ts';
import { TfEventsWriter } from '../formats/tfevents.ts';
import type { EvaluationRow, MetricsRow } from '../protocol.ts';

export const metricsFile = 'metrics.jsonl';
/** There once a run has measured its model. */
export const evaluationsFile = 'evaluations.jsonl';

type StepRow = JsonRow & { step: number };

/** Rows in the order of their steps. */
class StepLines {
  private readonly lines: JsonLinesWriter;
  /** The newest that is there: a row may have to be appended again when only the event file was refused. */
  last: number;

  private constructor(lines: JsonLinesWriter, last: number) {
    this.lines = lines;
    this.last = last;
  }

  /** What is beyond `step` no longer counts, nor does a second row of a step. */
  static async open(path: string, step: number): Promise<StepLines> {
    const seen = new Set<number>();
    let last = -1;
    const lines = await JsonLinesWriter.open(path, ({ step: at }) => {
      if (typeof at !== 'number' || at > step || seen.has(at)) return false;
      seen.add(at);
      last = Math.max(last, at);
      return true;
    });
    return new StepLines(lines, last);
  }

  async append(row: StepRow): Promise<void> {
    if (row.step <= this.last) return;
    await this.lines.append(row);
    this.last = row.step;
  }

  flush(): Promise<void> {
    return this.lines.flush();
  }

  close(): Promise<void> {
    return this.lines.close();
  }
}

export class MetricsLog {
  private readonly folder: string;
  private readonly steps: StepLines;
  private evaluations: StepLines | null;
  private readonly events: TfEventsWriter;

  private constructor(folder: string, steps: StepLines, evaluations: StepLines | null, events: TfEventsWriter) {
    this.folder = folder;
    this.steps = steps;
    this.evaluations = evaluations;
    this.events = events;
  }

  /** Opens the folder's files to go on after `step` (0: from the start): what was logged beyond it no longer counts. */
  static async open(folder: string, step: number): Promise<MetricsLog> {
    const opened: StepLines[] = [];
    const open = async (name: string): Promise<StepLines> => {
      const lines = await StepLines.open(join(folder, name), step);
      opened.push(lines);
      return lines;
    };
    try {
      const steps = await open(metricsFile);
      const evaluations = existsSync(join(folder, evaluationsFile)) ? await open(evaluationsFile) : null;
      return new MetricsLog(folder, steps, evaluations, await TfEventsWriter.open(folder, step + 1));
    } catch (error) {
      for (const lines of opened) await lines.close();
      throw error;
    }
  }

  /** Rejects with RunError where the disk does not take the row; it may then be appended again. */
  append(row: MetricsRow): Promise<void> {
    return this.log(this.steps, row);
  }

  /** The newest step whose evaluation is there; -1 where there is none. */
  get lastEvaluation(): number {
    return this.evaluations?.last ?? -1;
  }

  /** As `append`. TensorBoard gets what was measured; epoch and time it has of the step. */
  async appendEvaluation(row: EvaluationRow): Promise<void> {
    this.evaluations ??= await StepLines.open(join(this.folder, evaluationsFile), row.step);
    const { epoch: _epoch, elapsed_seconds: _elapsed, ...measured } = row;
    await this.log(this.evaluations, row, measured);
  }

  private async log(lines: StepLines, row: MetricsRow | EvaluationRow, { step, ...scalars }: StepRow & Record<string, number> = row): Promise<void> {
    await lines.append(row);
    await this.events.scalars(step, scalars);
  }

  /** Makes the rows survive a power loss; to be awaited before a checkpoint of their steps counts as saved. */
  async flush(): Promise<void> {
    await Promise.all([this.steps.flush(), this.evaluations?.flush(), this.events.flush()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.steps.close(), this.evaluations?.close(), this.events.close()]);
  }
}

/** All rows of a run, in the order of steps. Throws InputError where the folder has no metrics. */
export async function readMetrics(folder: string): Promise<MetricsRow[]> {
  return (await rowsOf(join(folder, metricsFile))) as MetricsRow[];
}

/** What a run measured of its model, in the order of steps; none where it never did. */
export async function readEvaluations(folder: string): Promise<EvaluationRow[]> {
  const path = join(folder, evaluationsFile);
  return existsSync(path) ? ((await rowsOf(path)) as EvaluationRow[]) : [];
}

const rowsOf = async (path: string): Promise<StepRow[]> => ((await new JsonLinesReader(path).read()) as StepRow[]).sort((a, b) => a.step - b.step);
