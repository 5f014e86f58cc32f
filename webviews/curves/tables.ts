/** What a chart shows, as a table: for those who hear it, and for those who want the number. */
import type { CurveRun } from '../../backend/protocol.ts';
import { element } from '../common/dom.ts';
import type { PlacedMark } from './chart.ts';
import type { Trace } from './geometry.ts';
import { short, whole } from './numbers.ts';

const headings = ['Run', 'Points', 'Last step', 'Last', 'Lowest', 'Highest', 'Not finite', 'Marks'];

export function fillTable(table: HTMLTableElement, traces: readonly Trace[], runs: readonly CurveRun[], marks: readonly PlacedMark[]): void {
  const rows = traces.map(({ run: id, summary }) => {
    const run = runs.find((other) => other.id === id);
    const told = marks.filter((mark) => mark.run.id === id).map(({ mark }) => `step ${whole(mark.step)}: ${[mark.summary, mark.cause, mark.advice].filter((part) => part !== '').join('. ')}`);
    const at = (value: number, step: number): string => (Number.isNaN(value) ? '–' : `${short(value)} at ${whole(step)}`);
    const cells = [whole(summary.points), whole(summary.lastStep), short(summary.last), at(summary.lowest, summary.lowestStep), at(summary.highest, summary.highestStep), whole(summary.nonFinite), told.join('; ') || 'none'];
    return element('tr', {}, element('th', { scope: 'row' }, run?.name ?? ''), ...cells.map((text) => element('td', {}, text)));
  });
  table.replaceChildren(element('thead', {}, element('tr', {}, ...headings.map((text) => element('th', { scope: 'col' }, text)))), element('tbody', {}, ...rows));
}
