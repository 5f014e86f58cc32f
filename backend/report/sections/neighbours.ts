/** Test images beside the training images that the model finds most like them. */
import type { NeighbourSample } from '../data.ts';
import { html, type Html } from '../html.ts';
import { photoUrl } from '../images.ts';

async function rowOf(sample: NeighbourSample): Promise<Html> {
  const right = sample.predicted === sample.label;
  const found = await Promise.all(sample.neighbours.map(async (n) => {
    const same = n.label === sample.label;
    return html`<figure class="${same ? 'same' : 'other'}"><img src="${await photoUrl(n.image)}" width="${n.image.width}" height="${n.image.height}" alt="${`A ${n.label}, ${n.file}, cosine ${n.cosine.toFixed(2)}`}"><figcaption><span class="sign" aria-hidden="true">${same ? '✓' : '✕'}</span> ${n.label} <small>${n.cosine.toFixed(2)}</small></figcaption></figure>`;
  }));
  return html`<div class="neighbours">
      <figure class="query"><img src="${await photoUrl(sample.image)}" width="${sample.image.width}" height="${sample.image.height}" alt="${`Test image ${sample.file}, a ${sample.label}`}"><figcaption><b>${sample.label}</b> ${right ? 'named rightly' : `taken for ${sample.predicted}`}</figcaption></figure>
      <div class="found">${found}</div>
    </div>`;
}

export async function neighboursSection(samples: readonly NeighbourSample[]): Promise<Html | null> {
  if (samples.length === 0) return null;
  return html`<section id="neighbours" aria-labelledby="neighbours-title">
    <h2 id="neighbours-title">What the model finds alike</h2>
    <p class="lead">Test images, never trained on, each with the training images whose features are nearest (cosine below). Nothing was trained on the class names.</p>
    ${await Promise.all(samples.map(rowOf))}
  </section>`;
}
