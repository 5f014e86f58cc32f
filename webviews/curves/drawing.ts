/** Draws runs into a chart's frame: lines, dots where points are few, marks of what happened, and values that are no numbers. Lengths are in device pixels. */
import { colour } from '../common/theme.ts';
import type { PlacedMark } from './chart.ts';
import { dotRadius, dots, stroke, xPixel, type Frame, type Trace } from './geometry.ts';
import type { Look } from './palette.ts';

type Context = CanvasRenderingContext2D;

/** How a trace is drawn is its run's business. */
export type LookOfTrace = (trace: Trace) => Look;

/** Draws everything; leaves the context as it was, for uPlot remembers what it set. */
export function drawRuns(ctx: Context, frame: Frame, traces: readonly Trace[], look: LookOfTrace, marks: readonly PlacedMark[]): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(frame.left, frame.top, frame.width, frame.height);
  ctx.clip();
  ctx.lineJoin = 'round';
  const looked = traces.map((trace) => ({ trace, look: look(trace) }));
  for (const { trace, look: own } of looked) drawLine(ctx, frame, trace, own);
  ctx.setLineDash([]);
  for (const { trace, look: own } of looked) drawDots(ctx, frame, trace, own);
  ctx.restore();
  ctx.save();
  // Looked up once: there may be thousands.
  const bad = colour('bad'), quiet = colour('quiet');
  const inView = (x: number): boolean => x >= frame.x.min && x <= frame.x.max;
  for (const { x, mark } of marks) if (inView(x)) drawMark(ctx, frame, x, mark.kind === 'resumed', mark.kind === 'resumed' ? quiet : bad);
  ctx.setLineDash([]);
  for (const trace of traces)
    trace.nonFiniteX.forEach((x, i) => {
      if (inView(x)) drawNonFinite(ctx, frame, x, trace.nonFiniteKind[i]!, bad);
    });
  ctx.restore();
}

function drawLine(ctx: Context, frame: Frame, trace: Trace, look: Look): void {
  ctx.strokeStyle = look.stroke;
  const smooth = trace.smoothX.length > 0;
  ctx.globalAlpha = smooth ? 0.3 : 1;
  ctx.lineWidth = (smooth ? 1 : 1.5) * devicePixelRatio;
  // A dense band of lowest and highest is no line to dash.
  const dash = look.dash.map((length) => length * devicePixelRatio);
  ctx.setLineDash(smooth || trace.points < trace.shown ? [] : dash);
  ctx.beginPath();
  stroke(ctx, frame, trace.x, trace.y);
  ctx.stroke();
  if (!smooth) return;
  ctx.globalAlpha = 1;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.setLineDash(dash);
  ctx.beginPath();
  stroke(ctx, frame, trace.smoothX, trace.smoothY);
  ctx.stroke();
}

/** Few points are shown as such. */
function drawDots(ctx: Context, frame: Frame, trace: Trace, look: Look): void {
  ctx.fillStyle = look.stroke;
  for (const [x, y] of dots(frame, trace, devicePixelRatio)) {
    ctx.beginPath();
    ctx.arc(x, y, dotRadius * devicePixelRatio, 0, 7);
    ctx.fill();
  }
}

/** A short line with a dot where a run went on, a whole one with a wedge for what went wrong. */
function drawMark(ctx: Context, frame: Frame, x: number, resumed: boolean, ink: string): void {
  const unit = devicePixelRatio, bottom = frame.top + frame.height, at = Math.round(xPixel(frame, x));
  ctx.strokeStyle = ctx.fillStyle = ink;
  ctx.lineWidth = unit;
  ctx.setLineDash(resumed ? [2 * unit, 3 * unit] : []);
  ctx.beginPath();
  ctx.moveTo(at, resumed ? bottom - 14 * unit : frame.top);
  ctx.lineTo(at, bottom);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.beginPath();
  if (resumed) ctx.arc(at, bottom - 14 * unit, 2.5 * unit, 0, 7);
  else for (const [dx, dy] of [[-5, 0], [5, 0], [0, 8]] as const) ctx.lineTo(at + dx * unit, frame.top - 6 * unit + dy * unit);
  ctx.fill();
}

/** A value that is no number: a cross (kind 0), or a wedge at the edge that an infinite one (-1, 1) lies beyond. */
function drawNonFinite(ctx: Context, frame: Frame, x: number, kind: number, ink: string): void {
  const unit = devicePixelRatio, at = xPixel(frame, x), r = 3.5 * unit;
  const y = kind === 1 ? frame.top + 5 * unit : frame.top + frame.height - 5 * unit;
  ctx.strokeStyle = ink;
  ctx.lineWidth = 1.5 * unit;
  ctx.beginPath();
  if (kind === 0) {
    ctx.moveTo(at - r, y - r); ctx.lineTo(at + r, y + r); ctx.moveTo(at + r, y - r); ctx.lineTo(at - r, y + r);
  } else {
    ctx.moveTo(at - r, y + kind * r); ctx.lineTo(at, y - kind * r); ctx.lineTo(at + r, y + kind * r);
  }
  ctx.stroke();
}
