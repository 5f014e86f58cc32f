/**
 * Outlines of parts as signed distance fields: a shape is a function of a point that gives its distance to the outline,
 * negative inside. Shading, soft edges and shadows all follow from that one number.
 *
 * Coordinates are those of the object: about -1 to 1, x to the right, y up.
 * Formulas: I. Quilez, "2D distance functions", https://iquilezles.org/articles/distfunctions2d/
 */

export type Shape = (x: number, y: number) => number;
export type Point = readonly [x: number, y: number];

const clamp01 = (t: number): number => (t < 0 ? 0 : t > 1 ? 1 : t);

export const circle = (cx: number, cy: number, radius: number): Shape => (x, y) => Math.sqrt((x - cx) ** 2 + (y - cy) ** 2) - radius;

/** An axis-aligned ellipse; the distance is of first order, exact at the outline. */
export function ellipse(cx: number, cy: number, rx: number, ry: number): Shape {
  return (x, y) => {
    const u = (x - cx) / rx;
    const v = (y - cy) / ry;
    const scaled = Math.sqrt(u * u + v * v);
    const slope = Math.sqrt((u / rx) ** 2 + (v / ry) ** 2);
    return slope < 1e-9 ? -Math.min(rx, ry) : (scaled * (scaled - 1)) / slope;
  };
}

/** A box of the given half sizes with rounded corners. */
export function box(cx: number, cy: number, halfWidth: number, halfHeight: number, round = 0): Shape {
  return (x, y) => {
    const dx = Math.abs(x - cx) - halfWidth + round;
    const dy = Math.abs(y - cy) - halfHeight + round;
    const ox = dx > 0 ? dx : 0;
    const oy = dy > 0 ? dy : 0;
    return Math.sqrt(ox * ox + oy * oy) + Math.min(Math.max(dx, dy), 0) - round;
  };
}

/** The band of half width `width` around a circle. */
export const ring = (cx: number, cy: number, radius: number, width: number): Shape => outline(circle(cx, cy, radius), width);

/** A rod from a to b whose radius runs from `radiusA` to `radiusB`. */
export function rod(a: Point, b: Point, radiusA: number, radiusB = radiusA): Shape {
  const bx = b[0] - a[0];
  const by = b[1] - a[1];
  const length2 = Math.max(bx * bx + by * by, 1e-12);
  return (x, y) => {
    const px = x - a[0];
    const py = y - a[1];
    const t = clamp01((px * bx + py * by) / length2);
    return Math.sqrt((px - bx * t) ** 2 + (py - by * t) ** 2) - radiusA - (radiusB - radiusA) * t;
  };
}

/** A polyline drawn with a round pen, its radius running from `radiusA` at the first point to `radiusB` at the last. */
export function stroke(points: readonly Point[], radiusA: number, radiusB = radiusA): Shape {
  const last = points.length - 1;
  const at = (i: number): number => radiusA + ((radiusB - radiusA) * i) / last;
  return union(...points.slice(1).map((p, i) => rod(points[i]!, p, at(i), at(i + 1))));
}

/** A closed polygon, either way round; exact distance, sign by crossings. Far outside it is the distance to the bounding box: smaller, and cheap. */
export function polygon(points: readonly Point[]): Shape {
  const n = points.length;
  const xs = Float64Array.from(points, (p) => p[0]);
  const ys = Float64Array.from(points, (p) => p[1]);
  const bounds = box((Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2, (Math.max(...xs) - Math.min(...xs)) / 2, (Math.max(...ys) - Math.min(...ys)) / 2);
  return (x, y) => {
    const outside = bounds(x, y);
    if (outside > 0.2) return outside;
    let nearest = Infinity;
    let inside = false;
    for (let i = 0, j = n - 1; i < n; j = i++) {
      const ex = xs[j]! - xs[i]!;
      const ey = ys[j]! - ys[i]!;
      const wx = x - xs[i]!;
      const wy = y - ys[i]!;
      const t = clamp01((wx * ex + wy * ey) / (ex * ex + ey * ey + 1e-12));
      const d = (wx - ex * t) ** 2 + (wy - ey * t) ** 2;
      if (d < nearest) nearest = d;
      if (ys[i]! > y !== ys[j]! > y && x < xs[i]! + (ex * wy) / ey) inside = !inside;
    }
    return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
  };
}

/** Points of a smooth curve (Catmull and Rom's spline) through `points`, `steps` to a span. */
export function curve(points: readonly Point[], { closed = false, steps = 3 } = {}): Point[] {
  const n = points.length;
  const at = (i: number): Point => points[closed ? (i + n) % n : Math.min(Math.max(i, 0), n - 1)]!;
  const result: Point[] = [];
  for (let i = 0; i < (closed ? n : n - 1); i++)
    for (let s = 0; s < steps; s++) {
      const t = s / steps;
      const axis = (k: 0 | 1): number => {
        const [p0, p1, p2, p3] = [at(i - 1)[k], at(i)[k], at(i + 1)[k], at(i + 2)[k]];
        return p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)));
      };
      result.push([axis(0), axis(1)]);
    }
  if (!closed) result.push(at(n - 1));
  return result;
}

/** A smooth closed outline through `points`. */
export const blob = (points: readonly Point[], steps = 3): Shape => polygon(curve(points, { closed: true, steps }));

/** The half plane of points with nx x + ny y < offset, for unit (nx, ny). */
export const halfPlane = (nx: number, ny: number, offset: number): Shape => (x, y) => nx * x + ny * y - offset;

export function union(...shapes: Shape[]): Shape {
  return (x, y) => {
    let d = Infinity;
    for (const shape of shapes) d = Math.min(d, shape(x, y));
    return d;
  };
}

/** A union whose seams are filled to about `k` (the polynomial smooth minimum). */
export function melt(k: number, ...shapes: Shape[]): Shape {
  return (x, y) => {
    let d = 10;
    for (const shape of shapes) {
      const e = shape(x, y);
      const h = Math.max(k - Math.abs(d - e), 0) / k;
      d = Math.min(d, e) - h * h * k * 0.25;
    }
    return d;
  };
}

export const intersect = (a: Shape, b: Shape): Shape => (x, y) => Math.max(a(x, y), b(x, y));
export const subtract = (a: Shape, b: Shape): Shape => (x, y) => Math.max(a(x, y), -b(x, y));
export const grow = (a: Shape, by: number): Shape => (x, y) => a(x, y) - by;

/** The band of half width `width` along the outline of a shape. */
export const outline = (a: Shape, width: number): Shape => (x, y) => Math.abs(a(x, y)) - width;

/** A shape and its mirror image across x = 0; the shape itself lies at x > 0. */
export const mirrored = (a: Shape): Shape => (x, y) => a(Math.abs(x), y);

/** A shape turned by `angle` (radians, anticlockwise) about the origin and then moved. */
export function place(a: Shape, dx: number, dy: number, angle = 0): Shape {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  return (x, y) => a(c * (x - dx) + s * (y - dy), c * (y - dy) - s * (x - dx));
}

/** A point at `radius` and `angle` (radians, anticlockwise from x) around (cx, cy). */
export const polar = (cx: number, cy: number, radius: number, angle: number): Point => [cx + radius * Math.cos(angle), cy + radius * Math.sin(angle)];
