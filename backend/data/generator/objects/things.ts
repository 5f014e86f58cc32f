/** House, mug, clock, umbrella, lamp, cupcake and guitar, and a toy robot. */
import type { Random } from '../../../random.ts';
import { mix, scale, type Palette } from '../colours.ts';
import type { Part } from '../figure.ts';
import { blob, box, circle, ellipse, halfPlane, intersect, mirrored, outline, place, polar, polygon, ring, rod, stroke, subtract, union, type Point } from '../shapes.ts';
import { bricks, drawSurface, fade, mottle, patterned, plain, rays, rings, scales, stripes, wood } from '../surfaces.ts';

export function house(random: Random, colours: Palette): Part[] {
  const eaves = random.uniform(0.08, 0.2);
  const wide = random.uniform(0.6, 0.72);
  const wall = random.chance(0.5) ? patterned(colours.main, mix(colours.light, colours.main, 0.3), bricks(4.5, random.uint32()), { relief: 0.02, gloss: 0.05 }) : patterned(colours.main, scale(colours.main, 0.55), stripes(random.chance(0.5) ? 0 : Math.PI / 2, 5), { relief: 0.02, gloss: 0.1 });
  const doorX = random.uniform(-0.32, 0.32);
  const windowX = doorX > 0 ? -0.32 : 0.32;
  const side = random.chance(0.5) ? 1 : -1;
  const pane = patterned(mix(colours.light, [1, 0.85, 0.5], 0.4), mix(colours.dark, [0.2, 0.3, 0.45], 0.5), fade(-0.35, 0.1), { gloss: 1, glow: 0.15 });
  const cross = (x: number, y: number, half: number): Part[] => [
    { shape: box(x, y, half + 0.04, half + 0.04, 0.02), surface: plain(colours.light), bulge: 0.03 },
    { shape: box(x, y, half, half), surface: pane, bulge: 0.01 },
    { shape: union(box(x, y, 0.014, half), box(x, y, half, 0.014)), surface: plain(colours.light), bulge: 0.01 },
  ];
  return [
    { shape: box(side * 0.36, 0.62, 0.11, 0.26, 0.02), surface: patterned(colours.second, colours.light, bricks(8, 5), { relief: 0.02, gloss: 0 }), bulge: 0.05 },
    { shape: box(side * 0.36, 0.88, 0.14, 0.045, 0.02), surface: plain(colours.dark), bulge: 0.03 },
    { shape: polygon([[-wide, -0.85], [wide, -0.85], [wide, eaves], [0, 0.7], [-wide, eaves]]), surface: wall, bulge: 0.04 },
    { shape: box(0, -0.84, wide + 0.04, 0.07, 0.02), surface: plain(mix(colours.dark, colours.light, 0.35)), bulge: 0.04 },
    { shape: subtract(polygon([[-wide - 0.24, eaves - 0.1], [0, 0.98], [wide + 0.24, eaves - 0.1]]), polygon([[-wide - 0.12, eaves - 0.16], [0, 0.56], [wide + 0.12, eaves - 0.16]])), surface: patterned(colours.second, scale(colours.second, 0.45), scales(8), { relief: 0.03, gloss: 0.2 }), bulge: 0.07 },
    { shape: circle(0, 0.3, 0.11), surface: plain(colours.light), bulge: 0.03 },
    { shape: circle(0, 0.3, 0.075), surface: pane, bulge: 0.02 },
    ...cross(windowX, -0.25, 0.15),
    { shape: box(doorX, -0.5, 0.18, 0.31, 0.03), surface: plain(colours.light), bulge: 0.03 },
    { shape: box(doorX, -0.52, 0.14, 0.28, 0.02), surface: patterned(colours.accent, scale(colours.accent, 0.55), wood(1.57, 5, random.uint32()), { relief: 0.02, gloss: 0.3 }), bulge: 0.04 },
    { shape: circle(doorX + 0.09, -0.54, 0.028), surface: plain(colours.light, { gloss: 1 }), bulge: 0.03 },
  ];
}

