/** What belongs to a code or prototype: how the views at hand are assigned, how many images were sorted and how evenly, and the nearest of them. */
import type { Assignments, GatheredFacts, Sorted } from '../../backend/protocol.ts';
import { cellOf, drawPicture, rgbPicture, strokeRimmed, surface } from '../common/canvas.ts';
import { button, element, setText } from '../common/dom.ts';
import { percent, whole } from './words.ts';

/** Images sorted, as typed arrays. */
export interface Sorting extends GatheredFacts {
  counts: Int32Array;
  members: Int32Array;
  shares: Float32Array;
}

export interface Member {
  image: number;
  /** -1: the whole image. */
  patch: number;
  share: number;
}

export interface Pictured {
  imageSize: number;
  names: string[];
  pixels: Uint8Array;
}

/** The nearest that are known of a code or prototype, nearest first. */
export function membersOf({ members, shares, kept }: Sorting, entry: number): Member[] {
  return Array.from({ length: kept }, (_, i) => ({ image: members[2 * (entry * kept + i)]!, patch: members[2 * (entry * kept + i) + 1]!, share: shares[entry * kept + i]! })).filter(({ image }) => image >= 0);
}

/** How many alternatives, all alike, would be as spread. */
const asMany = (entropy: number): string => {
  const n = Math.exp(entropy);
  return n < 10 ? n.toFixed(1) : whole(Math.round(n));
};

/** How evenly entries are used, in words. */
export function usageText(by: Sorted, { images, used, usageEntropy, ownEntropy, skipped, counts }: Sorting): string {
  const what = by === 'codes' ? 'codes' : 'prototypes';
  const own = ownEntropy === null ? '' : ` An image by itself is spread over ${asMany(ownEntropy)}.`;
  return `${whole(images)} images use ${whole(used)} of ${whole(counts.length)} ${what}, as evenly as ${asMany(usageEntropy)} alike would be.${own}${skipped > 0 ? ` ${whole(skipped)} could not be read.` : ''}`;
}

/** The screen's first sentence: are both views assigned alike? */
export function assignedAnswer({ a, b }: Assignments): { bold: string; rest: string } {
  const [first, other] = [a.prototypes[0]!, b.prototypes[0]!];
  const shares = ` (${percent(a.probabilities[0]!)} and ${percent(b.probabilities[0]!)}).`;
  return first === other ? { bold: `Both views go to prototype ${first}`, rest: shares } : { bold: `View a goes to prototype ${first}, view b to ${other}`, rest: shares };
}

export interface MembersActions {
  choose(entry: number): void;
  go(image: number): void;
}

const shownRows = 8, side = 84;

export class Members {
  readonly element = element('div', { class: 'members', hidden: true });
  private readonly actions: MembersActions;
  private readonly rows = element('tbody');
  private readonly table = element('table', { class: 'assigned' }, element('caption', { class: 'hidden-text' }, 'Most probable prototypes of both views'),
    element('thead', {}, element('tr', {}, ...['Prototype', 'View a', 'View b'].map((text) => element('th', { scope: 'col' }, text)))), this.rows);
  private readonly spread = element('p', { class: 'note' });
  private readonly heading = element('p', { class: 'entry' });
  private readonly usage = element('p', { class: 'note' });
  private readonly pictures = element('div', { class: 'nearest', role: 'group', 'aria-label': 'Nearest of the images' });
  private drawn = '';

  constructor(actions: MembersActions) {
    this.actions = actions;
    this.element.append(this.table, this.spread, this.heading, this.usage, this.pictures);
  }

