/** One view as the model gets it: its pixels, and over them mask, patch grid, and where its patches lie in another view. */
import type { LabSample, LabShownView } from '../../backend/protocol.ts';
import { element, setText } from '../common/dom.ts';
import { onKeys } from '../common/keyboard.ts';
import { colour } from '../common/theme.ts';
import { cellOf, drawMask, drawPicture, strokeRimmed, surface } from './canvas.ts';
import { heatColour, placeColour, viewColour } from './colours.ts';
import { patchAt, patchInView, type Point, type Rectangle } from './geometry.ts';
import type { Look } from './view.ts';
import { hiddenCount, hiddenWords, percent, type CellWords } from './words.ts';

/** What the pointer, or the keys, point at. */
export interface Pointed {
  view: number;
  patch: number;
}

/** What is drawn over a view because of what is pointed at elsewhere. */
export interface Mark {
  /** In shares of this view. */
  rectangle: Rectangle;
  /** Likeness of each patch to what is pointed at. */
  heat: number[] | null;
}

export class ViewPicture {
  readonly element: HTMLElement;
  private readonly base = element('canvas', { 'aria-hidden': 'true' });
  private readonly over = element('canvas', { class: 'over', tabindex: 0, role: 'application', 'aria-roledescription': 'grid' });
  private readonly holder = element('div', { class: 'picture' }, this.base, this.over);
  private readonly name = element('span', { class: 'name' });
  private readonly note = element('span', { class: 'note' });
  private readonly view: number;
  private shown: LabShownView | null = null;
  /** For the first view: which of its patches any other shows. */
  private shared: boolean[] | null = null;
  private first: LabShownView | null = null;
  private picture: HTMLCanvasElement | null = null;
  private look: Look = { mask: true, grid: false, places: true, positions: false };
  private pointed: number | null = null;
  private mark: Mark | null = null;

  constructor(view: number, onPoint: (pointed: Pointed | null) => void) {
    this.view = view;
    this.element = element('figure', { class: 'view' }, element('figcaption', {}, element('span', { class: `swatch ${viewColour(view)}`, 'aria-hidden': 'true' }), this.name, this.note), this.holder);
    const point = (patch: number | null): void => onPoint(patch === null ? null : { view, patch });
    this.over.addEventListener('pointermove', (event) => {
      const { left, top, width, height } = this.over.getBoundingClientRect();
      point(patchAt((event.clientY - top) / height, (event.clientX - left) / width, this.shown?.grid ?? 1));
    });
    this.over.addEventListener('pointerleave', () => point(null));
    this.over.addEventListener('blur', () => point(null));
    const step = (rows: number, columns: number) => () => {
      const grid = this.shown?.grid ?? 1, now = this.pointed ?? 0;
      if (this.pointed === null) return point(0);
      const row = Math.min(grid - 1, Math.max(0, Math.floor(now / grid) + rows)), column = Math.min(grid - 1, Math.max(0, (now % grid) + columns));
      point(row * grid + column);
    };
    onKeys(this.over, { ArrowUp: step(-1, 0), ArrowDown: step(1, 0), ArrowLeft: step(0, -1), ArrowRight: step(0, 1), Escape: () => point(null) });
  }

  show(sample: LabSample, picture: HTMLCanvasElement, look: Look, { one, many }: CellWords, side: number): void {
    const shown = sample.views[this.view]!;
    this.shown = shown;
    this.first = sample.views[0]!;
    this.shared = this.view > 0 ? null : Array.from({ length: shown.grid ** 2 }, (_, patch) => sample.views.some((other, i) => {
      const { row, column } = patchInView(shown.box, shown.grid, patch, other.box);
      return i !== this.view && !other.moved && patchAt(row, column, other.grid) !== null;
    }));
    this.picture = picture;
    this.look = look;
    this.element.style.maxWidth = `${side}px`;
    // Many are of one size, whichever row they are in.
    this.element.style.flexGrow = sample.views.length > 3 ? '0' : '1';
    this.element.style.flexBasis = `${Math.round(0.75 * side)}px`;
    const { box } = shown;
    const hidden = hiddenCount(shown);
    setText(this.name, shown.name);
    setText(this.note, [`${percent((box.width * box.height) / (sample.imageWidth * sample.imageHeight))} of the image`, ...(box.mirrored ? ['mirrored'] : []), ...(shown.hidden && hidden > 0 ? [`${hidden} of ${shown.grid ** 2} ${hiddenWords[shown.hidden].past}`] : []), ...(shown.moved ? ['pixels moved'] : []), ...(shown.drawn ? [] : ['placed by hand'])].join(' · '));
    this.over.setAttribute('aria-label', `${shown.name} as the model gets it, ${picture.width} pixels, ${shown.grid} by ${shown.grid} ${many}. Arrow keys point at a ${one}; where it lies elsewhere is said below`);
    this.draw();
  }