export function mug(random: Random, colours: Palette): Part[] {
  const top = random.uniform(0.5, 0.58);
  const foot = random.uniform(0.38, 0.56);
  const body = blob([[-top, 0.62], [-top, 0.2], [-foot, -0.66], [-foot * 0.8, -0.8], [foot * 0.8, -0.8], [foot, -0.66], [top, 0.2], [top, 0.62], [0, 0.54]]);
  const grip = random.uniform(0.24, 0.32);
  const print = drawSurface(random, colours.main, colours.light);
  return [
    { shape: ring(top + 0.06, -0.06, grip, 0.075), surface: plain(colours.second, { gloss: 0.8 }), bulge: 0.08 },
    { shape: body, surface: { ...print, gloss: 0.8 }, bulge: 0.5 },
    { shape: intersect(body, halfPlane(0, 1, -0.62)), surface: plain(colours.second, { gloss: 0.8 }), bulge: 0.35 },
    { shape: intersect(body, box(0, -0.08, 1, random.uniform(0.05, 0.1))), surface: plain(colours.accent, { gloss: 0.8 }), bulge: 0.45 },
    { shape: ellipse(0, 0.62, top + 0.02, 0.17), surface: plain(colours.second, { gloss: 0.9 }), bulge: 0.04 },
    { shape: ellipse(0, 0.615, top - 0.05, 0.125), surface: patterned(scale(colours.dark, 0.6), mix(colours.dark, colours.accent, 0.5), rings(0.1, 0.62, 7), { gloss: 0.7 }), bulge: 0.01 },
  ];
}

export function clock(random: Random, colours: Palette): Part[] {
  const hand = (angle: number, length: number, width: number): Part['shape'] => rod(polar(0, -0.05, -0.08, angle), polar(0, -0.05, length, angle), width, width * 0.45);
  const radius = 0.68;
  const ticks = union(...Array.from({ length: 12 }, (_, k) => rod(polar(0, -0.05, k % 3 ? 0.49 : 0.43, (k * Math.PI) / 6), polar(0, -0.05, 0.54, (k * Math.PI) / 6), k % 3 ? 0.016 : 0.03)));
  const bell = (x: number): Part['shape'] => place(intersect(ellipse(0, 0, 0.27, 0.25), halfPlane(0, -1, 0.02)), x, 0.63, -x);
  const metal = drawSurface(random, colours.main, colours.second);
  return [
    { shape: mirrored(rod([0.35, -0.55], [0.52, -0.92], 0.07, 0.05)), surface: plain(colours.dark, { gloss: 0.6 }), bulge: 0.06 },
    { shape: rod([0, 0.55], [0, 0.9], 0.04), surface: plain(colours.dark), bulge: 0.03 },
    { shape: stroke([[-0.14, 0.86], [0, 0.95], [0.14, 0.86]], 0.04), surface: plain(colours.dark, { gloss: 0.5 }), bulge: 0.04 },
    { shape: union(bell(-0.42), bell(0.42)), surface: plain(colours.accent, { gloss: 1 }), bulge: 0.2 },
    { shape: circle(0, -0.05, radius), surface: { ...metal, gloss: 0.8 }, bulge: 0.12 },
    { shape: circle(0, -0.05, radius - 0.11), surface: patterned(colours.light, mix(colours.light, colours.second, 0.35), (x, y) => Math.min(1, Math.hypot(x, y + 0.05) * 1.6), { gloss: 0.2 }), bulge: 0.02 },
    { shape: ticks, surface: plain(colours.dark), bulge: 0.01 },
    { shape: hand(random.uniform(0, 6.28), 0.3, 0.045), surface: plain(colours.dark), bulge: 0.03 },
    { shape: hand(random.uniform(0, 6.28), 0.46, 0.032), surface: plain(mix(colours.dark, colours.main, 0.3)), bulge: 0.02 },
    { shape: circle(0, -0.05, 0.055), surface: plain(colours.accent, { gloss: 1 }), bulge: 0.05 },
  ];
}

