/** Which patch of one view the model takes for which patch of the other, before and after training: pictures to point at. */
import type { MatchMap, PairSample } from '../data.ts';
import { html, type Html } from '../html.ts';
import { gridUrl, photoUrl } from '../images.ts';
import type { PageMatches, PagePair } from '../page.ts';
import { pck, pckRates } from '../../evaluate/correspondence.ts';
import { formatValue } from '../words.ts';

function pageMatches({ similarity, best }: MatchMap): PageMatches {
  const low = similarity.reduce((a, b) => Math.min(a, b));
  const high = similarity.reduce((a, b) => Math.max(a, b));
  const scale = high > low ? 255 / (high - low) : 0;
  return { similarity: Buffer.from(Uint8Array.from(similarity, (v) => Math.round((v - low) * scale))).toString('base64'), low, high, best: Array.from(best) };
}

export const pagePair = ({ grid, truth, before, after }: PairSample): PagePair => ({
  grid,
  truth: Buffer.from(truth.buffer, truth.byteOffset, truth.byteLength).toString('base64'),
  before: pageMatches(before),
  after: pageMatches(after),
});

const rates = (pair: PairSample, map: MatchMap): { rates: number[]; chance: number[] } => pckRates(pck(map.best, pair.truth, pair.grid));

async function colourPair(map: MatchMap, grid: number, when: string): Promise<Html> {
  const image = async (colours: Uint8Array, view: string): Promise<Html> => html`<img class="pixels" src="${await gridUrl({ width: grid, height: grid, pixels: colours })}" width="${grid}" height="${grid}" alt="${`Main components of view ${view}'s features as colours, ${when}`}">`;
  return html`<figure><div class="twins">${await image(map.colours.b, 'b')}${await image(map.colours.a, 'a')}</div><figcaption>${when}: b and a</figcaption></figure>`;
}

async function pairFigure(pair: PairSample, i: number): Promise<Html> {
  const [a, b] = await Promise.all([photoUrl(pair.a.image), photoUrl(pair.b.image)]);
  const heat = (when: 'before' | 'after', map: MatchMap): Html => html`<figure>
        <div class="frame"><img src="${a}" width="${pair.a.image.width}" height="${pair.a.image.height}" alt="${`View a, ${when} training`}"><canvas class="overlay" data-heat="${when}" aria-hidden="true"></canvas></div>
        <figcaption><b>View a, ${when} training</b> within one patch: ${formatValue(rates(pair, map).rates[1]!, 'share')}</figcaption>
      </figure>`;
  return html`<div class="pair" data-pair="${i}" data-file="${pair.file}" role="group" aria-label="${`Pair ${i + 1}: ${pair.file}`}">
      <div class="trio">
        <figure>
          <div class="frame"><img src="${b}" width="${pair.b.image.width}" height="${pair.b.image.height}" alt="${`View b of ${pair.file}`}"><canvas class="overlay" data-query></canvas></div>
          <figcaption><b>View b</b> point at a patch</figcaption>
        </figure>
        ${heat('before', pair.before)}
        ${heat('after', pair.after)}
      </div>
      <p class="readout" data-readout aria-live="polite">Point at a patch of view b, or choose the picture and use the arrow keys.</p>
      <div class="colours"><p><b>Features as colours.</b> The three main components of the patch features as red, green and blue, on one scale for both views: like colours are like features.</p>${await Promise.all([colourPair(pair.before, pair.grid, 'before'), colourPair(pair.after, pair.grid, 'after')])}</div>
    </div>`;
}

export async function pairsSection(pairs: readonly PairSample[]): Promise<Html | null> {
  if (pairs.length === 0) return null;
  const buttons = await Promise.all(pairs.map(async (pair, i) => html`<button type="button" data-pick="${i}" aria-pressed="${i === 0 ? 'true' : 'false'}"><img src="${await photoUrl(pair.image)}" width="${pair.image.width}" height="${pair.image.height}" alt="${`Pair ${i + 1}: ${pair.file}`}"></button>`));
  const row = (pair: PairSample, i: number): Html => {
    const [before, after] = [rates(pair, pair.before), rates(pair, pair.after)];
    return html`<tr><th scope="row">${i + 1}: ${pair.file}</th>${[0, 1, 2].map((t) => html`<td>${formatValue(before.rates[t]!, 'share')}</td><td>${formatValue(after.rates[t]!, 'share')}</td><td>${formatValue(after.chance[t]!, 'share')}</td>`)}</tr>`;
  };
  return html`<section id="pairs" aria-labelledby="pairs-title">
    <h2 id="pairs-title">Which patch is which</h2>
    <p class="lead">Both views are crops of one image, so the true match of each patch is known. Point at a patch of view b: the two copies of view a light up where the model finds it, before and after training.</p>
    <div class="picker" role="group" aria-label="Choose a pair of views">${buttons}</div>
    <div class="switch" role="group" aria-label="Marks on view b"><span>Marks on view b:</span><button type="button" data-marks="after" aria-pressed="true">after training</button><button type="button" data-marks="before" aria-pressed="false">before</button><button type="button" data-marks="none" aria-pressed="false">none</button></div>
    <p class="key"><span class="mark right"></span> right patch <span class="mark near"></span> next to it <span class="mark wrong"></span> wrong <span class="mark absent"></span> not in view a &emsp; in view a: <span class="mark truth"></span> the true match <span class="mark best"></span> the model's match</p>
    ${await Promise.all(pairs.map(pairFigure))}
    <details><summary>The pairs as a table</summary>
      <div class="scroll" tabindex="0" role="region" aria-label="The pairs as a table"><table class="plain">
        <thead><tr><th scope="col" rowspan="2">Pair</th>${['Right patch', 'Within one patch', 'Within two'].map((name) => html`<th scope="colgroup" colspan="3">${name}</th>`)}</tr><tr>${[0, 1, 2].map(() => html`<th scope="col">before</th><th scope="col">after</th><th scope="col">chance</th>`)}</tr></thead>
        <tbody>${pairs.map(row)}</tbody>
      </table></div>
    </details>
  </section>`;
}
