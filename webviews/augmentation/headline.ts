/** The answer to what is asked first: do the views still share anything, and what of each does the model not see? */
import type { LabHidden, LabPair, LabSample } from '../../backend/protocol.ts';
import { element } from '../common/dom.ts';
import { patchAt, patchInView } from './geometry.ts';
import { hiddenCount, hiddenWords, listed, percent, type CellWords } from './words.ts';

export class Headline {
  private readonly sentence = element('p', { class: 'headline' });
  private readonly shares = element('div', { class: 'shares', 'aria-hidden': 'true' }, ...['seen', 'hidden-part', 'absent'].map((name) => element('span', { class: name })));
  private readonly masks = element('p', { class: 'masks' });
  readonly element = element('div', { class: 'answer' }, this.sentence, this.shares, this.masks);

  show(sample: LabSample, { one, many }: CellWords): void {
    const [pair] = sample.pairs, [only] = sample.views;
    this.shares.hidden = this.masks.hidden = !pair;
    if (pair) return this.compare(sample, pair, one, many);
    const patches = only!.grid ** 2, hidden = hiddenCount(only!);
    const rest = hidden === 0 ? '.' : only!.hidden === 'dropped' ? `; the ${hidden} others are dropped, in the same places of a whole batch.` : ` and is to fill in the ${hidden} others.`;
    this.sentence.replaceChildren(element('b', {}, hidden === 0 ? 'The model sees all of the view' : `The model sees ${patches - hidden} of ${patches} ${many}`), rest);
  }

  private compare(sample: LabSample, pair: LabPair, one: string, many: string): void {
    const a = sample.views[0]!, b = sample.views[pair.view]!, patches = b.grid ** 2, isMoved = sample.views.some(({ moved }) => moved);
    let seen = 0, hidden = 0;
    for (let patch = 0; patch < patches; patch++) {
      const { row, column } = patchInView(b.box, b.grid, patch, a.box), there = patchAt(row, column, a.grid);
      if (there === null) continue;
      if (a.mask?.[there]) hidden++;
      else seen++;
    }
    const overlap = pair.overlapOfA;
    const others = sample.pairs.slice(1).map(({ overlapOfA }) => overlapOfA);
    this.sentence.replaceChildren(
      element('b', {}, overlap === 0 ? `${a.name} and ${b.name} share nothing` : `${a.name} and ${b.name} share ${percent(overlap)} of ${a.name}`),
      overlap === 0 ? `: no ${one} of ${b.name} lies in ${a.name}; everything must be guessed.` : `: of ${b.name}'s ${patches} ${many} ${seen + hidden} lie in it${a.hidden ? `, ${seen} where it is seen and ${hidden} ${hiddenWords[a.hidden].place}` : ''}.`,
      ...(others.length > 0 ? [` The other ${others.length} views share ${percent(Math.min(...others))} to ${percent(Math.max(...others))}.`] : []));
    [seen, hidden, patches - seen - hidden].forEach((count, i) => ((this.shares.children[i] as HTMLElement).style.flexGrow = String(count)));
    this.masks.replaceChildren(`${isMoved ? `Steps moved pixels of ${listed(sample.views.filter(({ moved }) => moved).map(({ name }) => name))}: what is said of shared places holds for the crops alone. ` : ''}${masksText(sample, one, many)}`);
  }
}

/** What of every view the model does not see. */
export function masksText({ views }: LabSample, one: string, many: string): string {
  const of = (kind: LabHidden): LabSample['views'] => views.filter(({ hidden }) => hidden === kind);
  const whole = of(null);
  if (whole.length === views.length) return `The model sees every ${one} of every view.`;
  const parts = (['mask', 'dropped'] as const).flatMap((kind) => {
    const hidden = of(kind).map((view) => `${hiddenCount(view)} of ${view.grid ** 2} ${many} of ${view.name} (${percent(hiddenCount(view) / view.grid ** 2)})`);
    return hidden.length === 0 ? [] : [`${hiddenWords[kind].all}: ${listed(hidden)}.`];
  });
  const rest = whole.length === 0 ? '' : whole.length <= 2 ? ` The model sees all of ${listed(whole.map(({ name }) => name))}.` : ` The model sees all of the ${whole.length} other views.`;
  return `${parts.join(' ')}${rest}`;
}