export function umbrella(random: Random, colours: Palette): Part[] {
  const scallops = random.integer(4, 6);
  const width = 0.96;
  const base = 0.12;
  const height = random.uniform(0.62, 0.76);
  const bites = union(...Array.from({ length: scallops }, (_, k) => ellipse(-width + ((k + 0.5) * 2 * width) / scallops, base - 0.02, width / scallops, 0.13)));
  const canopy = subtract(intersect(ellipse(0, base, width, height), halfPlane(0, -1, -base + 0.02)), bites);
  // Panels meet at the tip.
  const panels = (x: number, y: number): number => {
    const reach = Math.sqrt(Math.max(0.02, 1 - ((y - base) / height) ** 2)) * width;
    const panel = Math.floor(((x / reach + 1) / 2) * scallops);
    return panel & 1;
  };
  const cloth = random.chance(0.7) ? patterned(colours.main, colours.second, panels, { gloss: 0.35 }) : drawSurface(random, colours.main, colours.second);
  const hook: Point[] = [[0, -0.68], [0.02, -0.84], [0.12, -0.92], [0.24, -0.86], [0.26, -0.72]];
  return [
    { shape: rod([0, 0.3], [0, -0.7], 0.03), surface: plain(mix(colours.light, colours.dark, 0.4), { gloss: 0.9 }), bulge: 0.03 },
    { shape: stroke(hook, 0.055), surface: patterned(colours.accent, scale(colours.accent, 0.5), wood(0.6, 7, 11), { gloss: 0.5 }), bulge: 0.05 },
    { shape: subtract(intersect(ellipse(0, base, width * 0.93, 0.16), halfPlane(0, 1, base + 0.1)), halfPlane(0, 1, base - 0.2)), surface: plain(scale(colours.dark, 0.8)), bulge: 0.05 },
    { shape: canopy, surface: cloth, bulge: 0.6 },
    { shape: intersect(outline((x, y) => ellipse(0, base, width, height)(x, y), 0.02), halfPlane(0, -1, -base - 0.1)), surface: plain(colours.accent), bulge: 0.02 },
    { shape: rod([0, base + height - 0.03], [0, base + height + 0.14], 0.04, 0.02), surface: plain(colours.dark, { gloss: 0.7 }), bulge: 0.03 },
  ];
}

export function lamp(random: Random, colours: Palette): Part[] {
  const top = random.uniform(0.22, 0.4);
  const low = random.uniform(0.58, 0.72);
  const shade = polygon([[-top, 0.92], [top, 0.92], [low, 0.08], [-low, 0.08]]);
  const print = drawSurface(random, colours.main, colours.light);
  const round = random.chance(0.5);
  const foot = round ? union(circle(0, -0.4, 0.28), rod([0, -0.05], [0, -0.8], 0.07)) : blob([[-0.08, 0.02], [-0.14, -0.2], [-0.32, -0.5], [-0.16, -0.82], [0.16, -0.82], [0.32, -0.5], [0.14, -0.2], [0.08, 0.02]]);
  return [
    { shape: rod([0, 0.1], [0, -0.4], 0.045), surface: plain(colours.dark, { gloss: 0.9 }), bulge: 0.04 },
    { shape: foot, surface: { ...drawSurface(random, colours.second, colours.dark), gloss: 0.8 }, bulge: 0.2 },
    { shape: ellipse(0, -0.86, 0.38, 0.11), surface: plain(mix(colours.second, colours.dark, 0.5), { gloss: 0.8 }), bulge: 0.08 },
    { shape: rod([0.4, 0.12], [0.4, -0.22], 0.012), surface: plain(colours.dark), bulge: 0.01 },
    { shape: circle(0.4, -0.25, 0.05), surface: plain(colours.accent, { gloss: 1 }), bulge: 0.05 },
    { shape: ellipse(0, 0.08, low, 0.1), surface: plain(mix(colours.light, [1, 0.85, 0.5], 0.5), { glow: 0.9 }), bulge: 0.02 },
    { shape: shade, surface: { ...print, glow: 0.35, gloss: 0.1 }, bulge: 0.5 },
    { shape: box(0, 0.12, low - 0.015, 0.045, 0.02), surface: plain(colours.accent, { glow: 0.15 }), bulge: 0.05 },
    { shape: box(0, 0.9, top + 0.02, 0.035, 0.02), surface: plain(colours.accent, { glow: 0.15 }), bulge: 0.04 },
  ];
}

