/** Puts one object into the picture: its parts become distance maps in pixels, and from these come shadows, normals, light and soft edges. */
import type { Canvas, Light } from './canvas.ts';
import type { Shape } from './shapes.ts';
import type { Surface } from './surfaces.ts';

/** One piece of an object, painted over the pieces before it. */
export interface Part {
  shape: Shape;
  surface: Surface;
  /** How far from its edge the part keeps rising, in object units: its radius for a ball, little for a board. */
  bulge: number;
}

/** Where an object stands: from object coordinates (y up) to pixels (y down). */
export interface Pose {
  x: number;
  y: number;
  /** Pixels to one unit of the object. */
  scale: number;
  /** Radians, anticlockwise. */
  angle: number;
  /** Width over height. */
  aspect: number;
  /** Sideways shift to a unit of height, as of a thing seen a little from the side. */
  shear: number;
  mirrored: boolean;
}

/** What an object darkens: the wall `distance` pixels behind it, or the ground from its foot (a row of pixels) on. */
export type Shadow = { kind: 'wall'; distance: number } | { kind: 'ground'; foot: number; slant: number; flatness: number };

/** Distances to a shape's outline, in pixels, over the rectangle where they matter; `far` elsewhere. */
interface DistanceMap {
  x: number;
  y: number;
  width: number;
  height: number;
  values: Float32Array;
}

const far = 1e3;
const block = 8;

/** Object coordinates are u = m[0] dx + m[1] dy and v = m[2] dx + m[3] dy, for pixels dx, dy from the pose's centre. */
function toObject(pose: Pose): readonly [number, number, number, number] {
  const c = Math.cos(pose.angle);
  const s = Math.sin(pose.angle);
  const sx = pose.scale * Math.sqrt(pose.aspect) * (pose.mirrored ? -1 : 1);
  const sy = pose.scale / Math.sqrt(pose.aspect);
  return [c / sx + (pose.shear * s) / sy, -s / sx + (pose.shear * c) / sy, -s / sy, -c / sy];
}

/** Measures a shape over the canvas; blocks of pixels that lie further than `margin` outside are skipped. */
function measure(shape: Shape, pose: Pose, size: number, margin: number): DistanceMap {
  const m = toObject(pose);
  const distance = (px: number, py: number): number => {
    const dx = px + 0.5 - pose.x;
    const dy = py + 0.5 - pose.y;
    return shape(m[0] * dx + m[1] * dy, m[2] * dx + m[3] * dy) * pose.scale;
  };
  const blocks = Math.ceil(size / block);
  const kept: [number, number][] = [];
  let [left, top, right, bottom] = [size, size, 0, 0];
  for (let by = 0; by < blocks; by++)
    for (let bx = 0; bx < blocks; bx++) {
      // Half a block's diagonal, and half as much again because stretched shapes are measured roughly.
      if (distance(bx * block + block / 2, by * block + block / 2) > block * 1.1 + margin) continue;
      kept.push([bx * block, by * block]);
      left = Math.min(left, bx * block);
      top = Math.min(top, by * block);
      right = Math.max(right, Math.min(size, (bx + 1) * block));
      bottom = Math.max(bottom, Math.min(size, (by + 1) * block));
    }
  const width = Math.max(0, right - left);
  const height = Math.max(0, bottom - top);
  const values = new Float32Array(width * height).fill(far);
  for (const [x0, y0] of kept)
    for (let y = y0; y < Math.min(size, y0 + block); y++)
      for (let x = x0; x < Math.min(size, x0 + block); x++) values[(y - top) * width + x - left] = distance(x, y);
  return { x: left, y: top, width, height, values };
}

/** The distance at a pixel; coordinates are rounded. */
function lookUp(map: DistanceMap, px: number, py: number): number {
  const x = Math.round(px) - map.x;
  const y = Math.round(py) - map.y;
  return x < 0 || y < 0 || x >= map.width || y >= map.height ? far : map.values[y * map.width + x]!;
}

/** The distance map of everything painted so far, over the whole canvas. */
function add(union: Float32Array, map: DistanceMap, size: number): void {
  for (let y = 0, i = 0; y < map.height; y++)
    for (let x = 0, o = (y + map.y) * size + map.x; x < map.width; x++, i++, o++) if (map.values[i]! < union[o]!) union[o] = map.values[i]!;
}

/** How much of the lamp an edge at distance d hides, 0 to 1, for a half shadow `width` pixels wide. */
function hidden(d: number, width: number): number {
  const t = Math.min(Math.max(0.5 - d / width, 0), 1);
  return t * t * (3 - 2 * t);
}

function castShadow(canvas: Canvas, whole: DistanceMap, light: Light, shadow: Shadow): void {
  const { size, pixels } = canvas;
  const [lx, ly, lz] = light.direction;
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i += 3) {
      let shade: number;
      if (shadow.kind === 'wall') {
        const reach = shadow.distance / lz;
        shade = hidden(lookUp(whole, x + lx * reach, y + ly * reach), 2 + 2 * light.softness * shadow.distance);
      } else {
        const height = (shadow.foot - y) / shadow.flatness;
        if (height < -1) continue;
        shade = hidden(lookUp(whole, x - shadow.slant * height, shadow.foot - height), 3 + 0.25 * light.softness * height);
      }
      if (shade === 0) continue;
      pixels[i]! *= 1 - 0.62 * shade;
      pixels[i + 1]! *= 1 - 0.58 * shade;
      pixels[i + 2]! *= 1 - 0.5 * shade;
    }
}

