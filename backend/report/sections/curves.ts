/** How training went: one chart for each curve, with a table that says the same in numbers. */
import type { Curve, Series } from '../data.ts';
import { html, type Html } from '../html.ts';
import type { PageCurve } from '../page.ts';
import { formatValue, whole } from '../words.ts';

const encode = (values: Float32Array | Float64Array): string => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

export const pageCurve = (curve: Curve): PageCurve => ({
  scale: curve.scale, kind: curve.kind ?? 'number',
  series: curve.series.map(({ name, steps, values }) => ({ name, steps: encode(Float64Array.from(steps)), values: encode(Float32Array.from(values)) })),
});

function row({ name, steps, values }: Series): Html {
  const finite = Array.from(values).filter(Number.isFinite);
  const at = (share: number): string => (values.length === 0 ? '' : formatValue(values[Math.round(share * (values.length - 1))]!, 'number'));
  const extreme = (pick: (...v: number[]) => number): string => (finite.length === 0 ? '' : formatValue(finite.reduce((a, b) => pick(a, b)), 'number'));
  const gaps = values.length - finite.length;
  return html`<tr><th scope="row">${name}</th><td>${whole(values.length)}${gaps > 0 ? ` (${whole(gaps)} not finite)` : ''}</td><td>${steps.length > 0 ? whole(steps[steps.length - 1]!) : ''}</td>${[0, 0.25, 0.5, 0.75, 1].map((share) => html`<td>${at(share)}</td>`)}<td>${extreme(Math.min)}</td><td>${extreme(Math.max)}</td></tr>`;
}

/** The curves as charts; the first is that of so many on the page. */
export const chartsOf = (curves: readonly Curve[], first: number): Html => html`<div class="charts">${curves.map((curve, i) => html`<figure class="chart">
      <figcaption><h3>${curve.name}</h3><p>${curve.explanation}</p></figcaption>
      <div class="plot" data-curve="${first + i}" data-name="${curve.name}"></div>
    </figure>`)}</div>`;

export function curvesSection(curves: readonly Curve[]): Html | null {
  if (curves.length === 0) return null;
  return html`<section id="curves" aria-labelledby="curves-title">
    <h2 id="curves-title">How training went</h2>
    <p class="lead">Every recorded point is in this file. Drag across a chart to look closer; double-click or press Escape to see all of it again.</p>
    ${chartsOf(curves, 0)}
    <details><summary>The curves as a table</summary>
      <div class="scroll" tabindex="0" role="region" aria-label="The curves as a table"><table class="plain">
        <thead><tr><th scope="col">Curve</th><th scope="col">Points</th><th scope="col">Last step</th><th scope="col">Start</th><th scope="col">Quarter</th><th scope="col">Half</th><th scope="col">Three quarters</th><th scope="col">End</th><th scope="col">Lowest</th><th scope="col">Highest</th></tr></thead>
        <tbody>${curves.flatMap((curve) => curve.series).map(row)}</tbody>
      </table></div>
    </details>
  </section>`;
}