export function cupcake(random: Random, colours: Palette): Part[] {
  const pleats = patterned(colours.second, scale(colours.second, 0.5), stripes(0, random.uniform(5, 7.5)), { relief: 0.05, gloss: 0.15 });
  const cream = patterned(colours.main, mix(colours.main, colours.light, 0.5), stripes(random.uniform(0.5, 0.9), 3), { relief: 0.02, gloss: 0.5 });
  const parts: Part[] = [{ shape: polygon([[-0.62, -0.12], [0.62, -0.12], [0.42, -0.92], [-0.42, -0.92]]), surface: pleats, bulge: 0.3 }];
  const layers = random.integer(3, 4);
  for (let k = 0; k < layers; k++) {
    const y = -0.06 + k * 0.25;
    const w = 0.72 - k * (0.58 / layers);
    parts.push({ shape: rod([-w + 0.17, y - 0.02], [w - 0.17, y + 0.05], 0.17), surface: cream, bulge: 0.17 });
  }
  const top = -0.06 + layers * 0.25;
  for (let k = 0; k < 9; k++) {
    const y = random.uniform(-0.1, top - 0.3);
    const x = random.uniform(-1, 1) * (0.6 - (0.45 * (y + 0.1)) / (top + 0.1));
    const [dx, dy] = polar(0, 0, 0.05, random.uniform(0, 3.14));
    parts.push({ shape: rod([x - dx, y - dy], [x + dx, y + dy], 0.025), surface: plain([colours.accent, colours.light, colours.second][k % 3]!, { gloss: 0.6 }), bulge: 0.02 });
  }
  parts.push({ shape: circle(0, top + 0.06, 0.15), surface: plain(colours.accent, { gloss: 1 }), bulge: 0.15 }, { shape: stroke([[0, top + 0.16], [0.05, top + 0.28], [0.16, top + 0.34]], 0.02), surface: plain(colours.dark), bulge: 0.02 });
  return parts;
}

export function guitar(random: Random, colours: Palette): Part[] {
  const waist = random.uniform(0.24, 0.32);
  const body = blob([[0, 0.14], [0.26, 0.1], [0.36, -0.1], [waist, -0.32], [0.46, -0.62], [0.34, -0.9], [0, -0.98], [-0.34, -0.9], [-0.46, -0.62], [-waist, -0.32], [-0.36, -0.1], [-0.26, 0.1]]);
  const grain = random.chance(0.6) ? patterned(colours.main, scale(colours.main, 0.5), wood(1.57, 6, random.uint32()), { gloss: 0.8 }) : drawSurface(random, colours.main, colours.second);
  const pegs = mirrored(union(rod([0.08, 0.92], [0.17, 0.92], 0.028), rod([0.08, 0.82], [0.17, 0.82], 0.028)));
  return [
    { shape: body, surface: plain(colours.second, { gloss: 0.8 }), bulge: 0.06 },
    { shape: (x, y) => body(x, y) + 0.05, surface: grain, bulge: 0.06 },
    { shape: blob([[0.1, -0.28], [0.3, -0.36], [0.32, -0.6], [0.14, -0.55]]), surface: plain(colours.accent, { gloss: 0.6 }), bulge: 0.02 },
    { shape: circle(0, -0.26, 0.165), surface: patterned(colours.light, colours.dark, rays(0, -0.26, 16)), bulge: 0.01 },
    { shape: circle(0, -0.26, 0.125), surface: plain(scale(colours.dark, 0.35), { gloss: 0 }), bulge: 0.01 },
    { shape: pegs, surface: plain(colours.light, { gloss: 1 }), bulge: 0.03 },
    { shape: polygon([[-0.06, -0.1], [0.06, -0.1], [0.05, 0.76], [-0.05, 0.76]]), surface: patterned(colours.dark, colours.light, (_x, y) => (Math.abs(y * 9 - Math.round(y * 9)) < 0.09 ? 1 : 0), { gloss: 0.3 }), bulge: 0.05 },
    { shape: polygon([[-0.07, 0.74], [0.07, 0.74], [0.1, 0.98], [-0.1, 0.98]]), surface: plain(colours.second, { gloss: 0.6 }), bulge: 0.05 },
    { shape: box(0, -0.72, 0.17, 0.035, 0.02), surface: plain(colours.dark), bulge: 0.03 },
    { shape: union(rod([-0.03, -0.72], [-0.03, 0.85], 0.006), rod([0.03, -0.72], [0.03, 0.85], 0.006)), surface: plain(colours.light, { glow: 0.3 }), bulge: 0.01 },
  ];
}

