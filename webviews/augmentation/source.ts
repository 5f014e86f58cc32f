/** The source image with every view's crop on it as it was taken: dragged, resized, and moved by keys. */
import type { LabBox, LabSample } from '../../backend/protocol.ts';
import { element } from '../common/dom.ts';
import { onKeys } from '../common/keyboard.ts';
import { colour } from '../common/theme.ts';
import { drawPicture, strokeRimmed, surface } from './canvas.ts';
import { viewColour } from './colours.ts';
import { cursorOf, gripAt, moved, type Grip, type Point, type Rectangle } from './geometry.ts';

export interface SourceActions {
  /** A crop was placed by hand. */
  place(view: number, box: LabBox): void;
  /** The crop is to be as it is drawn. */
  putBack(view: number): void;
  select(view: number): void;
}

const reachPixels = 7, handlePixels = 4;
/** Of the image's longer side, for one press of a key. */
const keyShare = 0.01;
const centre: Grip = { top: false, left: false, bottom: false, right: false };
const corner: Grip = { top: false, left: false, bottom: true, right: true };

export class Source {
  readonly canvas = element('canvas', { tabindex: 0, role: 'application', 'aria-roledescription': 'image with crops' });
  selected = 0;
  private readonly actions: SourceActions;
  private sample: LabSample | null = null;
  private picture: HTMLCanvasElement | null = null;
  private boxes: LabBox[] = [];
  private marked: { view: number; patch: Rectangle } | null = null;
  private drag: { view: number; grip: Grip; from: Point; box: LabBox } | null = null;

