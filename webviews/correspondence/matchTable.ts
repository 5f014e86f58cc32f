/** Every patch with its match as a table, for those who do not see the pictures, and for copying; written when it is opened. */
import { element } from '../common/dom.ts';
import type { Pair } from './pair.ts';
import { errorText, placeText } from './words.ts';

export interface Listed {
  name: string;
  pair: Pair | null;
}

export class MatchTable {
  readonly element = element('details', { class: 'section' }, element('summary', {}, 'All matches as a table'));
  private readonly holder = element('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'All matches' });
  private listed: readonly Listed[] = [];
  private written: readonly (Pair | null)[] = [];

  constructor() {
    this.element.append(this.holder);
    this.element.addEventListener('toggle', () => this.write());
  }

  show(listed: readonly Listed[]): void {
    this.listed = listed;
    this.write();
  }

  private write(): void {
    if (!this.element.open || (this.listed.length === this.written.length && this.listed.every(({ pair }, i) => pair === this.written[i]))) return;
    this.written = this.listed.map(({ pair }) => pair);
    this.holder.replaceChildren(...this.listed.map(({ name, pair }) => (pair ? tableOf(name, pair) : '')));
  }
}

function tableOf(name: string, pair: Pair): HTMLElement {
  const head = [pair.predicted ? 'Place of b' : 'Patch of a', 'Best match in b', 'Cosine', 'Each other\'s best', 'Truly at', 'Error'];
  return element('table', { class: 'matches' }, element('caption', {}, name), element('thead', {}, element('tr', {}, ...head.map((text) => element('th', { scope: 'col' }, text)))),
    element('tbody', {}, ...Array.from(pair.best, (best, patch) => {
      const truth = pair.truthOf(patch), { distance, error } = pair.errorOf('b', best, truth);
      return element('tr', {}, element('th', { scope: 'row' }, placeText(pair.centre(pair.predicted ? 'b' : 'a', patch))), ...[placeText(pair.centre('b', best)), pair.similarities('a', patch)[best]!.toFixed(3), pair.mutual[patch] ? 'yes' : '', truth ? placeText(truth) : '–', errorText(distance, error)].map((text) => element('td', {}, text)));
    })));
}
