/** Canvases at the screen's resolution, RGB bytes as something to draw, and patches as squares. */

/** A cleared canvas of this size in CSS pixels, at the screen's resolution. */
export function surface(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser gives no 2-d canvas');
  const ratio = devicePixelRatio;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** A picture to be drawn from, of [height, width, 3] RGB. */
export function rgbPicture(rgb: Uint8Array, width: number, height: number): HTMLCanvasElement {
  const image = new ImageData(width, height);
  const { data } = image;
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    data[to] = rgb[from]!;
    data[to + 1] = rgb[from + 1]!;
    data[to + 2] = rgb[from + 2]!;
    data[to + 3] = 255;
  }
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

/** Draws the picture over the whole area; pixels of small ones are shown as what they are. */
export function drawPicture(context: CanvasRenderingContext2D, picture: HTMLCanvasElement, x: number, y: number, width: number, height: number): void {
  context.imageSmoothingEnabled = width / picture.width < 2;
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, x, y, width, height);
}

/** A path with a dark rim below, readable on any picture. */
export function strokeRimmed(context: CanvasRenderingContext2D, path: Path2D, style: string, width: number): void {
  context.strokeStyle = 'rgb(0 0 0 / 0.6)';
  context.lineWidth = width + 2;
  context.stroke(path);
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke(path);
}

/** A patch's square on a canvas of this side, to whole pixels, so that neighbours meet without a seam. */
export function cellOf(patch: number, grid: number, side: number): [x: number, y: number, width: number, height: number] {
  const edge = (k: number): number => Math.round((k * side) / grid);
  const [column, row] = [patch % grid, Math.floor(patch / grid)];
  return [edge(column), edge(row), edge(column + 1) - edge(column), edge(row + 1) - edge(row)];
}
