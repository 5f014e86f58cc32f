/** The card of a view's mask: which patches the model does not see, and the settings of every kind of mask that the method takes there. */
import type { LabMask, LabMaskUse, LabShownView, LabView } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { cardOf, choiceSetting, type Card } from './card.ts';
import { numberControl, rangeControl } from './controls.ts';
import { hiddenCount } from './words.ts';

type Kind = LabMask['kind'];

const kindWords: Record<Kind, string> = { none: 'none', random: 'single patches', block: 'blocks', varied: 'varied' };
/** Of iBOT's blocks. */
const usualAspect: [number, number] = [0.3, 1 / 0.3];
/** Which kinds of mask a method takes. */
const kindsOf = ({ count, needed }: LabMaskUse): Kind[] => [...(needed ? [] : ['none' as const]), 'random', 'block', ...(count === 'any' ? ['varied' as const] : [])];

/** Where a control's value goes. */
type Put = (path: (string | number)[], value: unknown) => void;

/** A part of the card for one kind of mask, brought in line with the mask as it is. */
interface Part {
  elements: HTMLElement[];
  update(mask: LabMask): void;
}

export interface MaskCardOptions {
  view: LabView;
  /** null: the method sees all of the view, or drops patches of it by itself. */
  use: LabMaskUse | null;
  /** Patches of the view. */
  patches: number;
  /** Masks of other kinds that the view had, so that going back to one finds it as it was. */
  before: Map<Kind, LabMask>;
  put: Put;
  /** Draws the view into the card, where it is another one. */
  paint: (picture: HTMLCanvasElement, shown: LabShownView) => void;
}

export function maskCard({ view, use, patches, before, put, paint }: MaskCardOptions): Card {
  const owner = `the mask of ${view.name}`;
  const kind = element('select', { 'aria-label': `kind of ${owner}` });
  const parts = use && view.mask ? partsOf(owner, view.mask, patches, use, put) : [];
  if (use) {
    kind.append(...kindsOf(use).map((value) => element('option', { value }, kindWords[value])));
    kind.addEventListener('change', () => put(['mask'], maskOf(kind.value as Kind, patches, before)));
  }
  const { element: made, picture, drawn } = cardOf(`Mask of ${view.name}`, 'Mask', [...(use ? [choiceSetting('kind', 'What is masked', kind)] : []), ...parts.flatMap(({ elements }) => elements)]);
  return {
    element: made,
    update({ mask }, shown) {
      kind.value = mask?.kind ?? 'none';
      if (mask) before.set(mask.kind, mask);
      if (mask) for (const part of parts) part.update(mask);
      made.classList.toggle('idle', !shown?.mask);
      if (!shown) return;
      paint(picture, shown);
      setText(drawn, saidOf(shown));
    },
  };
}

function saidOf(shown: LabShownView): string {
  const hidden = hiddenCount(shown), all = shown.grid ** 2;
  if (shown.hidden === 'dropped') return `${hidden} of ${all} dropped by the method, in the same places of a whole batch`;
  return shown.hidden ? `${hidden} of ${all} masked, ${all - hidden} seen` : 'sees everything';
}

function partsOf(owner: string, mask: LabMask, patches: number, use: LabMaskUse, put: Put): Part[] {
  if (mask.kind === 'none') return [];
  if (mask.kind !== 'varied') return [countPart(owner, patches, use.needed ? 1 : 0, put), ...(mask.kind === 'block' ? [blockPart(owner, patches, put)] : [])];
  return [sharesPart(owner, mask.shares.length, put), ...(mask.shape === 'block' ? [blockPart(owner, patches, put)] : [])];
}

/** How many patches, of every image. */
function countPart(owner: string, patches: number, least: number, put: Put): Part {
  const share = numberControl(owner, { label: 'ratio', title: 'Share of the patches that is masked, exactly', min: 0, max: 1 }, (value) => put(['mask', 'count'], Math.max(least, Math.round(Math.min(1, Math.max(0, value)) * patches))));
  const count = numberControl(owner, { label: 'patches', title: 'Masked patches, exactly', min: least, max: patches, whole: true }, (value) => put(['mask', 'count'], value));
  return {
    elements: [share.element, count.element],
    update(mask) {
      if (!('count' in mask)) return;
      share.set(mask.count / patches);
      count.set(mask.count);
    },
  };
}

function blockPart(owner: string, patches: number, put: Put): Part {
  const least = numberControl(owner, { label: 'least block', title: 'Fewest patches of a block', min: 1, max: Math.max(2, Math.round(patches / 3)), limit: patches, whole: true }, (value) => put(['mask', 'minBlock'], Math.max(1, value)));
  const aspect = rangeControl(owner, { label: 'aspect', title: 'Height / width of a block', min: 0.1, max: 10, logarithmic: true }, (value) => put(['mask', 'aspect'], value));
  return {
    elements: [least.element, aspect.element],
    update(mask) {
      if (!('minBlock' in mask)) return;
      least.set(mask.minBlock);
      aspect.set(mask.aspect);
    },
  };
}

/** The shape of a varied mask, and the ranges of which each image draws one. */
function sharesPart(owner: string, ranges: number, put: Put): Part {
  const shape = element('select', { 'aria-label': `shape of ${owner}` }, ...(['block', 'random'] as const).map((value) => element('option', { value }, kindWords[value])));
  shape.addEventListener('change', () => put(['mask', 'shape'], shape.value));
  let now: readonly [number, number][] = [];
  const controls = Array.from({ length: ranges }, (_, i) => rangeControl(owner, { label: ranges === 1 ? 'share' : `share ${i + 1}`, title: ranges === 1 ? 'Each image draws the share of its patches that is masked from this range' : 'Each image draws one of these ranges, and from it the share of its patches that is masked', min: 0, max: 1 }, (value) => put(['mask', 'shares', i], value)));
  const add = button('Add a range', { 'aria-label': `Add a range to ${owner}`, title: 'Another range that an image may draw its share from' }, () => put(['mask', 'shares'], [...now, now.at(-1)!]));
  const remove = button('Remove the last', { 'aria-label': `Remove the last range of ${owner}`, hidden: ranges === 1 }, () => put(['mask', 'shares'], now.slice(0, -1)));
  return {
    elements: [choiceSetting('shape', 'What is masked', shape), ...controls.map((control) => control.element), element('div', { class: 'ranges' }, add, remove)],
    update(mask) {
      if (mask.kind !== 'varied') return;
      now = mask.shares;
      shape.value = mask.shape;
      controls.forEach((control, i) => control.set(mask.shares[i]!));
    },
  };
}

/** A mask of another kind: as it was before, or else of as many patches as the last one. */
function maskOf(kind: Kind, patches: number, before: ReadonlyMap<Kind, LabMask>): LabMask | null {
  if (kind === 'none') return null;
  const known = before.get(kind);
  if (known) return known;
  const counted = before.get('random') ?? before.get('block');
  const count = counted && 'count' in counted ? counted.count : Math.round(patches * 0.6), minBlock = Math.max(1, Math.min(16, Math.floor(patches / 4)));
  if (kind === 'random') return { kind, count };
  if (kind === 'block') return { kind, count, minBlock, aspect: usualAspect };
  return { kind, shape: 'block', shares: [[0.1, 0.5]], minBlock, aspect: usualAspect };
}
