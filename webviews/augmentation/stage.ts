/** The lab's middle: the source with its crops on the left, the views on the right, and what joins a patch to its places elsewhere. */
import type { LabBox, LabPair, LabSample } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { pictureOf, strokeRimmed, surface } from './canvas.ts';
import { patchAt, patchInImage, patchInView, type Point } from './geometry.ts';
import { ViewPicture, type Mark, type Pointed } from './picture.ts';
import { Source, type SourceActions } from './source.ts';
import type { Look } from './view.ts';
import { hiddenWords, listed, percent, type CellWords } from './words.ts';

export interface StageActions extends SourceActions {
  /** The least or greatest area that the pipeline draws is to be the crop's. */
  limit(view: number, end: 0 | 1): void;
}

/** Of a view in CSS pixels; where there are many, all are to be seen at once. */
const viewSide = 340, manySide = 220, leastSide = 110;

export class Stage {
  readonly element: HTMLElement;
  private readonly source: Source;
  private readonly actions: StageActions;
  private readonly views = element('div', { class: 'views' });
  private readonly links = element('canvas', { class: 'links', 'aria-hidden': 'true' });
  private readonly readout = element('p', { class: 'readout', 'aria-live': 'polite' });
  private readonly byHand = element('div', { class: 'by-hand', role: 'group', 'aria-label': 'Crop placed by hand', hidden: true });
  private readonly byHandText = element('span');
  private readonly limits: HTMLButtonElement[];
  private readonly numbers = element('tbody');
  private pictures: ViewPicture[] = [];
  private sample: LabSample | null = null;
  private image: HTMLCanvasElement | null = null;
  private boxes: LabBox[] = [];
  private areas: readonly (readonly [number, number])[] = [];
  private look: Look = { mask: true, grid: false, places: true, positions: false };
  private pointed: Pointed | null = null;
  private cell = '';

