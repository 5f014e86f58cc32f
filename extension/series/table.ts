/** Every point of a metric as comma-separated values, in pieces, so that a million rows need no string of their own. */
import type { XAxis } from '../../backend/protocol.ts';
import type { WatchedRun } from './watchedRun.ts';

const rowsAPiece = 10_000;

/** A cell; quoted where it must be, and never one that a spreadsheet takes for a formula. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function* tableOf(runs: readonly { run: WatchedRun; name: string }[], metric: string, axis: XAxis, range: { min: number; max: number } | null): Generator<string> {
  yield `run,step,${axis === 'step' ? '' : `${axis === 'time' ? 'seconds' : axis},`}${cell(metric)}\n`;
  for (const { run, name } of runs) {
    const series = run.series.metrics.get(metric);
    const x = series && run.series.positions(series, axis);
    if (!series || !x) continue;
    let lines: string[] = [];
    for (let i = range ? series.lowerBound(x, range.min) : 0; i < series.length && (!range || x[i]! <= range.max); i++) {
      lines.push(`${cell(name)},${series.steps[i]}${axis === 'step' ? '' : `,${x[i]}`},${series.values[i]}\n`);
      if (lines.length === rowsAPiece) {
        yield lines.join('');
        lines = [];
      }
    }
    yield lines.join('');
  }
}