  constructor(actions: SourceActions) {
    this.actions = actions;
    const { canvas } = this;
    canvas.addEventListener('pointerdown', (event) => this.press(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    canvas.addEventListener('pointerup', () => this.release());
    canvas.addEventListener('pointercancel', () => this.release());
    const by = (grip: Grip, x: number, y: number) => () => this.nudge(grip, x, y);
    onKeys(canvas, {
      ArrowLeft: by(centre, -1, 0), ArrowRight: by(centre, 1, 0), ArrowUp: by(centre, 0, -1), ArrowDown: by(centre, 0, 1),
      'Shift+ArrowLeft': by(corner, -1, 0), 'Shift+ArrowRight': by(corner, 1, 0), 'Shift+ArrowUp': by(corner, 0, -1), 'Shift+ArrowDown': by(corner, 0, 1),
      Enter: () => this.actions.select((this.selected + 1) % Math.max(1, this.boxes.length)),
      m: () => this.mirror(),
      Delete: () => this.actions.putBack(this.selected), Backspace: () => this.actions.putBack(this.selected),
    });
  }

  /** Whether a crop is being dragged: what the host answers meanwhile is of an earlier place. */
  get dragging(): boolean {
    return this.drag !== null;
  }

  show(sample: LabSample, picture: HTMLCanvasElement, boxes: LabBox[], selected: number): void {
    this.sample = sample;
    this.picture = picture;
    this.boxes = boxes;
    this.selected = selected;
    this.canvas.setAttribute('aria-label', `${sample.file}, ${sample.imageWidth} by ${sample.imageHeight} pixels, with the crops of ${sample.views.map(({ name }) => name).join(', ')}. Arrow keys move the chosen crop, Shift and arrows resize it, M mirrors it, Enter chooses the next one, Delete puts it back; the numbers are in the table below`);
    this.draw();
  }

  /** The image's part that a patch of a view shows. */
  mark(marked: { view: number; patch: Rectangle } | null): void {
    if (!marked && !this.marked) return;
    this.marked = marked;
    this.draw();
  }

  /** A point of the image in CSS pixels of the canvas. */
  onCanvas({ x, y }: Point): Point {
    const scale = this.scale;
    return { x: x * scale, y: y * scale };
  }

  private get scale(): number {
    return this.sample ? this.canvas.clientWidth / this.sample.imageWidth : 1;
  }

  draw(): void {
    const { sample, picture, canvas, boxes } = this;
    if (!sample || !picture) return;
    canvas.style.aspectRatio = `${sample.imageWidth} / ${sample.imageHeight}`;
    const width = canvas.clientWidth, height = (width * sample.imageHeight) / sample.imageWidth;
    const context = surface(canvas, width, height);
    drawPicture(context, picture, 0, 0, width, height);
    const scale = this.scale;
    const paths = boxes.map(({ left, top, width: w, height: h }) => {
      const path = new Path2D();
      path.rect(left * scale, top * scale, w * scale, h * scale);
      return path;
    });
    // What no view shows is dark.
    context.save();
    const outside = new Path2D();
    outside.rect(0, 0, width, height);
    for (const { left, top, width: w, height: h } of boxes) {
      const others = new Path2D(outside);
      others.rect(left * scale, top * scale, w * scale, h * scale);
      context.clip(others, 'evenodd');
    }
    context.fillStyle = 'rgb(0 0 0 / 0.55)';
    context.fillRect(0, 0, width, height);
    context.restore();
    const order = boxes.map((_, view) => view).sort((a, b) => Number(a === this.selected) - Number(b === this.selected));
    for (const view of order) this.drawCrop(context, view, paths[view]!, scale, sample.views[view]!.name);
    if (this.marked) {
      const { x, y, width: w, height: h } = this.marked.patch;
      const path = new Path2D();
      path.rect(x * scale, y * scale, w * scale, h * scale);
      strokeRimmed(context, path, '#fff', 2);
    }
  }

  private drawCrop(context: CanvasRenderingContext2D, view: number, path: Path2D, scale: number, name: string): void {
    const box = this.boxes[view]!, style = colour(viewColour(view)), chosen = view === this.selected;
    strokeRimmed(context, path, style, chosen ? 2.5 : 2);
    const [left, top, width, height] = [box.left * scale, box.top * scale, box.width * scale, box.height * scale];
    context.font = `600 11px ${colour('vscode-font-family') || 'sans-serif'}`;
    const text = box.mirrored ? `${name} ⇋` : name;
    const tag = { width: context.measureText(text).width + 10, height: 17 };
    // At opposite corners, so that crops of one corner do not hide each other's names.
    const x = view % 2 === 0 ? left : left + width - tag.width, y = view % 2 === 0 ? top : top + height - tag.height;
    context.fillStyle = style;
    context.fillRect(x, y, tag.width, tag.height);
    context.fillStyle = colour('on-view') || '#000';
    context.textBaseline = 'middle';
    context.fillText(text, x + 5, y + tag.height / 2 + 0.5);
    if (!chosen) return;
    for (const [hx, hy] of [[left, top], [left + width, top], [left, top + height], [left + width, top + height]] as const) {
      const handle = new Path2D();
      handle.rect(hx - handlePixels, hy - handlePixels, 2 * handlePixels, 2 * handlePixels);
      context.fillStyle = '#fff';
      context.fill(handle);
      strokeRimmed(context, handle, style, 1.5);
    }
  }

  private pointOf(event: PointerEvent): Point {
    const { left, top } = this.canvas.getBoundingClientRect();
    return { x: (event.clientX - left) / this.scale, y: (event.clientY - top) / this.scale };
  }

  /** The crop under the pointer: the chosen one first, then one whose edge it is, then the smallest. */
  private hit(point: Point): { view: number; grip: Grip } | null {
    const reach = reachPixels / this.scale;
    const hits = this.boxes.flatMap((box, view) => {
      const grip = gripAt(box, point, reach);
      return grip ? [{ view, grip, rank: (Object.values(grip).some(Boolean) ? 0 : 2) + (view === this.selected ? 0 : 1), area: box.width * box.height }] : [];
    });
    return hits.sort((a, b) => a.rank - b.rank || a.area - b.area)[0] ?? null;
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    const point = this.pointOf(event);
    const hit = this.hit(point);
    if (!hit) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { ...hit, from: point, box: this.boxes[hit.view]! };
    if (hit.view !== this.selected) this.actions.select(hit.view);
  }

  private move(event: PointerEvent): void {
    const point = this.pointOf(event);
    if (!this.drag) {
      this.canvas.style.cursor = cursorOf(this.hit(point)?.grip ?? null);
      return;
    }
    const { view, grip, from, box } = this.drag;
    this.put(view, this.within(box, grip, point.x - from.x, point.y - from.y));
  }

  private release(): void {
    this.drag = null;
  }

  private within(box: LabBox, grip: Grip, dx: number, dy: number): LabBox {
    return moved(box, grip, dx, dy, this.sample!.imageWidth, this.sample!.imageHeight);
  }

  private nudge(grip: Grip, x: number, y: number): void {
    const box = this.boxes[this.selected];
    if (!box || !this.sample) return;
    const by = Math.max(1, Math.round(keyShare * Math.max(this.sample.imageWidth, this.sample.imageHeight)));
    this.put(this.selected, this.within(box, grip, x * by, y * by));
  }

  private mirror(): void {
    const box = this.boxes[this.selected];
    if (box) this.put(this.selected, { ...box, mirrored: !box.mirrored });
  }

  private put(view: number, box: LabBox): void {
    this.boxes = this.boxes.map((other, i) => (i === view ? box : other));
    this.draw();
    this.actions.place(view, box);
  }
}
