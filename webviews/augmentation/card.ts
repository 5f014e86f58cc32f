/** A step of the pipeline as a card: its title, the picture after it, what was drawn for it, and its settings. */
import type { LabShownView, LabView } from '../../backend/protocol.ts';
import { element } from '../common/dom.ts';

/** Of a card's picture, in CSS pixels. */
export const pictureSide = 112;

export interface Card {
  element: HTMLElement;
  update(view: LabView, shown: LabShownView | null): void;
}

/** The card's parts, to be filled in. */
export function cardOf(owner: string, title: HTMLElement | string, settings: HTMLElement[]): { element: HTMLElement; picture: HTMLCanvasElement; drawn: HTMLElement } {
  const picture = element('canvas', { role: 'img', 'aria-label': `${owner}: picture` });
  const drawn = element('p', { class: 'drawn' });
  return { picture, drawn, element: element('article', { class: 'card', 'aria-label': owner }, element('h4', {}, title), picture, drawn, ...settings) };
}

/** A setting that is one of a few, with its name beside it. */
export const choiceSetting = (label: string, title: string, select: HTMLSelectElement): HTMLElement => element('div', { class: 'setting', title }, element('span', { class: 'label' }, label), select);
