/** A chart's legend: each run with its value at the cursor, or its last. */
import type { CurveRun } from '../../backend/protocol.ts';
import { element, setText } from '../common/dom.ts';
import { short } from '../common/numbers.ts';
import { valueAt, type Trace } from './geometry.ts';

export class Legend {
  readonly element = element('ul', { class: 'legend' });
  private readonly rows = new Map<number, { value: HTMLElement; item: HTMLElement }>();

  /** `cursor`: null for the last values; `pixel`: how much of the axis a column of pixels is. */
  show(traces: readonly Trace[], runOf: (trace: Trace) => CurveRun | undefined, cursor: number | null, pixel: number): void {
    const seen = new Set<number>();
    for (const trace of traces) {
      const run = runOf(trace);
      if (!run) continue;
      seen.add(run.id);
      const { item, value } = this.rows.get(run.id) ?? this.addRow(run);
      setText(item.children[1]!, run.name);
      setText(value, valueText(trace, cursor, pixel));
    }
    for (const [id, { item }] of this.rows)
      if (!seen.has(id)) {
        item.remove();
        this.rows.delete(id);
      }
  }

  /** Whether a screen reader tells what changes. */
  tellsChanges(tells: boolean): void {
    if (tells) this.element.setAttribute('aria-live', 'polite');
    else this.element.removeAttribute('aria-live');
  }

  private addRow(run: CurveRun): { value: HTMLElement; item: HTMLElement } {
    const value = element('span', { class: 'value' });
    const item = element('li', {}, element('span', { class: `swatch series-${run.colour % 8}`, 'aria-hidden': 'true' }), element('span', { class: 'name' }), value);
    this.element.append(item);
    const row = { value, item };
    this.rows.set(run.id, row);
    return row;
  }
}

function valueText(trace: Trace, cursor: number | null, pixel: number): string {
  if (cursor === null) return short(trace.summary.last);
  const found = valueAt(trace, cursor, pixel);
  if (!found) return '–';
  const range = found.low < found.high ? `${short(found.low)} … ${short(found.high)}` : short(found.low);
  const smooth = trace.smoothX.length > 0 ? valueAt({ x: trace.smoothX, y: trace.smoothY }, cursor, 0) : null;
  return smooth ? `${short(smooth.low)} (${range})` : range;
}
