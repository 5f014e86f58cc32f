/** Tree, flower, cactus, mushroom and leaf. */
import type { Random } from '../../../random.ts';
import { mix, scale, type Palette } from '../colours.ts';
import type { Part } from '../figure.ts';
import { blob, box, circle, ellipse, grow, intersect, melt, mirrored, place, polar, polygon, rod, stroke, subtract, union, type Point, type Shape } from '../shapes.ts';
import { dots, drawSurface, fade, mottle, patterned, plain, rays, stripes, wood } from '../surfaces.ts';

export function tree(random: Random, colours: Palette): Part[] {
  const trunkWidth = random.uniform(0.1, 0.16);
  const bark = patterned(colours.second, scale(colours.second, 0.4), wood(Math.PI / 2, 6, random.uint32()), { relief: 0.03, gloss: 0.05 });
  const lean = random.uniform(-0.1, 0.1);
  const parts: Part[] = [
    { shape: union(rod([lean, -0.95], [0, 0.2], trunkWidth * 1.25, trunkWidth * 0.7), rod([0, -0.25], [0.38, 0.2], trunkWidth * 0.5, 0.04), rod([0, -0.12], [-0.36, 0.25], trunkWidth * 0.5, 0.04)), surface: bark, bulge: trunkWidth },
  ];
  if (random.chance(0.35)) {
    // A fir: skirts from below to the top.
    const needles = patterned(colours.main, scale(colours.main, 0.45), mottle(8, random.uint32(), 2), { relief: 0.03, gloss: 0.1 });
    for (let k = 0; k < 4; k++) {
      const y = -0.5 + k * 0.36;
      const w = 0.72 - k * 0.15;
      parts.push({ shape: grow(polygon([[-w, y], [-w * 0.5, y + 0.06], [0, y - 0.06], [w * 0.5, y + 0.06], [w, y], [0, y + 0.62 - k * 0.05]]), 0.03), surface: needles, bulge: 0.3 });
    }
  } else {
    const count = random.integer(5, 7);
    const crown = (radius: number, dy: number, size: number): Shape =>
      melt(0.1, ...Array.from({ length: count }, (_, k) => {
        const [x, y] = polar(0, dy, radius * random.uniform(0.85, 1.15), (k / count) * 2 * Math.PI + 0.4);
        return circle(x * 1.15, y, size * random.uniform(0.85, 1.15));
      }), circle(0, dy, size));
    const leaves = (by: number): Part['surface'] => patterned(scale(colours.main, by), scale(colours.main, by * 0.42), mottle(6, random.uint32(), 2), { relief: 0.035, gloss: 0.1 });
    parts.push({ shape: crown(0.4, 0.35, 0.32), surface: leaves(0.75), bulge: 0.3 }, { shape: crown(0.22, 0.48, 0.24), surface: leaves(1.1), bulge: 0.25 });
  }
  const fruits = random.integer(3, 7);
  const fruit = plain(colours.accent, { gloss: 0.9 });
  for (let k = 0; k < fruits; k++) {
    const [x, y] = polar(0, 0.3, random.uniform(0.1, 0.45), (k / fruits) * 2 * Math.PI + random.uniform(-0.4, 0.4));
    parts.push({ shape: circle(x, y, random.uniform(0.055, 0.08)), surface: fruit, bulge: 0.08 });
  }
  return parts;
}