  draw(): void {
    if (!this.picture) return;
    const side = this.holder.clientWidth;
    drawPicture(surface(this.base, side, side), this.picture, 0, 0, side, side);
    this.drawOver();
  }

  /** What is pointed at here, and what that marks here when it is elsewhere. */
  point(pointed: number | null, mark: Mark | null): void {
    if (pointed === this.pointed && mark === this.mark) return;
    this.pointed = pointed;
    this.mark = mark;
    this.drawOver();
  }

  /** A place in shares of this view, in the window. */
  inWindow(row: number, column: number): Point {
    const { left, top, width, height } = this.over.getBoundingClientRect();
    return { x: left + column * width, y: top + row * height };
  }

  private drawOver(): void {
    const { shown, look } = this;
    if (!shown) return;
    const side = this.holder.clientWidth, { grid, mask } = shown;
    const context = surface(this.over, side, side);
    if (mask && look.mask) drawMask(context, mask, grid, side);
    if (this.mark?.heat) drawHeat(context, this.mark.heat, grid, side);
    if (look.grid) drawGrid(context, grid, side);
    if (look.places && !shown.moved && !this.first?.moved && !this.mark?.heat) this.drawPlaces(context, grid, side);
    if (this.mark) {
      const { x, y, width, height } = this.mark.rectangle;
      const path = new Path2D();
      path.rect(x * side, y * side, width * side, height * side);
      strokeRimmed(context, path, '#fff', 2);
    }
    if (this.pointed !== null) {
      const path = new Path2D();
      path.rect(...cellOf(this.pointed, grid, side));
      strokeRimmed(context, path, '#fff', 2.5);
    }
  }

  /** A dot for each patch that both have, in the colour of its place in view a: whole where a shows the place, a ring where its mask hides it; patches of others that are not in a are dark. */
  private drawPlaces(context: CanvasRenderingContext2D, grid: number, side: number): void {
    const cell = side / grid, radius = Math.max(1.5, cell * 0.14);
    const first = this.first!, shown = this.shown!;
    for (let patch = 0; patch < grid * grid; patch++) {
      if (this.shared && !this.shared[patch]) continue;
      const own = { row: (Math.floor(patch / grid) + 0.5) / grid, column: ((patch % grid) + 0.5) / grid };
      const { row, column } = patchInView(shown.box, grid, patch, first.box);
      const inFirst = patchAt(row, column, first.grid);
      if (inFirst === null) {
        context.fillStyle = 'rgb(0 0 0 / 0.58)';
        context.fillRect(...cellOf(patch, grid, side));
        continue;
      }
      const path = new Path2D();
      path.arc(own.column * side, own.row * side, radius, 0, 2 * Math.PI);
      const style = placeColour(row, column), hidden = first.mask?.[inFirst] === 1;
      strokeRimmed(context, path, style, hidden ? 1.4 : 1);
      if (hidden) continue;
      context.fillStyle = style;
      context.fill(path);
    }
  }
}

function drawGrid(context: CanvasRenderingContext2D, grid: number, side: number): void {
  const path = new Path2D();
  for (let k = 1; k < grid; k++) {
    const at = Math.round((k * side) / grid);
    path.moveTo(at, 0);
    path.lineTo(at, side);
    path.moveTo(0, at);
    path.lineTo(side, at);
  }
  context.strokeStyle = 'rgb(0 0 0 / 0.45)';
  context.lineWidth = 2;
  context.stroke(path);
  context.strokeStyle = colour('grid-line') || 'rgb(255 255 255 / 0.6)';
  context.lineWidth = 0.8;
  context.stroke(path);
}

/** From the least to the greatest likeness there is. */
function drawHeat(context: CanvasRenderingContext2D, heat: readonly number[], grid: number, side: number): void {
  const low = Math.min(...heat), high = Math.max(...heat);
  heat.forEach((value, patch) => {
    context.fillStyle = heatColour(high > low ? (value - low) / (high - low) : 1, 0.82);
    context.fillRect(...cellOf(patch, grid, side));
  });
}
