/** A study's table as a page that needs nothing else: no script, no network, light and dark. */
import { html, Html } from '../report/html.ts';
import { paperStyle, policyFor } from '../report/paperStyle.ts';
import { formatDuration } from '../report/words.ts';
import { chanceText, headOf, valueText } from './plainTables.ts';
import type { Study } from './studyFile.ts';
import type { Summary, SummaryRow, SummaryValue } from './summary.ts';

const style = `${paperStyle}
.progress { display: block; width: 100%; height: 6px; margin-top: 28px; }
.progress .all { fill: var(--hairline); }
.progress .done { fill: var(--mark); }
thead th.papers { border-bottom: 0; text-align: center; font-style: italic; font-family: var(--serif); font-size: 0.9375rem; }
td.paper { color: var(--quiet); }
td.paper.first, th.first { padding-left: 48px; }
td.best b { color: var(--mark); font-weight: 600; }
td svg { display: block; width: 108px; height: 12px; margin: 4px 0 0 auto; }
svg .axis { stroke: var(--hairline); stroke-width: 2; }
svg .chance { stroke: var(--quiet); stroke-width: 1.5; }
svg .seed { fill: var(--mark); fill-opacity: 0.75; }
tr.chance th, tr.chance td { color: var(--quiet); font-weight: 400; border-bottom: 0; font-size: 0.875rem; }
.waiting { color: var(--quiet); font-size: 0.8125rem; }
.unwell { color: var(--bad); }
`;

const policy = policyFor(style);

interface Axis {
  low: number;
  high: number;
}

/** One axis a column, from just below what was seen (and chance) to just above. */
function axisOf(rows: readonly SummaryRow[], id: string, chance: number | null): Axis {
  const seen = [...rows.flatMap(({ measures }) => measures.get(id)?.values ?? []), ...(chance === null ? [] : [chance])];
  const low = Math.min(...seen), high = Math.max(...seen);
  const margin = Math.max((high - low) * 0.06, 1e-3);
  return { low: low - margin, high: high + margin };
}

const width = 108;

function strip({ values }: SummaryValue, { low, high }: Axis, chance: number | null): Html {
  const x = (value: number): string => (4 + ((width - 8) * (value - low)) / (high - low)).toFixed(1);
  return html`<svg viewBox="0 0 ${width} 12" aria-hidden="true"><line class="axis" x1="1" x2="${width - 1}" y1="6" y2="6"/>${chance === null ? null : html`<line class="chance" x1="${x(chance)}" x2="${x(chance)}" y1="1" y2="11"/>`}${values.map((value) => html`<circle class="seed" cx="${x(value)}" cy="6" r="3.2"/>`)}</svg>`;
}

/** How far a row is that has nothing to show yet. */
function stateOf({ cells }: SummaryRow): string {
  const failed = cells.find(({ state }) => state === 'failed');
  if (failed) return `failed: ${(failed.error ?? 'see its log').slice(0, 160)}`;
  const running = cells.find(({ state }) => state === 'running');
  if (running) return `running, step ${running.step}${running.steps === null ? '' : ` of ${running.steps}`}`;
  if (cells.some(({ state }) => state === 'measuring')) return 'being measured';
  return cells.some(({ state }) => state === 'stopped') ? 'stopped, to be continued' : 'not run yet';
}

function tableOf(rows: readonly SummaryRow[], { columns, paper }: Summary): Html {
  const axes = columns.map(({ id, chance }) => axisOf(rows, id, chance));
  // Without a chance to beat it is no score, and has no best.
  const best = columns.map(({ id, chance }) => (chance === null ? NaN : Math.max(...rows.map(({ measures }) => measures.get(id)?.mean ?? -Infinity))));
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Runs and what was measured"><table>
<thead>
${paper.length > 0 ? html`<tr><th class="papers"></th>${columns.map(() => html`<th class="papers"></th>`)}<th class="papers"></th><th class="papers first" colspan="${paper.length}">the paper's own</th></tr>` : null}
<tr><th scope="col">Run</th>${columns.map((column) => html`<th scope="col">${headOf(column)}</th>`)}<th scope="col">runs</th>${paper.map((name, i) => html`<th scope="col"${i === 0 ? new Html(' class="first"') : null}>${name}</th>`)}</tr>
</thead>
<tbody>
${rows.map((summary) => {
  const { row, cells, done, measures, unwell } = summary;
  const failed = cells.filter(({ state }) => state === 'failed').length;
  return html`<tr><th scope="row">${row.name}${row.note === '' ? null : html`<small>${row.note}</small>`}${unwell > 0 ? html`<small class="unwell">unwell in ${unwell} of ${cells.length} runs: ${cells.flatMap(({ result }) => result?.health ?? [])[0] ?? ''}</small>` : null}${done === 0 ? html`<small class="${failed > 0 ? 'unwell' : 'waiting'}">${stateOf(summary)}</small>` : null}</th>
${columns.map((column, i) => {
    const { id, chance } = column;
    const value = measures.get(id);
    if (!value) return html`<td><span class="waiting">–</span></td>`;
    const [mean, deviation] = valueText(value, column).split(' ± ');
    return html`<td class="${value.mean === best[i] ? 'best' : 'other'}"><b>${mean!}</b>${deviation === undefined ? null : html` <i>± ${deviation}</i>`}${strip(value, axes[i]!, chance)}</td>`;
  })}<td class="waiting">${done} of ${cells.length}</td>${paper.map((name, i) => html`<td class="paper${i === 0 ? ' first' : ''}">${typeof row.paper[name] === 'number' ? row.paper[name].toFixed(1) : '–'}</td>`)}</tr>
`;
})}
${columns.some(({ chance }) => chance !== null) ? html`<tr class="chance"><th scope="row">chance</th>${columns.map((column) => html`<td>${chanceText(column)}</td>`)}<td></td>${paper.map(() => html`<td></td>`)}</tr>` : null}
</tbody></table></div>`;
}

export function studyPage(study: Study, summary: Summary, written: Date): string {
  const { groups, done, total } = summary;
  const seconds = groups.flatMap(({ rows }) => rows).filter(({ row }) => row.sameAs === undefined).flatMap(({ cells }) => cells).reduce((sum, { result }) => sum + (result ? result.trainSeconds + result.measureSeconds : 0), 0);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="SiamScope">
<title>${study.title || study.name}: SiamScope study</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>
<p class="masthead"><b>SiamScope</b> study</p>
<h1>${study.title || study.name}</h1>
<p class="byline">${done} of ${total} runs done${done > 0 ? `, ${formatDuration(seconds)} of computing` : ''}; ${study.seeds.length === 1 ? `seed ${study.seeds[0]}` : `mean ± standard deviation over seeds ${study.seeds.join(', ')}, a dot each`}. <time datetime="${written.toISOString()}">${written.toISOString().slice(0, 16).replace('T', ' ')} UTC</time></p>
<svg class="progress" viewBox="0 0 1000 6" preserveAspectRatio="none" role="img" aria-label="${done} of ${total} runs done"><rect class="all" width="1000" height="6" rx="3"/><rect class="done" width="${Math.round((1000 * done) / Math.max(1, total))}" height="6" rx="3"/></svg>
</header>
<main>
${groups.map(({ name, rows }) => html`<section>${name === '' ? null : html`<h2>${name}</h2>`}${tableOf(rows, summary)}</section>`)}
${study.notes.length > 0 ? html`<aside class="notes" aria-label="Notes">${study.notes.map((note) => html`<p>${note}</p>`)}</aside>` : null}
</main>
</body>
</html>
`.text;
}