/** Darkens what was painted so far under a part that lies on it. */
function castOnParts(canvas: Canvas, painted: Float32Array, map: DistanceMap, light: Light, height: number): void {
  const { size, pixels } = canvas;
  const ox = (light.direction[0] / light.direction[2]) * height;
  const oy = (light.direction[1] / light.direction[2]) * height;
  const reach = Math.ceil(Math.abs(ox) + Math.abs(oy) + 2 * height);
  for (let y = Math.max(0, map.y - reach); y < Math.min(size, map.y + map.height + reach); y++)
    for (let x = Math.max(0, map.x - reach); x < Math.min(size, map.x + map.width + reach); x++) {
      const below = Math.min(Math.max(0.5 - painted[y * size + x]!, 0), 1);
      if (below === 0) continue;
      const shade = below * (0.4 * hidden(lookUp(map, x + ox, y + oy), 1.5 + 2 * height) + 0.2 * hidden(lookUp(map, x, y), 2 + 3 * height));
      for (let c = 0, i = (y * size + x) * 3; c < 3; c++) pixels[i + c]! *= 1 - shade;
    }
}

/** Lights and paints one part: normals from the slope of its distance map and its pattern's relief; Lambert with a soft terminator, Blinn's highlight. */
function paintPart(canvas: Canvas, part: Part, map: DistanceMap, pose: Pose, light: Light): void {
  const { size, pixels } = canvas;
  const { surface } = part;
  const m = toObject(pose);
  const { width, height, values } = map;
  const [lx, ly, lz] = light.direction;
  const halfLength = Math.hypot(lx, ly, lz + 1);
  const [hx, hy, hz] = [lx / halfLength, ly / halfLength, (lz + 1) / halfLength];
  const bulge = Math.max(part.bulge * pose.scale, 0.75);
  const shininess = 8 + 70 * surface.gloss;
  const probe = 0.7 / pose.scale;
  const relief = surface.relief / probe;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const d = values[at]!;
      if (d > 0.5) continue;
      const coverage = Math.min(1, 0.5 - d);
      let nx = values[x + 1 < width ? at + 1 : at]! - values[x > 0 ? at - 1 : at]!;
      let ny = values[y + 1 < height ? at + width : at]! - values[y > 0 ? at - width : at]!;
      const slope = Math.sqrt(nx * nx + ny * ny) + 1e-6;
      // A quarter circle from the edge to the plateau; 0.92 keeps the outermost pixel from turning wholly away.
      const rise = Math.min(Math.max((0.5 - d) / bulge, 0), 1);
      const lean = (0.92 * (1 - rise)) / Math.max(slope, 0.5);
      nx *= lean;
      ny *= lean;
      const dx = x + map.x + 0.5 - pose.x;
      const dy = y + map.y + 0.5 - pose.y;
      const u = m[0] * dx + m[1] * dy;
      const v = m[2] * dx + m[3] * dy;
      let blend = 0;
      if (surface.pattern) {
        blend = surface.pattern(u, v);
        if (relief > 0) {
          nx += relief * (surface.pattern(u + m[0], v + m[2]) - blend);
          ny += relief * (surface.pattern(u + m[1], v + m[3]) - blend);
        }
      }
      const nz = Math.sqrt(Math.max(1 - nx * nx - ny * ny, 0.02));
      const lit = nx * lx + ny * ly + nz * lz;
      const diffuse = Math.max(0, (lit + 0.15) / 1.15);
      const up = 0.5 - 0.5 * ny;
      const shine = surface.gloss * Math.max(0, nx * hx + ny * hy + nz * hz) ** shininess;
      const rim = surface.gloss * 0.25 * (1 - nz) ** 3;
      for (let c = 0, i = ((y + map.y) * size + x + map.x) * 3; c < 3; c++) {
        const albedo = surface.base[c]! + (surface.other[c]! - surface.base[c]!) * blend;
        const fill = light.ground[c]! + (light.sky[c]! - light.ground[c]!) * up;
        const colour = albedo * (fill + light.colour[c]! * diffuse + surface.glow) + light.colour[c]! * shine * 0.6 + light.sky[c]! * rim;
        pixels[i + c]! += (colour - pixels[i + c]!) * coverage;
      }
    }
}

/** Paints an object, its shadow first. */
export function paintFigure(canvas: Canvas, parts: readonly Part[], pose: Pose, light: Light, shadow: Shadow): void {
  const { size } = canvas;
  const margin = 0.14 * pose.scale;
  const maps = parts.map((part) => measure(part.shape, pose, size, margin));
  const whole = new Float32Array(size * size).fill(far);
  for (const map of maps) add(whole, map, size);
  castShadow(canvas, { x: 0, y: 0, width: size, height: size, values: whole }, light, shadow);
  const painted = new Float32Array(size * size).fill(far);
  parts.forEach((part, k) => {
    if (k > 0) castOnParts(canvas, painted, maps[k]!, light, 0.025 * pose.scale);
    paintPart(canvas, part, maps[k]!, pose, light);
    add(painted, maps[k]!, size);
  });
}

/** The lowest row that the object reaches (pixels), for standing it on the ground. */
export function lowestRow(parts: readonly Part[], pose: Pose): number {
  const m = toObject(pose);
  // Scanned on a coarse grid around the pose, from below.
  const reach = Math.ceil(pose.scale * 1.7);
  for (let dy = reach; dy > -reach; dy -= 2)
    for (let dx = -reach; dx <= reach; dx += 3) {
      const u = m[0] * dx + m[1] * dy;
      const v = m[2] * dx + m[3] * dy;
      if (parts.some((part) => part.shape(u, v) < 0)) return pose.y + dy;
    }
  return pose.y;
}