export function flower(random: Random, colours: Palette): Part[] {
  const green = mix(colours.second, colours.dark, 0.25);
  const [cx, cy] = [random.uniform(-0.08, 0.08), 0.38];
  const stem = stroke([[random.uniform(-0.15, 0.15), -1], [0.06, -0.6], [0, -0.2], [cx, cy]], 0.05, 0.04);
  const blade = blob([[0, 0], [0.2, 0.11], [0.48, 0.06], [0.62, 0], [0.48, -0.05], [0.2, -0.1]]);
  const leaf = patterned(green, scale(green, 0.55), stripes(0.3, 7), { gloss: 0.3, relief: 0.01 });
  const parts: Part[] = [
    { shape: stem, surface: plain(green, { gloss: 0.3 }), bulge: 0.05 },
    { shape: place(blade, 0.03, -0.62, random.uniform(0.3, 0.7)), surface: leaf, bulge: 0.09 },
    { shape: place(blade, 0.03, -0.75, Math.PI - random.uniform(0.3, 0.7)), surface: leaf, bulge: 0.09 },
  ];
  const count = random.integer(5, 9);
  const width = Math.min(0.19, 1.05 / count);
  const turn = random.uniform(0, 2);
  const petal = random.chance(0.5) ? ellipse(0.33, 0, 0.27, width) : blob([[0, 0], [0.25, width * 0.9], [0.5, width * 1.1], [0.62, 0.03], [0.56, 0], [0.62, -0.03], [0.5, -width * 1.1], [0.25, -width * 0.9]]);
  for (let k = 0; k < count; k++) {
    const angle = turn + (k / count) * 2 * Math.PI;
    const [bx, by] = polar(cx, cy, 0.3, angle);
    const surface = patterned(mix(colours.accent, colours.main, 0.8), colours.main, (x, y) => Math.min(1, Math.hypot(x - bx, y - by) * 3), { gloss: 0.25 });
    parts.push({ shape: place(petal, cx, cy, angle), surface, bulge: width * 1.2 });
  }
  parts.push({ shape: circle(cx, cy, random.uniform(0.15, 0.2)), surface: patterned(colours.accent, colours.dark, dots(15, 0.3), { gloss: 0.2, relief: 0.02 }), bulge: 0.17 });
  return parts;
}

export function cactus(random: Random, colours: Palette): Part[] {
  const ribs = patterned(colours.main, scale(colours.main, 0.5), stripes(0, random.uniform(8, 11)), { relief: 0.03, gloss: 0.25 });
  const left = random.uniform(-0.1, 0.15);
  const right = random.uniform(0.05, 0.3);
  const parts: Part[] = [
    { shape: stroke([[-0.1, left], [-0.42, left], [-0.48, left + 0.1], [-0.48, left + random.uniform(0.25, 0.45)]], 0.1), surface: ribs, bulge: 0.11 },
    { shape: stroke([[0.1, right - 0.1], [0.4, right - 0.1], [0.47, right], [0.47, right + random.uniform(0.2, 0.4)]], 0.095), surface: ribs, bulge: 0.11 },
    { shape: rod([0, -0.6], [0, 0.65], 0.24, 0.21), surface: ribs, bulge: 0.24 },
  ];
  const bloom = blob(Array.from({ length: 10 }, (_, k) => polar(0, 0, k % 2 ? 0.07 : 0.15, (k / 10) * 2 * Math.PI)));
  parts.push({ shape: place(bloom, random.uniform(-0.08, 0.08), 0.87, 0.3), surface: plain(colours.accent, { gloss: 0.3 }), bulge: 0.09 }, { shape: circle(0, 0.87, 0.05), surface: plain(colours.light), bulge: 0.05 });
  const pot = drawSurface(random, colours.second, colours.light);
  parts.push({ shape: polygon([[-0.36, -0.55], [0.36, -0.55], [0.27, -1], [-0.27, -1]]), surface: pot, bulge: 0.25 }, { shape: box(0, -0.55, 0.42, 0.08, 0.03), surface: plain(colours.second, { gloss: pot.gloss }), bulge: 0.07 });
  return parts;
}