  /** `entry` is the code or prototype that is shown; null: none yet. */
  show(by: Sorted | null, assigned: Assignments | null, entry: number | null, sorting: Sorting | null, pictured: Pictured | null): void {
    this.element.hidden = by === null;
    if (by === null) return;
    this.table.hidden = this.spread.hidden = by !== 'prototypes' || !assigned;
    if (by === 'prototypes' && assigned) this.showAssigned(assigned, entry);
    setText(this.heading, entry === null ? '' : by === 'codes' ? `Code ${entry}` : `Prototype ${entry}`);
    this.heading.hidden = entry === null;
    const share = sorting && entry !== null ? sorting.counts[entry]! / (sorting.counts.reduce((sum, count) => sum + count, 0) || 1) : 0;
    const own = sorting && entry !== null ? (by === 'codes' ? `${whole(sorting.counts[entry]!)} patches (${percent(share)}) have it. ` : `${whole(sorting.counts[entry]!)} images (${percent(share)}) have it first. `) : '';
    setText(this.usage, sorting ? own + usageText(by, sorting) : `“Measure” below sorts many images: then the nearest of them are shown here, and how many ${by} are used.`);
    this.showNearest(sorting && entry !== null ? membersOf(sorting, entry) : [], pictured, by);
  }

  private showAssigned({ a, b, crossEntropy }: Assignments, entry: number | null): void {
    const shareIn = (of: Assignments['a'], k: number): number | null => {
      const at = of.prototypes.indexOf(k);
      return at < 0 ? null : of.probabilities[at]!;
    };
    const all = [...new Set([...a.prototypes, ...b.prototypes])].sort((p, q) => Math.max(shareIn(a, q) ?? 0, shareIn(b, q) ?? 0) - Math.max(shareIn(a, p) ?? 0, shareIn(b, p) ?? 0)).slice(0, shownRows);
    const focused = document.activeElement instanceof HTMLElement && this.rows.contains(document.activeElement) ? document.activeElement.textContent : null;
    this.rows.replaceChildren(...all.map((k) => {
      const choose = button(String(k), { 'aria-pressed': String(k === entry), 'aria-label': `Prototype ${k}` }, () => this.actions.choose(k));
      const cell = (value: number | null): HTMLElement => element('td', {}, shareBar(value ?? 0), value === null ? '–' : percent(value));
      return element('tr', {}, element('th', { scope: 'row' }, choose), cell(shareIn(a, k)), cell(shareIn(b, k)));
    }));
    if (focused) [...this.rows.querySelectorAll('button')].find((other) => other.textContent === focused)?.focus();
    setText(this.spread, `View a is spread over ${asMany(a.entropy)} prototypes, view b over ${asMany(b.entropy)}; b's cross entropy under a's is ${crossEntropy.toFixed(2)}. By the branch that gives targets, at its last temperature.`);
  }

  private showNearest(members: readonly Member[], pictured: Pictured | null, by: Sorted): void {
    const known = pictured && pictured.names.length === members.length ? pictured : null;
    const text = JSON.stringify([members, known?.names ?? null]);
    if (text === this.drawn) return;
    this.drawn = text;
    this.pictures.replaceChildren(...(known ? members.map((member, i) => this.picture(member, known, i, by)) : []));
  }

  private picture({ image, patch, share }: Member, { imageSize, names, pixels }: Pictured, i: number, by: Sorted): HTMLElement {
    const canvas = element('canvas', { 'aria-hidden': 'true' });
    const said = by === 'codes' ? '' : percent(share);
    const made = button('', { class: 'near', title: names[i]!, 'aria-label': `${names[i]!}${said === '' ? '' : `, ${said}`}: show it` }, () => this.actions.go(image));
    made.append(canvas, element('span', {}, said));
    const context = surface(canvas, side, side), bytes = 3 * imageSize ** 2;
    drawPicture(context, rgbPicture(pixels.subarray(i * bytes, (i + 1) * bytes), imageSize, imageSize), 0, 0, side, side);
    if (patch >= 0) {
      const path = new Path2D(), grid = this.grid;
      path.rect(...cellOf(patch, grid, side));
      strokeRimmed(context, path, '#ffffff', 2);
    }
    return made;
  }

  /** Patches a side of the images that were sorted. */
  grid = 1;
}

function shareBar(share: number): HTMLElement {
  const fill = element('span', { class: 'fill' });
  fill.style.width = `${100 * share}%`;
  return element('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}
