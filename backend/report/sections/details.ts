/** What was used, the complete run file, and how to go on. */
import type { ReportData } from '../data.ts';
import { html, type Html } from '../html.ts';

export function detailsSection(data: ReportData): Html {
  const commands = data.commands.map(({ purpose, command }) => html`<li><p>${purpose}</p><div class="command"><code tabindex="0">${command}</code><button type="button" data-copy="${command}">Copy</button></div></li>`);
  return html`${data.commands.length > 0 ? html`<section id="next" aria-labelledby="next-title"><h2 id="next-title">How to go on</h2><ol class="commands">${commands}</ol></section>` : null}
  <section id="details" aria-labelledby="details-title">
    <h2 id="details-title">What was used</h2>
    ${data.facts.length > 0 ? html`<dl class="facts">${data.facts.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>` : null}
    <details><summary>The complete run file</summary><pre tabindex="0"><code>${JSON.stringify(data.config, null, 2) ?? 'null'}</code></pre></details>
  </section>`;
}