export function mushroom(random: Random, colours: Palette): Part[] {
  const rx = random.uniform(0.7, 0.88);
  const ry = random.uniform(0.55, 0.8);
  const under = ellipse(0, 0.12, rx * 0.97, 0.17);
  const cap = intersect(ellipse(0, 0.1, rx, ry), grow(subtract(box(0, 0.6, 1, 0.62), ellipse(0, -0.06, rx * 0.95, 0.16)), 0));
  const stem = melt(0.1, rod([0, 0.05], [random.uniform(-0.1, 0.1), -0.75], 0.17, 0.22), ellipse(0, -0.82, 0.3, 0.17));
  const small: Point = [random.chance(0.5) ? 0.58 : -0.58, -0.68];
  const skin = random.chance(0.7) ? patterned(colours.main, colours.light, dots(random.uniform(2.6, 3.6), random.uniform(0.24, 0.33)), { gloss: 0.7, relief: 0.02 }) : drawSurface(random, colours.main, colours.light);
  const flesh = patterned(colours.light, mix(colours.light, colours.second, 0.6), fade(0, -0.9), { gloss: 0.15 });
  return [
    { shape: rod([small[0], small[1]], [small[0] * 0.9, -0.95], 0.06, 0.08), surface: flesh, bulge: 0.07 },
    { shape: intersect(ellipse(small[0], small[1], 0.24, 0.26), box(small[0], small[1] + 0.2, 1, 0.22)), surface: skin, bulge: 0.18 },
    { shape: under, surface: patterned(colours.second, scale(colours.second, 0.4), rays(0, 0.45, 60), { relief: 0.03, gloss: 0 }), bulge: 0.05 },
    { shape: stem, surface: flesh, bulge: 0.2 },
    { shape: ellipse(0, -0.16, 0.29, 0.08), surface: plain(mix(colours.light, colours.second, 0.3), { gloss: 0.1 }), bulge: 0.05 },
    { shape: cap, surface: skin, bulge: 0.6 },
  ];
}

export function leaf(random: Random, colours: Palette): Part[] {
  const lobes = random.integer(3, 5);
  const depth = random.uniform(0.12, 0.3);
  const side: Point[] = [];
  for (let k = 0; k <= lobes * 2; k++) {
    const t = k / (lobes * 2);
    const envelope = Math.sin(Math.PI * (0.1 + 0.88 * (1 - t))) ** 0.8 * 0.62;
    side.push([Math.max(0.03, envelope * (k % 2 ? 1 : 1 - depth * 1.6)), -0.55 + t * 1.45]);
  }
  const blade = blob([...side, ...side.map(([x, y]): Point => [-x, y]).reverse()]);
  const vein = plain(mix(colours.light, colours.main, 0.35), { gloss: 0.2 });
  const rise = random.uniform(0.22, 0.4);
  const veins = Array.from({ length: lobes }, (_, k) => {
    const y = -0.42 + (k * 1.05) / lobes;
    const reach = 0.44 * Math.sin(Math.PI * (0.2 + (0.72 * (k + 0.6)) / lobes));
    return rod([0, y], [reach, y + rise], 0.018, 0.008);
  });
  const drops = random.integer(1, 3);
  return [
    { shape: stroke([[0, -0.5], [0.03, -0.75], [random.uniform(-0.18, 0.18), -1]], 0.045, 0.035), surface: plain(mix(colours.main, colours.dark, 0.4)), bulge: 0.04 },
    { shape: blade, surface: patterned(colours.main, mix(colours.second, colours.main, 0.35), mottle(random.uniform(2, 4), random.uint32()), { gloss: 0.35, relief: 0.04 }), bulge: 0.35 },
    { shape: union(rod([0, -0.55], [0, 0.8], 0.035, 0.01), mirrored(union(...veins))), surface: vein, bulge: 0.03 },
    ...Array.from({ length: drops }, (): Part => ({ shape: circle(random.uniform(-0.28, 0.28), random.uniform(-0.3, 0.45), random.uniform(0.05, 0.09)), surface: plain(mix(colours.light, colours.main, 0.4), { gloss: 1, glow: 0.1 }), bulge: 0.09 })),
  ];
}