  constructor(actions: StageActions) {
    this.actions = actions;
    this.source = new Source(actions);
    this.limits = ([['Smallest allowed', 0], ['Largest allowed', 1]] as const).map(([label, end]) => button(label, { title: end === 0 ? 'Write this crop\'s area as the least that is drawn' : 'Write this crop\'s area as the greatest that is drawn' }, () => actions.limit(this.source.selected, end)));
    this.byHand.append(this.byHandText, ...this.limits, button('Put back', {}, () => actions.putBack(this.source.selected)));
    const headings = ['Crop', 'Area', 'Width / height', 'Left', 'Top', 'Width', 'Height', 'Mirrored', 'Place'];
    const table = element('table', { class: 'numbers' }, element('thead', {}, element('tr', {}, ...headings.map((text) => element('th', { scope: 'col' }, text)))), this.numbers);
    const details = element('details', {}, element('summary', {}, 'Crops in numbers'), element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Crops in numbers' }, table));
    this.element = element('div', { class: 'stage' }, element('div', { class: 'left' }, this.source.canvas, this.byHand, details), element('div', { class: 'right' }, this.views, this.readout), this.links);
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  get dragging(): boolean {
    return this.source.dragging;
  }

  get selected(): number {
    return this.source.selected;
  }

  /** Shows the sample; `placed` are the boxes that were placed by hand since, null where the sample's own holds; `areas` is what the pipeline draws of the image for each view; `words` name what a view is divided into. */
  show(sample: LabSample, look: Look, placed: readonly (LabBox | null)[], selected: number, areas: readonly (readonly [number, number])[], words: CellWords): void {
    if (sample.image) this.image = pictureOf(sample.buffer, sample.image);
    this.sample = sample;
    this.areas = areas;
    this.cell = words.one;
    this.look = look;
    this.boxes = sample.views.map(({ box }, view) => placed[view] ?? box);
    while (this.pictures.length > sample.views.length) this.pictures.pop()!.element.remove();
    const side = sample.views.length > 3 ? manySide : viewSide;
    const greatest = Math.max(...sample.views.map(({ picture }) => picture.width));
    sample.views.forEach((view, i) => {
      if (!this.pictures[i]) {
        const made = new ViewPicture(i, (pointed) => this.point(pointed));
        this.pictures.push(made);
        this.views.append(made.element);
      }
    });
    sample.views.forEach((view, i) => this.pictures[i]!.show(sample, pictureOf(sample.buffer, view.picture), look, words, Math.max(leastSide, (side * view.picture.width) / greatest)));
    this.select(Math.min(selected, sample.views.length - 1));
    this.fillNumbers();
    this.point(this.pointed && this.pointed.view < sample.views.length ? this.pointed : null);
  }

  get picture(): HTMLCanvasElement | null {
    return this.image;
  }

  select(view: number): void {
    const { sample } = this;
    if (!sample || !this.image) return;
    this.source.show(sample, this.image, this.boxes, view);
    const shown = sample.views[view]!, box = this.boxes[view]!;
    this.byHand.hidden = shown.drawn;
    setText(this.byHandText, `${shown.name} is placed by hand: ${percent((box.width * box.height) / (sample.imageWidth * sample.imageHeight))} of the image, ${(box.width / box.height).toFixed(2)} times as wide as high. The pipeline draws ${this.areas[view]!.map(percent).join(' to ')}.`);
  }

  draw(): void {
    this.source.draw();
    for (const picture of this.pictures) picture.draw();
    this.drawLinks();
  }

  /** Shows where a patch lies in the image and in the other views. */
  private point(pointed: Pointed | null): void {
    const { sample } = this;
    if (!sample) return;
    this.pointed = pointed;
    this.pictures.forEach((picture, view) => picture.point(pointed?.view === view ? pointed.patch : null, pointed && pointed.view !== view ? this.markOf(sample, pointed, view) : null));
    const from = pointed && sample.views[pointed.view]!;
    this.source.mark(pointed && from && !from.moved ? { view: pointed.view, patch: patchInImage(this.boxes[pointed.view]!, from.grid, pointed.patch) } : null);
    setText(this.readout, pointed ? readoutOf(sample, pointed) : this.hint());
    this.drawLinks();
  }

  private hint(): string {
    if (!this.look.places || (this.sample?.views.length ?? 0) < 2) return `Point at a ${this.cell} to see where it lies in the image.`;
    const { name, hidden } = this.sample!.views[0]!;
    return `Dots of one colour are one place of the image. ${hidden ? `A ring: in ${name} it is ${hiddenWords[hidden].place}. ` : ''}Dark: ${name} does not show it. Point at a ${this.cell} to follow it.`;
  }

  private markOf(sample: LabSample, { view, patch }: Pointed, other: number): Mark | null {
    if (sample.views[view]!.moved || sample.views[other]!.moved) return null;
    const from = this.boxes[view]!, to = this.boxes[other]!, grid = sample.views[view]!.grid;
    const place = patchInView(from, grid, patch, to);
    const width = from.width / grid / to.width, height = from.height / grid / to.height;
    const pair = pairOf(sample, view);
    return { rectangle: { x: place.column - width / 2, y: place.row - height / 2, width, height }, heat: other === 0 && this.look.positions ? likeness(pair, patch, grid) : null };
  }

  private drawLinks(): void {
    const { pointed, sample } = this;
    const { left, top, width, height } = this.element.getBoundingClientRect();
    const context = surface(this.links, width, height);
    if (!pointed || !sample || sample.views[pointed.view]!.moved) return;
    const grid = sample.views[pointed.view]!.grid;
    const own = this.pictures[pointed.view]!.inWindow((Math.floor(pointed.patch / grid) + 0.5) / grid, ((pointed.patch % grid) + 0.5) / grid);
    const patch = patchInImage(this.boxes[pointed.view]!, grid, pointed.patch);
    const canvas = this.source.canvas.getBoundingClientRect();
    const inSource = this.source.onCanvas({ x: patch.x + patch.width / 2, y: patch.y + patch.height / 2 });
    const ends: Point[] = [{ x: canvas.left + inSource.x, y: canvas.top + inSource.y }];
    this.pictures.forEach((picture, view) => {
      const { row, column } = patchInView(this.boxes[pointed.view]!, grid, pointed.patch, this.boxes[view]!);
      if (view !== pointed.view && !sample.views[view]!.moved && patchAt(row, column, 1) !== null) ends.push(picture.inWindow(row, column));
    });
    const path = new Path2D();
    for (const end of ends) {
      path.moveTo(own.x - left, own.y - top);
      path.lineTo(end.x - left, end.y - top);
    }
    strokeRimmed(context, path, '#fff', 1.4);
  }

  private fillNumbers(): void {
    const sample = this.sample!;
    // What is being typed in is left alone.
    if (this.numbers.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement && this.numbers.children.length === sample.views.length) return this.refreshNumbers();
    this.numbers.replaceChildren(...sample.views.map(({ name }, view) => {
      const number = (key: 'left' | 'top' | 'width' | 'height', label: string): HTMLElement => {
        const input = element('input', { type: 'number', step: 1, min: key === 'width' || key === 'height' ? 1 : 0, max: key === 'left' || key === 'width' ? sample.imageWidth : sample.imageHeight, 'aria-label': `${label} of ${name}, in pixels`, 'data-key': key });
        input.addEventListener('change', () => {
          if (Number.isFinite(input.valueAsNumber)) this.actions.place(view, { ...this.boxes[view]!, [key]: Math.round(input.valueAsNumber) });
        });
        return element('td', {}, input);
      };
      const mirrored = element('input', { type: 'checkbox', 'aria-label': `${name} is mirrored` });
      mirrored.addEventListener('change', () => this.actions.place(view, { ...this.boxes[view]!, mirrored: mirrored.checked }));
      return element('tr', {}, element('th', { scope: 'row' }, name), element('td', { class: 'area' }), element('td', { class: 'aspect' }), number('left', 'Left'), number('top', 'Top'), number('width', 'Width'), number('height', 'Height'), element('td', {}, mirrored), element('td', { class: 'place' }));
    }));
    this.refreshNumbers();
  }

  private refreshNumbers(): void {
    const sample = this.sample!;
    sample.views.forEach(({ drawn }, view) => {
      const row = this.numbers.children[view]!, box = this.boxes[view]!;
      for (const input of row.querySelectorAll<HTMLInputElement>('input[type=number]')) if (document.activeElement !== input) input.value = String(box[input.dataset.key as 'left' | 'top' | 'width' | 'height']);
      row.querySelector<HTMLInputElement>('input[type=checkbox]')!.checked = box.mirrored;
      setText(row.querySelector('.area')!, percent((box.width * box.height) / (sample.imageWidth * sample.imageHeight)));
      setText(row.querySelector('.aspect')!, (box.width / box.height).toFixed(2));
      setText(row.querySelector('.place')!, drawn ? 'drawn' : 'by hand');
    });
  }
}

const pairOf = (sample: LabSample, view: number): LabPair | undefined => sample.pairs.find((pair) => pair.view === view);

/** Likeness of the patch's relative position embedding to that of each of view a's own patches. */
function likeness(pair: LabPair | undefined, patch: number, grid: number): number[] | null {
  if (!pair?.positions) return null;
  const { rows, columns, scale } = pair.positions;
  const row = Math.floor(patch / grid), column = patch % grid;
  return Array.from({ length: grid * grid }, (_, cell) => rows[row * grid + Math.floor(cell / grid)]! + columns[column * grid + (cell % grid)]! + scale);
}

const cellText = (patch: number, grid: number): string => `row ${Math.floor(patch / grid) + 1}, column ${(patch % grid) + 1}`;

/** In words, for those who do not see the lines. */
function readoutOf(sample: LabSample, { view, patch }: Pointed): string {
  const { name, grid, mask, hidden, box } = sample.views[view]!;
  const parts = [`${name}, ${cellText(patch, grid)}${hidden && mask?.[patch] ? ` (${hiddenWords[hidden].past})` : ''}`];
  const movedText = 'a step moved its pixels, so that its places are not those of the crop';
  if (sample.views[view]!.moved) return `${parts[0]!}: ${movedText}.`;
  const without: string[] = [];
  sample.views.forEach((other, i) => {
    if (i === view) return;
    if (other.moved) {
      parts.push(`not known in ${other.name}: ${movedText}`);
      return;
    }
    const { row, column } = patchInView(box, grid, patch, other.box), there = patchAt(row, column, other.grid);
    if (there === null) without.push(other.name);
    else parts.push(`in ${other.name} at ${cellText(there, other.grid)}${other.hidden && other.mask?.[there] ? `, ${hiddenWords[other.hidden].place}` : ''}`);
  });
  if (without.length > 0) parts.push(`not in ${listed(without, 'or')}`);
  const heat = likeness(pairOf(sample, view), patch, grid);
  if (heat) {
    const best = heat.indexOf(Math.max(...heat));
    parts.push(`position embedding most like ${cellText(best, grid)}, cosine ${heat[best]!.toFixed(2)}`);
  }
  return `${parts.join('; ')}.`;
}
