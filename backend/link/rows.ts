/** Rows of metrics in messages: JSON has no NaN or infinities, so these cross as the strings "NaN", "Infinity" and "-Infinity". */
import type { MetricsRow, RunEvent } from '../protocol.ts';

const texts: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity };

/** The row as it crosses. */
export const packRow = (row: MetricsRow): MetricsRow => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, Number.isFinite(value) ? value : String(value)])) as MetricsRow;

/** The event as it crosses. */
export const packEvent = (event: RunEvent): RunEvent => (event.kind === 'step' ? { ...event, row: packRow(event.row) } : event);

/** A row that has crossed; null where it is none. What is not a number is left out. */
export function unpackRow(value: unknown): MetricsRow | null {
  if (typeof value !== 'object' || value === null) return null;
  const row = Object.create(null) as MetricsRow;
  for (const [key, cell] of Object.entries(value)) {
    const number: unknown = typeof cell === 'string' && Object.hasOwn(texts, cell) ? texts[cell] : cell;
    if (typeof number === 'number') row[key] = number;
  }
  return Number.isInteger(row.step) ? { ...row } : null;
}
