/** Draws on the pairs of views: marks of right and wrong matches on view b, heat maps of likeness on view a. */
import { colour } from './theme.ts';

export interface Matches {
  /** [patches, patches] bytes; the cosine is low + (high - low) byte / 255. */
  similarity: Uint8Array;
  low: number;
  high: number;
  best: number[];
}

export interface Cell {
  row: number;
  column: number;
}

export type Outcome = 'right' | 'near' | 'wrong' | 'absent';

/** Each patch of view b: is its match the true patch, one of its eight neighbours, another, or is there none in view a. */
export function outcomes(truth: Float32Array, best: number[], grid: number): Outcome[] {
  return best.map((match, i) => {
    const row = truth[i * 2]!;
    if (Number.isNaN(row)) return 'absent';
    const down = Math.abs(Math.floor(match / grid) - Math.min(grid - 1, Math.floor(row)));
    const across = Math.abs((match % grid) - Math.min(grid - 1, Math.floor(truth[i * 2 + 1]!)));
    const distance = Math.max(down, across);
    return distance === 0 ? 'right' : distance === 1 ? 'near' : 'wrong';
  });
}

export interface Surface {
  context: CanvasRenderingContext2D;
  /** Of the square, in CSS pixels. */
  size: number;
}

/** A cleared canvas at the screen's resolution. */
export function surface(canvas: HTMLCanvasElement): Surface {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser gives no 2-d canvas.');
  const size = canvas.clientWidth;
  const ratio = devicePixelRatio;
  canvas.width = Math.round(size * ratio);
  canvas.height = Math.round(size * ratio);
  context.scale(ratio, ratio);
  return { context, size };
}

/** Fills a patch to whole pixels, so that neighbours meet without a seam. */
function fillCell(context: CanvasRenderingContext2D, index: number, grid: number, cell: number): void {
  const [left, right] = [index % grid, (index % grid) + 1].map((k) => Math.round(k * cell)) as [number, number];
  const [top, bottom] = [Math.floor(index / grid), Math.floor(index / grid) + 1].map((k) => Math.round(k * cell)) as [number, number];
  context.fillRect(left, top, right - left, bottom - top);
}

/** Strokes a path twice: a dark rim under it keeps it readable on any picture. */
function stroke(context: CanvasRenderingContext2D, path: Path2D, style: string, width: number): void {
  context.lineCap = 'round';
  context.strokeStyle = 'rgb(0 0 0 / 0.65)';
  context.lineWidth = width + 2;
  context.stroke(path);
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke(path);
}

/** Right is a disc, next to it a ring, wrong a cross: told apart by shape as well as by colour. */
export function drawMarks({ context, size }: Surface, marks: Outcome[] | null, grid: number, selected: number | null): void {
  const cell = size / grid;
  marks?.forEach((mark, i) => {
    const x = ((i % grid) + 0.5) * cell;
    const y = (Math.floor(i / grid) + 0.5) * cell;
    const path = new Path2D();
    const radius = Math.max(2, cell * 0.2);
    if (mark === 'absent') {
      context.fillStyle = 'rgb(20 20 24 / 0.55)';
      fillCell(context, i, grid, cell);
    } else if (mark === 'wrong') {
      path.moveTo(x - radius, y - radius);
      path.lineTo(x + radius, y + radius);
      path.moveTo(x + radius, y - radius);
      path.lineTo(x - radius, y + radius);
      stroke(context, path, colour('mark-wrong'), 1.8);
    } else {
      path.arc(x, y, radius, 0, 2 * Math.PI);
      stroke(context, path, colour('mark-right'), 1.8);
      context.fillStyle = colour('mark-right');
      if (mark === 'right') context.fill(path);
    }
  });
  if (selected === null) return;
  const path = new Path2D();
  path.rect((selected % grid) * cell, Math.floor(selected / grid) * cell, cell, cell);
  stroke(context, path, '#fff', 2.5);
}

/** From dark violet over rose to pale yellow, evenly brighter; t in [0, 1]. */
const stops = [[13, 8, 60], [94, 20, 118], [176, 50, 96], [236, 112, 50], [252, 196, 60], [252, 253, 191]] as const;
function ramp(t: number): string {
  const at = Math.min(Math.max(t, 0), 1) * (stops.length - 1);
  const k = Math.min(Math.floor(at), stops.length - 2);
  const channel = (c: 0 | 1 | 2): number => Math.round(stops[k]![c] + (stops[k + 1]![c] - stops[k]![c]) * (at - k));
  return `rgb(${channel(0)} ${channel(1)} ${channel(2)} / ${(0.55 + 0.3 * t).toFixed(2)})`;
}

/** How similar each patch of view a is to the selected one of view b, from the least to the most similar; the true match is a dashed ring, the model's match a square. */
export function drawHeat({ context, size }: Surface, matches: Matches, truth: Float32Array, grid: number, selected: number | null): void {
  if (selected === null) return;
  const cell = size / grid;
  const row = matches.similarity.subarray(selected * grid * grid, (selected + 1) * grid * grid);
  const low = row.reduce((a, b) => Math.min(a, b));
  const high = row.reduce((a, b) => Math.max(a, b));
  row.forEach((value, i) => {
    context.fillStyle = ramp(high > low ? (value - low) / (high - low) : 0);
    fillCell(context, i, grid, cell);
  });
  const best = matches.best[selected]!;
  const square = new Path2D();
  square.rect((best % grid) * cell, Math.floor(best / grid) * cell, cell, cell);
  stroke(context, square, '#fff', 2.5);
  if (Number.isNaN(truth[selected * 2])) return;
  const circle = new Path2D();
  circle.arc(truth[selected * 2 + 1]! * cell, truth[selected * 2]! * cell, cell * 0.62, 0, 2 * Math.PI);
  context.setLineDash([4, 3.5]);
  stroke(context, circle, colour('mark-truth'), 2.5);
  context.setLineDash([]);
}
