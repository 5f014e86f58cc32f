/** What the run measured of its model as it trained: charts with a point for each time, and all of them as a table. */
import type { Curve } from '../data.ts';
import { html, type Html } from '../html.ts';
import { formatValue, whole } from '../words.ts';
import { chartsOf } from './curves.ts';

/** `first` is the place of the first curve among those of the page. */
export function evaluationsSection(curves: readonly Curve[], first: number): Html | null {
  if (curves.length === 0) return null;
  const columns = curves.flatMap(({ name: curve, kind = 'number', series }) => series.map(({ name, steps, values }) => ({ title: series.length > 1 ? name : curve, kind, found: new Map(Array.from(steps, (step, i) => [step, values[i]!])) })));
  const steps = [...new Set(columns.flatMap(({ found }) => [...found.keys()]))].sort((a, b) => a - b);
  const cell = (value: number | undefined, kind: 'share' | 'number'): string => (value === undefined || Number.isNaN(value) ? '' : formatValue(value, kind));
  return html`<section id="evaluations" aria-labelledby="evaluations-title">
    <h2 id="evaluations-title">What it was worth on the way</h2>
    <p class="lead">The run measured its own model ${steps.length === 1 ? 'once' : `${whole(steps.length)} times`}, on fewer images than the table above: compare these with each other. Step 0 is the untrained model.</p>
    ${chartsOf(curves, first)}
    <details><summary>These measurements as a table</summary>
      <div class="scroll" tabindex="0" role="region" aria-label="These measurements as a table"><table class="plain">
        <thead><tr><th scope="col">Step</th>${columns.map(({ title }) => html`<th scope="col">${title}</th>`)}</tr></thead>
        <tbody>${steps.map((step) => html`<tr><th scope="row">${whole(step)}</th>${columns.map(({ kind, found }) => html`<td>${cell(found.get(step), kind)}</td>`)}</tr>`)}</tbody>
      </table></div>
    </details>
  </section>`;
}
