/** What a chart shows, as a table: for those who hear it, and for those who want the number. */
import type { CurveMark, CurveRun } from '../../backend/protocol.ts';
import { element } from '../common/dom.ts';
import type { PlacedMark } from './chart.ts';
import type { Trace } from './geometry.ts';
import { short, whole } from '../common/numbers.ts';

const headings = ['Run', 'Points', 'Last step', 'Last', 'Lowest', 'Highest', 'Not finite'];

export function fillTable(table: HTMLTableElement, traces: readonly Trace[], runs: readonly CurveRun[]): void {
  const rows = traces.map(({ run: id, summary }) => {
    const run = runs.find((other) => other.id === id);
    const at = (value: number, step: number): string => (Number.isNaN(value) ? '–' : `${short(value)} at ${whole(step)}`);
    const cells = [whole(summary.points), whole(summary.lastStep), short(summary.last), at(summary.lowest, summary.lowestStep), at(summary.highest, summary.highestStep), whole(summary.nonFinite)];
    return element('tr', {}, element('th', { scope: 'row' }, run?.name ?? ''), ...cells.map((text) => element('td', {}, text)));
  });
  table.replaceChildren(element('thead', {}, element('tr', {}, ...headings.map((text) => element('th', { scope: 'col' }, text)))), element('tbody', {}, ...rows));
}

/** What happened to the runs, in the order of steps. */
export function fillMarks(list: HTMLElement, marks: readonly PlacedMark[]): void {
  const items = [...marks].sort((a, b) => a.mark.step - b.mark.step).map(({ run, mark }) => element('li', {}, element('b', {}, `Step ${whole(mark.step)}, ${run.name}`), ` ${markText(mark)}`));
  list.replaceChildren(...items);
}

/** What a mark says, as sentences. */
export const markText = ({ summary, cause, advice }: CurveMark): string => [`${summary}.`, cause && `Cause: ${cause}.`, advice && `What to do: ${advice}.`].filter((part) => part !== '').join(' ');
