/** One picture as the model sees it, with what is said of its patches drawn over it, and the pointer and keys that point at them. */
import { cellOf, drawPicture, rgbPicture, strokeRimmed, surface } from '../common/canvas.ts';
import { element, setText } from '../common/dom.ts';
import { heat as heatOf } from '../common/heat.ts';
import { onKeys } from '../common/keyboard.ts';
import type { Place } from './pair.ts';
import type { Pointed } from './view.ts';

/** A place in shares of the picture. */
export type Share = Pointed['share'];

export type MarkKind = 'pointed' | 'best' | 'true' | 'pin';

export interface Mark {
  kind: MarkKind;
  place: Place;
  label: string;
}

export interface Overlay {
  grid: number;
  /** [patches], from `low` to `high`. */
  heat: { values: ArrayLike<number>; low: number; high: number } | null;
  /** [patches, 3] RGB in place of the picture, or over it in grey where they are less than opaque (255). */
  colours: Uint8Array | null;
  opacity: number;
  /** [patches]: 1 is covered. */
  mask: readonly number[] | null;
  /** [patches]: 1 is hidden from the model in training: hatched, so that it is still seen. */
  hidden: readonly number[] | null;
  /** Patches under a veil, and with a frame of their own. */
  veiled: ((patch: number) => boolean) | null;
  framed: ((patch: number) => boolean) | null;
  /** Written in each patch, where there is room. */
  texts: readonly string[] | null;
  marks: readonly Mark[];
}

export interface PictureActions {
  point(share: Share | null): void;
  pin(share: Share): void;
}

/** Told apart by shape, and by those who see colours differently (after Okabe and Ito). */
export const markColours: Readonly<Record<MarkKind, string>> = { pointed: '#ffffff', best: '#ff9e1b', true: '#4cc9ff', pin: '#f0e442' };

/** The picture below is grey, so that colours are the scale's alone. */
const heatAlpha = 150, keyGrid = 14;

export class Picture {
  readonly element: HTMLElement;
  readonly base = element('canvas', { 'aria-hidden': 'true' });
  readonly over = element('canvas', { class: 'over', tabindex: 0, role: 'application', 'aria-roledescription': 'patches of a picture' });
  private readonly holder = element('div', { class: 'picture' }, this.base, this.over);
  private readonly caption = element('figcaption');
  private readonly cells = document.createElement('canvas');
  private picture: HTMLCanvasElement | null = null;
  private grey: HTMLCanvasElement | null = null;
  private pixels: Uint8Array | null = null;
  private overlay: Overlay | null = null;
  private pointed: Share | null = null;

  constructor(actions: PictureActions) {
    this.element = element('figure', {}, this.holder, this.caption);
    const shareOf = (event: PointerEvent | MouseEvent): Share => {
      const { left, top, width, height } = this.over.getBoundingClientRect();
      const within = (v: number): number => Math.min(1 - 1e-9, Math.max(0, v));
      return { y: within((event.clientY - top) / height), x: within((event.clientX - left) / width) };
    };
    const point = (share: Share | null): void => {
      this.pointed = share;
      actions.point(share);
    };
    this.over.addEventListener('pointermove', (event) => point(shareOf(event)));
    this.over.addEventListener('pointerleave', () => point(null));
    this.over.addEventListener('blur', () => point(null));
    this.over.addEventListener('click', (event) => actions.pin(shareOf(event)));
    const step = (rows: number, columns: number) => () => {
      const grid = this.overlay?.grid ?? keyGrid;
      if (!this.pointed) return point({ y: 0.5 / grid, x: 0.5 / grid });
      const moved = (v: number, by: number): number => (Math.min(grid - 1, Math.max(0, Math.floor(v * grid) + by)) + 0.5) / grid;
      point({ y: moved(this.pointed.y, rows), x: moved(this.pointed.x, columns) });
    };
    const pin = (): void => {
      if (this.pointed) actions.pin(this.pointed);
    };
    onKeys(this.over, { ArrowUp: step(-1, 0), ArrowDown: step(1, 0), ArrowLeft: step(0, -1), ArrowRight: step(0, 1), Enter: pin, ' ': pin, Escape: () => point(null) });
  }

  /** Takes [size, size, 3] RGB; null: there is none. */
  show(pixels: Uint8Array | null, size: number, caption: string, label: string): void {
    if (pixels !== this.pixels) {
      this.pixels = pixels;
      this.picture = pixels && rgbPicture(pixels, size, size);
      this.grey = pixels && rgbPicture(greyOf(pixels), size, size);
    }
    setText(this.caption, caption);
    this.over.setAttribute('aria-label', label);
  }

  /** The picture itself, when its size on the page or its pixels are others. */
  draw(): void {
    const side = this.holder.clientWidth;
    const context = surface(this.base, side, side);
    if (this.picture) drawPicture(context, this.picture, 0, 0, side, side);
    this.drawOver();
  }

  lay(overlay: Overlay | null): void {
    this.overlay = overlay;
    this.drawOver();
  }

  get side(): number {
    return this.holder.clientWidth;
  }

