/** The table of what was learned: each measure before, after and by chance, with a drawing of the change and the verdict in words. */
import type { Estimate, Measure } from '../data.ts';
import { html, type Html } from '../html.ts';
import { formatValue, judge, verdictText } from '../words.ts';

const width = 200;

/** Before and after on a scale from 0 to 1, chance as a tick. */
function drawing(measure: Measure): Html | null {
  if (measure.kind !== 'share') return null;
  const x = (share: number): string => (6 + (width - 12) * Math.min(Math.max(share, 0), 1)).toFixed(1);
  const { before, after, chance } = measure;
  return html`<svg class="change" viewBox="0 0 ${width} 24" role="presentation" aria-hidden="true">
    <line class="axis" x1="6" x2="${width - 6}" y1="12" y2="12"/>
    ${after.interval ? html`<line class="interval" x1="${x(after.interval[0])}" x2="${x(after.interval[1])}" y1="12" y2="12"/>` : null}
    ${before ? html`<line class="path ${judge(measure)}" x1="${x(before.value)}" x2="${x(after.value)}" y1="12" y2="12"/><circle class="before" cx="${x(before.value)}" cy="12" r="4.5"/>` : null}
    <circle class="after ${judge(measure)}" cx="${x(after.value)}" cy="12" r="5.5"/>
    ${chance === null ? null : html`<line class="chance" x1="${x(chance)}" x2="${x(chance)}" y1="3" y2="21"/>`}
  </svg>`;
}

function cell(estimate: Estimate | null, kind: Measure['kind']): Html {
  if (!estimate) return html`<td class="number"><span class="quiet">not measured</span></td>`;
  const { value, interval } = estimate;
  return html`<td class="number">${formatValue(value, kind)}${interval ? html`<small>${formatValue(interval[0], kind)} to ${formatValue(interval[1], kind)}</small>` : null}</td>`;
}

export function measuresSection(measures: readonly Measure[]): Html | null {
  if (measures.length === 0) return null;
  const rows = measures.map((measure) => html`<tr>
      <th scope="row">${measure.name}<p>${measure.explanation}</p></th>
      ${cell(measure.before, measure.kind)}${cell(measure.after, measure.kind)}
      <td class="number">${measure.chance === null ? html`<span class="quiet">none</span>` : formatValue(measure.chance, measure.kind)}</td>
      <td class="verdict ${judge(measure)}">${drawing(measure)}<span>${verdictText(measure)}</span></td>
    </tr>`);
  const intervals = measures.some((measure) => measure.after.interval);
  return html`<section id="measures" aria-labelledby="measures-title">
    <h2 id="measures-title">What was learned</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of measures"><table class="measures">
      <thead><tr><th scope="col">Measure</th><th scope="col" class="number">Before</th><th scope="col" class="number">After</th><th scope="col" class="number">Chance</th><th scope="col">Change</th></tr></thead>
      <tbody>${rows}</tbody>
    </table></div>
    <p class="key"><span class="swatch ring"></span> before training <span class="swatch dot"></span> after <span class="swatch tick"></span> by chance, on a scale from 0 to 100&#8239;%. A change counts as one ${intervals ? 'where the 95\u202f% intervals are apart, or, where there is no interval,' : ''} from one percentage point on.</p>
  </section>`;
}
