/** Where the points of a trace come to lie: strokes of a chart in pixels, the same for the screen and for pictures that are saved. */
import type { CurveSlice, CurveTrace } from '../../backend/protocol.ts';

export interface Trace extends CurveTrace {
  x: Float64Array;
  y: Float64Array;
  smoothX: Float64Array;
  smoothY: Float64Array;
  nonFiniteX: Float64Array;
  nonFiniteKind: Float64Array;
}

/** The traces of a slice over its one buffer. */
export function tracesOf({ buffer, traces }: CurveSlice): Trace[] {
  const numbers = new Float64Array(buffer);
  return traces.map((trace) => {
    let at = trace.offset;
    const take = (length: number): Float64Array => numbers.subarray(at, (at += length));
    return { ...trace, x: take(trace.points), y: take(trace.points), smoothX: take(trace.smooth), smoothY: take(trace.smooth), nonFiniteX: take(trace.nonFinite), nonFiniteKind: take(trace.nonFinite) };
  });
}

/** A chart's plot in pixels, and its scales. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  x: { min: number; max: number };
  y: { min: number; max: number; log: boolean };
}

/** Where strokes go: a canvas, or the path of an SVG. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/** The first place of `x` that is not below `value`. */
export function lowerBound(x: Float64Array, value: number): number {
  let from = 0, to = x.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (x[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

export const xPixel = ({ left, width, x }: Frame, value: number): number => left + ((value - x.min) / (x.max - x.min)) * width;

export function yPixel({ top, height, y }: Frame, value: number): number {
  const share = y.log ? Math.log(value / y.min) / Math.log(y.max / y.min) : (value - y.min) / (y.max - y.min);
  return top + (1 - share) * height;
}

/** Draws the line through the points in view and one beyond either edge; what cannot be drawn is a break. A point between breaks is a short dash, so that it shows. */
export function stroke(pen: Pen, frame: Frame, x: Float64Array, y: Float64Array): void {
  const from = Math.max(0, lowerBound(x, frame.x.min) - 1);
  let drawn = 0, lastX = 0, lastY = 0;
  const close = (): void => {
    if (drawn === 1) pen.lineTo(lastX + 1.5, lastY);
    drawn = 0;
  };
  for (let i = from; i < x.length; i++) {
    const value = y[i]!;
    if (Number.isNaN(value) || (frame.y.log && value <= 0)) close();
    else {
      lastX = xPixel(frame, x[i]!);
      lastY = yPixel(frame, value);
      if (drawn++ === 0) pen.moveTo(lastX, lastY);
      else pen.lineTo(lastX, lastY);
    }
    if (x[i]! > frame.x.max) break;
  }
  close();
}

/** Where dots go over the line, in pixels: at every point, where they are few enough to be told apart. `unit` is the size of a CSS pixel. */
export function dots(frame: Frame, { x, y, shown }: Pick<Trace, 'x' | 'y' | 'shown'>, unit: number): [x: number, y: number][] {
  if (shown > frame.width / (10 * unit)) return [];
  return Array.from(x).flatMap((at, i): [number, number][] => {
    const value = y[i]!;
    return Number.isNaN(value) || (frame.y.log && value <= 0) ? [] : [[xPixel(frame, at), yPixel(frame, value)]];
  });
}

/** Of a dot, in CSS pixels. */
export const dotRadius = 2.2;

/** Lowest and highest that are drawn in view, with some room; of no points, 0 to 1. */
export function valueRange(traces: readonly Trace[], x: { min: number; max: number }, log: boolean): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const trace of traces)
    for (let i = lowerBound(trace.x, x.min); i < trace.x.length && trace.x[i]! <= x.max; i++) {
      const value = trace.y[i]!;
      if (Number.isNaN(value) || (log && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  if (low > high) return log ? [0.1, 1] : [0, 1];
  if (log) {
    const room = Math.max((high / low) ** 0.06, 1.02);
    return [Math.max(low / room, Number.MIN_VALUE), Math.min(high * room, Number.MAX_VALUE)];
  }
  const room = (high - low) * 0.06 || Math.max(Math.abs(high) * 0.05, 1e-12);
  return [Math.max(low - room, -Number.MAX_VALUE), Math.min(high + room, Number.MAX_VALUE)];
}

/** What a trace has within a pixel and a half of `at`: lowest and highest where several points share it, else the nearest. */
export function valueAt({ x, y }: { x: Float64Array; y: Float64Array }, at: number, pixel: number): { x: number; low: number; high: number } | null {
  if (x.length === 0 || at < x[0]! - 1.5 * pixel || at > x[x.length - 1]! + 1.5 * pixel) return null;
  let low = Infinity, high = -Infinity;
  for (let i = lowerBound(x, at - 0.75 * pixel); i < x.length && x[i]! <= at + 0.75 * pixel; i++) {
    if (Number.isNaN(y[i]!)) continue;
    low = Math.min(low, y[i]!);
    high = Math.max(high, y[i]!);
  }
  let near = lowerBound(x, at);
  if (near === x.length || (near > 0 && at - x[near - 1]! < x[near]! - at)) near--;
  return low <= high ? { x: x[near]!, low, high } : { x: x[near]!, low: y[near]!, high: y[near]! };
}
