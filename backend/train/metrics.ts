/**
 * A run's numbers on disk: metrics.jsonl and TensorBoard events, each step exactly once, also after kills and resumes. What is
 * not finite stands in metrics.jsonl as the strings "NaN", "Infinity" and "-Infinity" (backend/formats/jsonLines.ts).
 */
import { join } from 'node:path';
import { JsonLinesReader, JsonLinesWriter, type JsonRow } from '../formats/jsonLines.ts';
import { TfEventsWriter } from '../formats/tfevents.ts';
import type { MetricsRow } from '../protocol.ts';

export const metricsFile = 'metrics.jsonl';

export class MetricsLog {
  private readonly lines: JsonLinesWriter;
  private readonly events: TfEventsWriter;
  /** The last step that is in metrics.jsonl: a row may have to be appended again when only the event file was refused. */
  private lastLine: number;

  private constructor(lines: JsonLinesWriter, events: TfEventsWriter, step: number) {
    this.lines = lines;
    this.events = events;
    this.lastLine = step;
  }

  /** Opens the folder's files to go on after `step` (0: from the start): what was logged beyond it no longer counts. */
  static async open(folder: string, step: number): Promise<MetricsLog> {
    const seen = new Set<unknown>();
    const lines = await JsonLinesWriter.open(join(folder, metricsFile), (row) => keptOnce(row, step, seen));
    try {
      return new MetricsLog(lines, await TfEventsWriter.open(folder, step + 1), step);
    } catch (error) {
      await lines.close();
      throw error;
    }
  }

  /** Rejects with RunError where the disk does not take the row; it may then be appended again. */
  async append(row: MetricsRow): Promise<void> {
    if (row.step > this.lastLine) await this.lines.append(row);
    this.lastLine = row.step;
    const { step, ...values } = row;
    await this.events.scalars(step, values);
  }

  /** Makes the rows survive a power loss; to be awaited before a checkpoint of their steps counts as saved. */
  async flush(): Promise<void> {
    await this.lines.flush();
    await this.events.flush();
  }

  async close(): Promise<void> {
    await Promise.all([this.lines.close(), this.events.close()]);
  }
}

/** Keeps rows up to `step`, the first of each. */
function keptOnce(row: JsonRow, step: number, seen: Set<unknown>): boolean {
  if (typeof row.step !== 'number' || row.step > step || seen.has(row.step)) return false;
  seen.add(row.step);
  return true;
}

/** All rows of a run, in the order of steps. Throws InputError where the folder has no metrics. */
export async function readMetrics(folder: string): Promise<MetricsRow[]> {
  const rows = await new JsonLinesReader(join(folder, metricsFile)).read();
  return (rows as MetricsRow[]).sort((a, b) => a.step - b.step);
}
