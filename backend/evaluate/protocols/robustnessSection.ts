/** What corruptions cost, for the page of an evaluation: errors by corruption and level, and how one image looks under each. */
import { html, type Html } from '../../report/html.ts';
import { photoUrl } from '../../report/images.ts';
import { formatValue } from '../../report/words.ts';
import type { CorruptionName } from '../../augment/corruptions/names.ts';
import type { CorruptionRow, Robustness } from './corruptionError.ts';
import type { Section } from './reportPage.ts';
import type { CorruptedExample, RobustnessResult } from './robustness.ts';

/** Strengths of colour in a heat table. */
const steps = 10;
const style = `
.heat td { text-align: right; padding: 8px 12px; border: 1px solid var(--paper); }
.heat td:first-of-type, .heat thead th:nth-child(2) { text-align: right; }
.heat thead th { padding-right: 12px; }
.heat th[scope='row'] { padding: 8px 0; }
${Array.from({ length: steps + 1 }, (_, i) => `.heat .h${i} { background: color-mix(in srgb, var(--bad) ${i * 4}%, var(--paper)); }`).join('\n')}
.examples td { padding: 4px; border: 0; }
.examples { width: auto; }
.examples thead th { padding: 4px; text-align: center; }
.examples thead th:first-child { text-align: left; }
.examples td:first-of-type { text-align: center; }
.examples img { display: block; width: 96px; height: 96px; border-radius: 3px; }
.examples th[scope='row'] { vertical-align: middle; }
`;

const percent = (value: number): string => formatValue(value, 'share');
const words = (name: CorruptionName): string => name.replaceAll('_', ' ');
const mostPixels = 128;

export async function robustnessSection(robustness: Robustness, { size, corruptions }: RobustnessResult['examples']): Promise<Section> {
  const { cleanError, meanError, mce, mceWithoutFrost, robustness: score, notes } = robustness;
  const levels = robustness.corruptions[0]?.levels.map(({ level }) => level) ?? [];
  const isCompared = robustness.corruptions.some(({ corruptionError }) => corruptionError !== null);
  const cell = (value: number): Html => html`<td class="h${Math.round(value * steps)}">${percent(value)}</td>`;
  const row = ({ corruption, levels: each, meanError: error, corruptionError }: CorruptionRow): Html => html`<tr><th scope="row">${words(corruption)}</th>${each.map(({ error: { value } }) => cell(value))}${cell(error)}${isCompared ? html`<td>${corruptionError === null ? '' : percent(corruptionError)}</td>` : null}</tr>
`;
  const heads = html`${levels.map((level) => html`<th scope="col">level ${level}</th>`)}`;
  const pictures = await Promise.all(corruptions.map((example) => pictureRow(example, size)));
  const body = html`<section><h2>Errors under corruption</h2>
<p class="lead">${percent(meanError)} of corrupted images are mistaken, and ${percent(cleanError.value)} of the same images as they are.${mce === null ? '' : ` mCE ${mce.toFixed(1)} (AlexNet is 100; without frost ${mceWithoutFrost!.toFixed(1)}); robustness, 100 - mCE, is ${score!.toFixed(1)}.`}</p>
<div class="scroll" tabindex="0" role="group" aria-label="Errors by corruption and level"><table class="heat"><thead><tr><th scope="col">Corruption</th>${heads}<th scope="col">mean</th>${isCompared ? html`<th scope="col">of AlexNet's</th>` : null}</tr></thead><tbody>
${robustness.corruptions.map(row)}</tbody></table></div>
${notes.length === 0 ? null : html`<div class="notes">${notes.map((note) => html`<p>${note[0]!.toUpperCase()}${note.slice(1)}.</p>`)}</div>`}</section>
<section><h2>What the model saw</h2><p class="lead">The first test image.</p>
<div class="scroll" tabindex="0" role="group" aria-label="One image under each corruption"><table class="examples"><thead><tr><th scope="col">Corruption</th>${heads}</tr></thead><tbody>
${pictures}</tbody></table></div></section>`;
  return { style, body };
}

async function pictureRow({ corruption, levels }: CorruptedExample, size: number): Promise<Html> {
  const urls = await Promise.all(levels.map(({ pixels }) => photoUrl(smaller(pixels, size))));
  return html`<tr><th scope="row">${words(corruption)}</th>${urls.map((url, i) => html`<td><img src="${url}" alt="${words(corruption)} at level ${levels[i]!.level}" width="96" height="96"></td>`)}</tr>
`;
}

/** At most `mostPixels` a side, each the mean of a square of them, so that a page of 75 pictures stays small. */
function smaller(pixels: Uint8Array, size: number): { width: number; height: number; pixels: Uint8Array } {
  const square = Math.ceil(size / mostPixels), side = Math.floor(size / square);
  const result = new Uint8Array(side * side * 3);
  for (let i = 0; i < result.length; i++) {
    const c = i % 3, x = Math.floor(i / 3) % side, y = Math.floor(i / (3 * side));
    let sum = 0;
    for (let v = 0; v < square; v++) for (let u = 0; u < square; u++) sum += pixels[((y * square + v) * size + x * square + u) * 3 + c]!;
    result[i] = Math.round(sum / square ** 2);
  }
  return { width: side, height: side, pixels: result };
}