export function robot(random: Random, colours: Palette): Part[] {
  const headWidth = random.uniform(0.3, 0.38);
  const shell = drawSurface(random, colours.main, colours.light);
  const joint = patterned(colours.dark, mix(colours.dark, colours.light, 0.5), stripes(Math.PI / 2, 10), { relief: 0.02, gloss: 0.6 });
  const lift = random.uniform(-0.5, 0.35);
  const hand: Point = [0.84, -0.15 + lift];
  const eyes = random.uniform(0.075, 0.1);
  return [
    { shape: mirrored(rod([0.2, -0.45], [0.22, -0.8], 0.085)), surface: joint, bulge: 0.08 },
    { shape: mirrored(box(0.25, -0.88, 0.18, 0.09, 0.06)), surface: plain(colours.second, { gloss: 0.6 }), bulge: 0.08 },
    { shape: stroke([[0.4, 0.02], [0.66, -0.12], hand], 0.07), surface: joint, bulge: 0.07 },
    { shape: stroke([[-0.4, 0.02], [-0.68, -0.14], [-0.8, -0.42]], 0.07), surface: joint, bulge: 0.07 },
    { shape: union(subtract(circle(hand[0], hand[1], 0.14), circle(hand[0] + 0.08, hand[1] + 0.06, 0.07)), subtract(circle(-0.82, -0.5, 0.14), circle(-0.88, -0.6, 0.07))), surface: plain(colours.accent, { gloss: 0.8 }), bulge: 0.08 },
    { shape: box(0, 0.24, 0.1, 0.12), surface: joint, bulge: 0.08 },
    { shape: box(0, -0.18, 0.44, 0.36, 0.1), surface: { ...shell, gloss: 0.6 }, bulge: 0.12 },
    { shape: box(0, -0.2, 0.27, 0.2, 0.05), surface: plain(colours.light, { gloss: 0.4 }), bulge: 0.03 },
    { shape: circle(-0.12, -0.17, 0.085), surface: patterned(colours.dark, colours.accent, rays(-0.12, -0.17, 3), { gloss: 0.8 }), bulge: 0.04 },
    { shape: rod([0.04, -0.12], [0.18, -0.12], 0.03), surface: plain(colours.accent, { glow: 0.4 }), bulge: 0.03 },
    { shape: rod([0.04, -0.24], [0.18, -0.24], 0.03), surface: plain(colours.second, { glow: 0.2 }), bulge: 0.03 },
    { shape: rod([0, 0.75], [random.uniform(-0.1, 0.1), 0.93], 0.022), surface: plain(colours.dark), bulge: 0.02 },
    { shape: circle(0, 0.94, 0.06), surface: plain(colours.accent, { gloss: 1, glow: 0.3 }), bulge: 0.06 },
    { shape: box(0, 0.53, headWidth, 0.25, 0.1), surface: patterned(colours.second, scale(colours.second, 0.75), mottle(4, 9), { gloss: 0.7 }), bulge: 0.13 },
    { shape: mirrored(circle(0.15, 0.57, eyes)), surface: plain(colours.light, { glow: 0.4 }), bulge: 0.06 },
    { shape: mirrored(circle(0.14, 0.57, eyes * 0.5)), surface: plain(scale(colours.dark, 0.5), { gloss: 1 }), bulge: 0.04 },
    { shape: rod([-0.13, 0.38], [0.13, 0.38], 0.035), surface: patterned(colours.light, colours.dark, stripes(0, 14)), bulge: 0.02 },
  ];
}
