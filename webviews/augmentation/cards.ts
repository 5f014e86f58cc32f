/** Many samples at once: each with its crops, its views and what they share; a click goes there. */
import type { LabCard, LabCards } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { colour } from '../common/theme.ts';
import { drawMask, drawPicture, pictureOf, strokeRimmed, surface } from './canvas.ts';
import { viewColour } from './colours.ts';
import { percent } from './words.ts';

export interface CardsActions {
  load(from: number, count: number): Promise<LabCards | null>;
  go(index: number): void;
}

const atOnce = 24, height = 96, gap = 4;
/** The first views have a card's height; what follows is tiled in rows beside them. */
const largeViews = 2, tileRows = 2, tileSide = (height - gap * (tileRows - 1)) / tileRows;

/** Where a view is drawn on a card, from where its views begin. */
function placeOf(view: number): { x: number; y: number; side: number } {
  if (view < largeViews) return { x: view * (height + gap), y: 0, side: height };
  const tile = view - largeViews;
  return { x: largeViews * (height + gap) + Math.floor(tile / tileRows) * (tileSide + gap), y: (tile % tileRows) * (tileSide + gap), side: tileSide };
}

export class Cards {
  readonly element: HTMLDetailsElement;
  private readonly grid = element('div', { class: 'cards' });
  private readonly summary = element('p', { class: 'note', role: 'status' });
  private readonly actions: CardsActions;
  private shown: LabCards | null = null;
  private from = 0;
  private images = 0;
  private asked = 0;

  constructor(actions: CardsActions) {
    this.actions = actions;
    const tools = element('div', { class: 'toolbar' }, button('Previous', {}, () => void this.load(this.from - atOnce)), button('Next', {}, () => void this.load(this.from + atOnce)), this.summary);
    this.element = element('details', { class: 'section many' }, element('summary', {}, 'Many samples at once'), tools, this.grid);
    this.element.addEventListener('toggle', () => void (this.element.open && this.load(this.from)));
  }

  /** The pipeline or the draws are others: what is shown is drawn again. */
  refresh(images: number, index: number): void {
    if (this.images !== images) this.from = index;
    this.images = images;
    if (this.element.open) void this.load(this.from);
  }

  progress(done: number, total: number): void {
    if (this.element.open && this.asked > 0) setText(this.summary, `${done} of ${total}`);
  }

  private async load(from: number): Promise<void> {
    this.from = this.images === 0 ? 0 : ((from % this.images) + this.images) % this.images;
    const asked = ++this.asked;
    const cards = await this.actions.load(this.from, atOnce);
    if (asked !== this.asked || !cards) return;
    this.shown = cards;
    this.draw();
    performance.mark('lab-cards');
  }

  draw(): void {
    if (!this.shown) return;
    const { cards, buffer } = this.shown;
    const overlaps = cards.flatMap((card) => card.overlaps.slice(0, 1));
    const without = overlaps.filter((overlap) => overlap === 0).length;
    setText(this.summary, `Images ${this.from + 1} to ${this.from + cards.length}${overlaps.length === 0 ? '' : `; ${without} of ${overlaps.length} share nothing, the median is ${percent([...overlaps].sort((a, b) => a - b)[overlaps.length >> 1]!)}`}`);
    this.grid.replaceChildren(...cards.map((card) => this.card(card, buffer)));
  }

  private card(card: LabCard, buffer: ArrayBuffer): HTMLElement {
    const { index, file, problem, image, overlaps } = card;
    if (problem !== null || !image) return element('div', { class: 'card problem' }, element('b', {}, file), element('span', {}, problem ?? ''));
    const said = overlaps.length === 0 ? '' : `${overlaps[0] === 0 ? 'nothing shared' : `${percent(overlaps[0]!)} shared`}${overlaps.length > 1 ? `, others ${percent(Math.min(...overlaps.slice(1)))} to ${percent(Math.max(...overlaps.slice(1)))}` : ''}`;
    const canvas = element('canvas', { 'aria-hidden': 'true' });
    const made = button('', { class: overlaps[0] === 0 ? 'card lost' : 'card', title: file }, () => this.actions.go(index));
    made.append(canvas, element('span', {}, element('span', { class: 'hidden-text' }, 'Image '), `${index + 1}`), element('span', { class: 'said' }, said));
    drawCard(canvas, card, buffer);
    return made;
  }
}

function drawCard(canvas: HTMLCanvasElement, { image, imageWidth, imageHeight, views }: LabCard, buffer: ArrayBuffer): void {
  const sourceWidth = (height * imageWidth) / imageHeight, last = views.length === 0 ? null : placeOf(views.length - 1);
  const width = Math.min(170, sourceWidth) + (last ? gap + last.x + last.side : 0);
  const scale = Math.min(170, sourceWidth) / imageWidth, top = (height - imageHeight * scale) / 2;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = surface(canvas, width, height);
  drawPicture(context, pictureOf(buffer, image!), 0, top, imageWidth * scale, imageHeight * scale);
  views.forEach(({ box }, view) => {
    const path = new Path2D();
    path.rect(box.left * scale + 1, top + box.top * scale + 1, box.width * scale - 2, box.height * scale - 2);
    strokeRimmed(context, path, colour(viewColour(view)), 1.6);
  });
  views.forEach(({ picture, mask, grid }, view) => {
    const { x, y, side } = placeOf(view);
    context.save();
    context.translate(imageWidth * scale + gap + x, y);
    drawPicture(context, pictureOf(buffer, picture), 0, 0, side, side);
    if (mask) drawMask(context, mask, grid, side);
    context.restore();
  });
}
