/** Car, boat, rocket and balloon. */
import type { Random } from '../../../random.ts';
import { mix, scale, type Palette } from '../colours.ts';
import type { Part } from '../figure.ts';
import { blob, box, circle, ellipse, halfPlane, intersect, mirrored, outline, place, polygon, rod, stroke, subtract, union } from '../shapes.ts';
import { checks, drawSurface, fade, mottle, patterned, plain, rays, stripes, wood } from '../surfaces.ts';

const glass = (colours: Palette): Part['surface'] => patterned(mix(colours.light, [0.35, 0.55, 0.75], 0.5), mix(colours.dark, [0.1, 0.2, 0.3], 0.4), stripes(0.7, 1.6), { gloss: 1 });

export function car(random: Random, colours: Palette): Part[] {
  const roof = random.uniform(0.42, 0.58);
  const nose = random.uniform(0.1, 0.2);
  const wheel = random.uniform(0.2, 0.25);
  const [front, back] = [0.56, -0.56];
  const cabin = blob([[0.42, 0.06], [0.2, roof], [-0.3, roof + 0.03], [-0.62, 0.1], [-0.5, -0.05], [0.3, -0.05]]);
  const body = blob([[0.98, -0.2], [0.94, nose - 0.08], [0.45, nose], [0, nose + 0.02], [-0.6, nose + 0.04], [-0.96, 0.06], [-1, -0.25], [-0.85, -0.36], [0.88, -0.36]]);
  const panes = subtract((x, y) => cabin(x, y) + 0.075, union(box(-0.08, 0.3, 0.03, 0.6), box(0, -0.1, 2, nose + 0.14)));
  const wheels = (x: number): Part[] => [
    { shape: circle(x, -0.38, wheel), surface: plain(scale(colours.dark, 0.6), { gloss: 0.15 }), bulge: 0.1 },
    { shape: circle(x, -0.38, wheel * 0.58), surface: patterned(colours.light, scale(colours.light, 0.35), rays(x, -0.38, random.integer(5, 8)), { gloss: 0.8, relief: 0.02 }), bulge: 0.05 },
    { shape: circle(x, -0.38, wheel * 0.18), surface: plain(colours.accent, { gloss: 0.8 }), bulge: 0.04 },
  ];
  const paint = drawSurface(random, colours.main, colours.second);
  return [
    { shape: cabin, surface: plain(colours.second, { gloss: 0.7 }), bulge: 0.14 },
    { shape: panes, surface: glass(colours), bulge: 0.03 },
    { shape: subtract(body, union(circle(front, -0.38, wheel + 0.05), circle(back, -0.38, wheel + 0.05))), surface: { ...paint, gloss: 0.8 }, bulge: 0.16 },
    { shape: rod([-0.34, -0.3], [0.32, -0.3], 0.03), surface: plain(colours.light, { gloss: 0.6 }), bulge: 0.03 },
    { shape: outline(box(-0.03, -0.08, 0.3, 0.2, 0.05), 0.012), surface: plain(colours.dark), bulge: 0.01 },
    { shape: rod([0.12, 0.02], [0.2, 0.02], 0.025), surface: plain(colours.light, { gloss: 1 }), bulge: 0.02 },
    { shape: ellipse(0.9, nose - 0.16, 0.06, 0.08), surface: plain(mix(colours.light, [1, 0.9, 0.6], 0.5), { gloss: 1, glow: 0.4 }), bulge: 0.06 },
    { shape: box(-0.95, -0.05, 0.035, 0.08, 0.02), surface: plain(colours.accent, { gloss: 0.8, glow: 0.3 }), bulge: 0.03 },
    ...wheels(front),
    ...wheels(back),
  ];
}

export function boat(random: Random, colours: Palette): Part[] {
  const deck = random.uniform(-0.42, -0.34);
  const hull = blob([[-0.86, deck], [0, deck - 0.06], [0.95, deck + 0.08], [0.72, -0.7], [0.5, -0.82], [-0.55, -0.82], [-0.74, -0.72]]);
  const mast = random.uniform(-0.1, 0.06);
  const planks = patterned(colours.main, scale(colours.main, 0.5), stripes(Math.PI / 2, 9), { relief: 0.02, gloss: 0.35 });
  const seam = (surface: Part['surface']): Part['surface'] => ({ ...surface, gloss: 0.1 });
  const ports = random.integer(2, 4);
  return [
    { shape: rod([mast, deck - 0.1], [mast, 0.92], 0.035, 0.025), surface: patterned(colours.dark, mix(colours.dark, colours.light, 0.4), wood(1.57, 5, 3), { gloss: 0.2 }), bulge: 0.03 },
    { shape: blob([[mast - 0.02, 0.92], [mast - 0.3, 0.98], [mast - 0.34, 0.84], [mast - 0.02, 0.8]]), surface: plain(colours.accent), bulge: 0.06 },
    { shape: polygon([[mast + 0.07, 0.72], [mast + 0.34, 0.3], [0.82, -0.2], [mast + 0.07, -0.26]]), surface: seam(drawSurface(random, colours.second, colours.light)), bulge: 0.3 },
    { shape: polygon([[mast - 0.07, 0.62], [mast - 0.4, 0.1], [-0.72, -0.24], [mast - 0.07, -0.28]]), surface: seam(patterned(colours.light, mix(colours.light, colours.second, 0.5), stripes(Math.PI / 2, 3))), bulge: 0.3 },
    { shape: hull, surface: planks, bulge: 0.25 },
    { shape: intersect(hull, halfPlane(0, 1, -0.68)), surface: plain(colours.accent, { gloss: 0.5 }), bulge: 0.2 },
    { shape: stroke([[-0.84, deck], [0, deck - 0.06], [0.93, deck + 0.08]], 0.035), surface: plain(colours.light, { gloss: 0.4 }), bulge: 0.03 },
    ...Array.from({ length: ports }, (_, k): Part[] => {
      const x = -0.4 + (0.85 * k) / (ports - 1);
      return [{ shape: circle(x, -0.55, 0.075), surface: plain(colours.light, { gloss: 0.9 }), bulge: 0.03 }, { shape: circle(x, -0.55, 0.045), surface: plain(scale(colours.dark, 0.7), { gloss: 1 }), bulge: 0.03 }];
    }).flat(),
  ];
}

