/** What the model was shown: the source image with both crops drawn on it, and each view with its mask. */
import type { Crop } from '../../augment/geometry.ts';
import type { Sample, SampleView } from '../data.ts';
import { html, type Html } from '../html.ts';
import { photoUrl } from '../images.ts';

/** The crop as a rectangle of the unflipped source image, in its pixels. */
const left = (crop: Crop): number => (crop.flipped ? crop.imageWidth - crop.left - crop.width : crop.left);

function cropBox(view: SampleView, k: number): Html {
  const { crop } = view;
  const unit = Math.max(crop.imageWidth, crop.imageHeight) / 100;
  const x = left(crop);
  const label = `${view.name}${crop.flipped ? ', flipped' : ''}`;
  // The first label stands at its box's top, the second at its foot, so that they do not meet.
  const y = k === 0 ? crop.top + 6.4 * unit : crop.top + crop.height - 2.4 * unit;
  return html`<rect class="crop view-${k}" x="${x}" y="${crop.top}" width="${crop.width}" height="${crop.height}" rx="${unit}"/>
    <text class="crop-label view-${k}" x="${x + 2 * unit}" y="${y}" font-size="${5.2 * unit}">${label}</text>`;
}

function maskCells({ mask, grid }: SampleView): Html | null {
  if (!mask) return null;
  const cells = Array.from(mask.entries()).filter(([, masked]) => masked === 1).map(([i]) => `M${i % grid} ${Math.floor(i / grid)}h1v1h-1z`).join('');
  const lines = Array.from({ length: grid - 1 }, (_, i) => `M${i + 1} 0V${grid}M0 ${i + 1}H${grid}`).join('');
  return html`<svg class="overlay" viewBox="0 0 ${grid} ${grid}" preserveAspectRatio="none" aria-hidden="true"><path class="masked" d="${cells}"/><path class="grid" d="${lines}"/></svg>`;
}

function describeView(view: SampleView): string {
  const { crop, mask } = view;
  const share = Math.round((100 * crop.width * crop.height) / (crop.imageWidth * crop.imageHeight));
  const hidden = mask ? `, ${mask.reduce((sum, m) => sum + m, 0)} of ${mask.length} patches masked` : '';
  return `${crop.width} x ${crop.height} pixels, ${share} % of the image${crop.flipped ? ', flipped' : ''}${hidden}`;
}

async function sampleFigure(sample: Sample): Promise<Html> {
  const { views } = sample;
  const { imageWidth, imageHeight } = views[0]?.crop ?? { imageWidth: sample.image.width, imageHeight: sample.image.height };
  const shown = await Promise.all(views.map(async (view, k) => html`<figure class="view view-${k}">
      <div class="frame"><img src="${await photoUrl(view.image)}" width="${view.image.width}" height="${view.image.height}" alt="${`The ${view.name} view: ${describeView(view)}`}">${maskCells(view)}</div>
      <figcaption><b>${view.name} view</b> ${describeView(view)}</figcaption>
    </figure>`));
  return html`<div class="sample">
      <figure class="source">
        <div class="frame"><img src="${await photoUrl(sample.image)}" width="${sample.image.width}" height="${sample.image.height}" alt="${`The source image ${sample.file} with ${views.length} crops drawn on it`}">
        <svg class="overlay" viewBox="0 0 ${imageWidth} ${imageHeight}" preserveAspectRatio="none" aria-hidden="true">${views.map(cropBox)}</svg></div>
        <figcaption><b>source</b> ${sample.file}</figcaption>
      </figure>
      ${shown}
    </div>`;
}

export async function samplesSection(samples: readonly Sample[]): Promise<Html | null> {
  if (samples.length === 0) return null;
  return html`<section id="samples" aria-labelledby="samples-title">
    <h2 id="samples-title">What the model was shown</h2>
    <p class="lead">Views as the loader made them: two crops of each image with their colours changed. Masked patches of the online view never reach the encoder; the model has to predict the target view's features without them.</p>
    <div class="samples">${await Promise.all(samples.map(sampleFigure))}</div>
  </section>`;
}
