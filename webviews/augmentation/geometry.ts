/** Places on the page: a view's points in its image, and boxes under the pointer. Held against the training's geometry by a test. */
import type { LabBox } from '../../backend/protocol.ts';

export interface Point {
  x: number;
  y: number;
}

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The image's pixel at a point of the view, in shares of the view's height and width. */
export const inImage = ({ top, left, height, width, mirrored }: LabBox, row: number, column: number): Point => ({ x: left + (mirrored ? 1 - column : column) * width, y: top + row * height });

/** The inverse: where a pixel of the image lies in the view, in shares; outside [0, 1) where the view does not show it. */
export function inView({ top, left, height, width, mirrored }: LabBox, { x, y }: Point): { row: number; column: number } {
  const column = (x - left) / width;
  return { row: (y - top) / height, column: mirrored ? 1 - column : column };
}

/** Where a patch's centre lies in another view, in shares. */
export const patchInView = (from: LabBox, grid: number, patch: number, to: LabBox): { row: number; column: number } => inView(to, inImage(from, (Math.floor(patch / grid) + 0.5) / grid, ((patch % grid) + 0.5) / grid));

/** A patch's part of the image. */
export function patchInImage(box: LabBox, grid: number, patch: number): Rectangle {
  const width = box.width / grid, height = box.height / grid;
  const { x, y } = inImage(box, (Math.floor(patch / grid) + 0.5) / grid, ((patch % grid) + 0.5) / grid);
  return { x: x - width / 2, y: y - height / 2, width, height };
}

/** The patch of a view at a place in shares; null outside. */
export function patchAt(row: number, column: number, grid: number): number | null {
  return row >= 0 && row < 1 && column >= 0 && column < 1 ? Math.floor(row * grid) * grid + Math.floor(column * grid) : null;
}

/** What of a box is held: its inside, or which of its sides move. */
export interface Grip {
  top: boolean;
  left: boolean;
  bottom: boolean;
  right: boolean;
}

/** What of the box lies under a point, within a reach in pixels of the image; null: the point is outside. */
export function gripAt(box: LabBox, { x, y }: Point, reach: number): Grip | null {
  if (x < box.left - reach || x > box.left + box.width + reach || y < box.top - reach || y > box.top + box.height + reach) return null;
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= reach;
  const left = near(x, box.left), top = near(y, box.top);
  return { left, top, right: !left && near(x, box.left + box.width), bottom: !top && near(y, box.top + box.height) };
}

export const isInside = ({ top, left, bottom, right }: Grip): boolean => !top && !left && !bottom && !right;

export function cursorOf(grip: Grip | null): string {
  if (!grip) return 'default';
  if (isInside(grip)) return 'move';
  const { top, left, bottom, right } = grip;
  if ((top && left) || (bottom && right)) return 'nwse-resize';
  if ((top && right) || (bottom && left)) return 'nesw-resize';
  return top || bottom ? 'ns-resize' : 'ew-resize';
}

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
const leastSide = 8;

/** The box after its grip was moved, in whole pixels inside the image. */
export function moved(box: LabBox, grip: Grip, dx: number, dy: number, imageWidth: number, imageHeight: number): LabBox {
  if (isInside(grip)) return { ...box, left: Math.round(within(box.left + dx, 0, imageWidth - box.width)), top: Math.round(within(box.top + dy, 0, imageHeight - box.height)) };
  let [left, top, right, bottom] = [box.left, box.top, box.left + box.width, box.top + box.height];
  if (grip.left) left = within(left + dx, 0, right - Math.min(leastSide, box.width));
  if (grip.right) right = within(right + dx, left + Math.min(leastSide, box.width), imageWidth);
  if (grip.top) top = within(top + dy, 0, bottom - Math.min(leastSide, box.height));
  if (grip.bottom) bottom = within(bottom + dy, top + Math.min(leastSide, box.height), imageHeight);
  [left, top, right, bottom] = [left, top, right, bottom].map(Math.round) as [number, number, number, number];
  return { ...box, left, top, width: right - left, height: bottom - top };
}