export function rocket(random: Random, colours: Palette): Part[] {
  const width = random.uniform(0.24, 0.32);
  const body = blob([[0, 1], [width * 0.75, 0.6], [width, 0.1], [width * 0.72, -0.55], [-width * 0.72, -0.55], [-width, 0.1], [-width * 0.75, 0.6]]);
  const flame = (size: number): Part['shape'] => blob([[0, -0.6 - 0.55 * size], [0.22 * size, -0.72], [0.15 * size, -0.5], [-0.15 * size, -0.5], [-0.22 * size, -0.72]]);
  const fin = blob([[width * 0.7, -0.1], [width + 0.32, -0.5], [width + 0.3, -0.8], [width * 0.6, -0.52]]);
  const hot = mix(colours.accent, [1, 0.8, 0.35], 0.5);
  return [
    { shape: flame(1), surface: patterned(colours.accent, scale(colours.accent, 0.7), mottle(6, random.uint32()), { glow: 0.6, gloss: 0 }), bulge: 0.12 },
    { shape: flame(0.58), surface: plain(hot, { glow: 1, gloss: 0 }), bulge: 0.08 },
    { shape: mirrored(fin), surface: plain(colours.second, { gloss: 0.6 }), bulge: 0.08 },
    { shape: box(0, -0.56, width * 0.5, 0.08, 0.02), surface: patterned(colours.dark, scale(colours.dark, 2), stripes(0, 12), { gloss: 0.6, relief: 0.01 }), bulge: 0.1 },
    { shape: body, surface: { ...drawSurface(random, colours.main, colours.light), gloss: 0.7 }, bulge: width },
    { shape: intersect(body, halfPlane(0, -1, -random.uniform(0.52, 0.62))), surface: plain(colours.second, { gloss: 0.8 }), bulge: width * 0.8 },
    { shape: intersect(body, box(0, -0.36, 1, 0.07)), surface: plain(colours.light, { gloss: 0.6 }), bulge: width },
    { shape: circle(0, 0.24, 0.17), surface: plain(colours.light, { gloss: 0.9 }), bulge: 0.05 },
    { shape: circle(0, 0.24, 0.12), surface: glass(colours), bulge: 0.12 },
    ...(random.chance(0.6) ? [{ shape: circle(0, -0.1, 0.1), surface: plain(colours.light, { gloss: 0.9 }), bulge: 0.04 }, { shape: circle(0, -0.1, 0.065), surface: glass(colours), bulge: 0.06 }] : []),
    { shape: rod([0, -0.42], [0, -0.7], 0.05, 0.03), surface: plain(colours.second, { gloss: 0.6 }), bulge: 0.05 },
  ];
}

export function balloon(random: Random, colours: Palette): Part[] {
  const wide = random.uniform(0.6, 0.72);
  const envelope = blob([[0, 1], [wide * 0.72, 0.82], [wide, 0.38], [wide * 0.72, -0.05], [0.16, -0.42], [-0.16, -0.42], [-wide * 0.72, -0.05], [-wide, 0.38], [-wide * 0.72, 0.82]]);
  // Gores: stripes that narrow towards the mouth and the crown, as meridians do.
  const count = random.integer(2, 3);
  const gores = (x: number, y: number): number => {
    const half = wide * Math.sqrt(Math.max(0.04, 1 - ((y - 0.35) / 0.8) ** 2));
    const t = (Math.asin(Math.min(Math.max(x / half, -1), 1)) / Math.PI) * count * 2 + 0.25;
    return Math.abs(t - Math.floor(t) - 0.5) < 0.25 ? 1 : 0;
  };
  const basket = patterned(colours.dark, mix(colours.dark, colours.light, 0.55), checks(0.78, 9), { relief: 0.02, gloss: 0.1 });
  const rope = plain(colours.dark);
  const cloth = random.chance(0.65) ? patterned(colours.main, colours.second, gores, { gloss: 0.35 }) : drawSurface(random, colours.main, colours.second);
  return [
    { shape: mirrored(union(rod([0.14, -0.4], [0.15, -0.74], 0.014), rod([0.05, -0.4], [0.08, -0.74], 0.014))), surface: rope, bulge: 0.01 },
    { shape: envelope, surface: cloth, bulge: wide },
    { shape: intersect(envelope, box(0, random.uniform(0.2, 0.4), 1, random.uniform(0.07, 0.11))), surface: plain(colours.accent, { gloss: 0.35 }), bulge: wide },
    { shape: ellipse(0, -0.41, 0.17, 0.055), surface: patterned(colours.accent, colours.dark, fade(-0.38, -0.46)), bulge: 0.05 },
    { shape: box(0, -0.86, 0.19, 0.14, 0.04), surface: basket, bulge: 0.1 },
    { shape: box(0, -0.73, 0.21, 0.035, 0.03), surface: plain(colours.accent), bulge: 0.03 },
    ...(random.chance(0.5) ? [{ shape: place(box(0, 0, 0.07, 0.09, 0.03), -0.21, -0.88, 0.1), surface: plain(colours.second), bulge: 0.05 }] : []),
  ];
}