  private drawOver(): void {
    const side = this.side, { overlay } = this;
    const context = surface(this.over, side, side);
    if (!overlay || !this.picture) return;
    const { grid, heat, colours, opacity, mask, hidden, veiled, framed, texts, marks } = overlay;
    if (colours) {
      if (opacity < 255) drawPicture(context, this.grey!, 0, 0, side, side);
      this.drawCells(context, side, grid, (k) => [colours[3 * k]!, colours[3 * k + 1]!, colours[3 * k + 2]!, opacity]);
    }
    if (heat) {
      drawPicture(context, this.grey!, 0, 0, side, side);
      const span = heat.high - heat.low || 1;
      this.drawCells(context, side, grid, (k) => [...heatOf((heat.values[k]! - heat.low) / span), heatAlpha]);
    }
    mask?.forEach((hidden, patch) => {
      if (!hidden) return;
      context.fillStyle = 'rgb(110 112 118)';
      context.fillRect(...cellOf(patch, grid, side));
    });
    if (veiled) this.drawCells(context, side, grid, (k) => (veiled(k) ? [18, 20, 24, 190] : [0, 0, 0, 0]));
    if (hidden) hatch(context, hidden, grid, side);
    if (texts && side / grid >= 24) writeTexts(context, texts, grid, side);
    if (framed) frame(context, framed, grid, side);
    for (const mark of marks) drawMark(context, mark, grid, side);
  }

  /** A pixel a patch, made larger: one draw, however many patches. */
  private drawCells(context: CanvasRenderingContext2D, side: number, grid: number, colour: (patch: number) => readonly [number, number, number, number]): void {
    const { cells } = this;
    if (cells.width !== grid) cells.width = cells.height = grid;
    const image = new ImageData(grid, grid);
    for (let k = 0; k < grid * grid; k++) image.data.set(colour(k), 4 * k);
    cells.getContext('2d')!.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(cells, 0, 0, side, side);
  }
}

/** Slanted lines over the patches that training hides: the picture is still seen below. */
function hatch(context: CanvasRenderingContext2D, hidden: readonly number[], grid: number, side: number): void {
  const clip = new Path2D(), lines = new Path2D(), gap = Math.max(5, side / grid / 4);
  hidden.forEach((is, patch) => is && clip.rect(...cellOf(patch, grid, side)));
  for (let x = -side; x < side; x += gap) {
    lines.moveTo(x, side);
    lines.lineTo(x + side, 0);
  }
  context.save();
  context.clip(clip);
  context.fillStyle = 'rgb(20 22 26 / 0.45)';
  context.fill(clip);
  context.strokeStyle = 'rgb(255 255 255 / 0.75)';
  context.lineWidth = 1;
  context.stroke(lines);
  context.restore();
}

function writeTexts(context: CanvasRenderingContext2D, texts: readonly string[], grid: number, side: number): void {
  const cell = side / grid;
  context.font = `600 ${Math.min(13, cell * 0.34)}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  context.lineWidth = 3;
  context.strokeStyle = 'rgb(0 0 0 / 0.75)';
  context.fillStyle = '#fff';
  texts.forEach((text, patch) => {
    const [x, y] = [((patch % grid) + 0.5) * cell, (Math.floor(patch / grid) + 0.5) * cell];
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  });
  context.textAlign = 'start';
}

/** The outline of a set of patches: no line between two of them. */
function frame(context: CanvasRenderingContext2D, is: (patch: number) => boolean, grid: number, side: number): void {
  const path = new Path2D();
  for (let patch = 0; patch < grid * grid; patch++) {
    if (!is(patch)) continue;
    const [x, y, width, height] = cellOf(patch, grid, side), column = patch % grid;
    const edge = (has: boolean, x0: number, y0: number, x1: number, y1: number): void => {
      if (has) return;
      path.moveTo(x0, y0);
      path.lineTo(x1, y1);
    };
    edge(patch >= grid && is(patch - grid), x, y, x + width, y);
    edge(patch + grid < grid * grid && is(patch + grid), x, y + height, x + width, y + height);
    edge(column > 0 && is(patch - 1), x, y, x, y + height);
    edge(column + 1 < grid && is(patch + 1), x + width, y, x + width, y + height);
  }
  strokeRimmed(context, path, '#ffffff', 2);
}

/** Luma of Rec. 601. */
function greyOf(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length);
  for (let k = 0; k < rgb.length; k += 3) grey.fill(0.299 * rgb[k]! + 0.587 * rgb[k + 1]! + 0.114 * rgb[k + 2]!, k, k + 3);
  return grey;
}

function drawMark(context: CanvasRenderingContext2D, { kind, place, label }: Mark, grid: number, side: number): void {
  const path = new Path2D(), cell = side / grid, colour = markColours[kind];
  const x = place.column * cell, y = place.row * cell;
  if (kind === 'true') {
    path.arc(x, y, Math.max(4, cell * 0.34), 0, 2 * Math.PI);
    strokeRimmed(context, path, colour, 2);
    return;
  }
  const patch = Math.min(grid - 1, Math.floor(place.row)) * grid + Math.min(grid - 1, Math.floor(place.column));
  const [left, top, width, height] = cellOf(patch, grid, side);
  path.rect(left, top, width, height);
  strokeRimmed(context, path, colour, kind === 'best' ? 2.5 : 2);
  if (label === '') return;
  context.font = '600 11px system-ui, sans-serif';
  const wide = context.measureText(label).width + 8;
  const tagX = Math.min(side - wide, left), tagY = top >= 16 ? top - 16 : top + height + 1;
  context.fillStyle = colour;
  context.fillRect(tagX, tagY, wide, 15);
  context.fillStyle = '#111';
  context.textBaseline = 'middle';
  context.fillText(label, tagX + 4, tagY + 8);
}
