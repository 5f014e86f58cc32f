/** Fish, bird, butterfly and snail. */
import type { Random } from '../../../random.ts';
import { mix, scale, type Palette } from '../colours.ts';
import type { Part } from '../figure.ts';
import { blob, circle, ellipse, intersect, halfPlane, mirrored, outline, place, polar, rod, stroke, subtract, type Point } from '../shapes.ts';
import { drawSurface, patterned, plain, rings, scales, stripes } from '../surfaces.ts';

function eye(x: number, y: number, radius: number, colours: Palette): Part[] {
  return [
    { shape: circle(x, y, radius), surface: plain(colours.light, { gloss: 0.8 }), bulge: radius },
    { shape: circle(x + radius * 0.2, y, radius * 0.58), surface: plain(scale(colours.dark, 0.5), { gloss: 1 }), bulge: radius * 0.6 },
    { shape: circle(x + radius * 0.02, y + radius * 0.3, radius * 0.2), surface: plain([1, 1, 1], { glow: 0.6 }), bulge: 0.02 },
  ];
}

export function fish(random: Random, colours: Palette): Part[] {
  const height = random.uniform(0.36, 0.52);
  const body = blob([[0.88, 0.02], [0.6, height * 0.7], [0.1, height], [-0.35, height * 0.55], [-0.58, 0.08], [-0.58, -0.08], [-0.35, -height * 0.55], [0.1, -height], [0.6, -height * 0.7]]);
  const finColour = mix(colours.accent, colours.main, 0.15);
  const fin = (angle: number): Part['surface'] => patterned(finColour, scale(finColour, 0.55), stripes(angle, 9), { relief: 0.02, gloss: 0.3 });
  const tail = random.uniform(0.36, 0.52);
  return [
    { shape: blob([[-0.5, 0], [-0.72, 0.14], [-1, tail], [-0.88, 0.04], [-0.88, -0.04], [-1, -tail], [-0.72, -0.14]]), surface: fin(Math.PI / 2), bulge: 0.1 },
    { shape: blob([[0.4, height * 0.75], [0.2, height + 0.22], [-0.15, height + random.uniform(0.2, 0.35)], [-0.42, height * 0.85], [-0.3, height * 0.4]]), surface: fin(0.3), bulge: 0.08 },
    { shape: blob([[0.15, -height * 0.8], [-0.05, -height - 0.24], [-0.25, -height * 0.95], [-0.15, -height * 0.6]]), surface: fin(-0.3), bulge: 0.06 },
    { shape: body, surface: random.chance(0.6) ? patterned(colours.main, scale(colours.main, 0.5), scales(random.uniform(6, 9)), { gloss: 0.6, relief: 0.02 }) : drawSurface(random, colours.main, colours.second), bulge: height },
    { shape: intersect(body, halfPlane(-1, 0, -random.uniform(0.38, 0.48))), surface: plain(colours.second, { gloss: 0.6 }), bulge: height * 0.8 },
    { shape: intersect(outline(circle(0.15, 0, 0.34), 0.022), halfPlane(-1, 0, -0.36)), surface: plain(colours.dark), bulge: 0.02 },
    { shape: blob([[0.28, -0.02], [0.1, 0.06], [-0.16, -0.08], [-0.08, -0.26], [0.14, -0.2]]), surface: fin(1), bulge: 0.06 },
    { shape: stroke([[0.86, -0.05], [0.76, -0.1], [0.68, -0.08]], 0.022), surface: plain(colours.dark), bulge: 0.02 },
    ...eye(0.62, height * 0.25, random.uniform(0.09, 0.13), colours),
  ];
}

export function bird(random: Random, colours: Palette): Part[] {
  const plump = random.uniform(0.85, 1.1);
  const head: Point = [0.42, 0.48];
  const feather = patterned(colours.second, scale(colours.second, 0.5), scales(7), { relief: 0.02, gloss: 0.2 });
  const tailAngle = random.uniform(2.7, 3.4);
  const tip = polar(-0.45, -0.1, 0.62, tailAngle);
  const legs = plain(mix(colours.accent, colours.dark, 0.4));
  return [
    { shape: rod([-1, -0.88], [1, -0.78], 0.06, 0.045), surface: patterned(colours.dark, scale(colours.dark, 2.2), stripes(0.2, 8), { relief: 0.02, gloss: 0.1 }), bulge: 0.06 },
    { shape: stroke([[0.02, -0.4], [0.05, -0.65], [0.0, -0.82], [0.14, -0.8]], 0.03), surface: legs, bulge: 0.03 },
    { shape: stroke([[-0.2, -0.4], [-0.2, -0.65], [-0.26, -0.84], [-0.1, -0.82]], 0.03), surface: legs, bulge: 0.03 },
    { shape: rod([-0.4, -0.05], tip, 0.13, 0.1), surface: patterned(colours.second, colours.dark, stripes(tailAngle, 4), { gloss: 0.2 }), bulge: 0.08 },
    { shape: blob([[0.5, 0.2], [0.2, 0.38 * plump], [-0.25, 0.2], [-0.58, -0.02], [-0.35, -0.38], [0.05, -0.52 * plump], [0.42, -0.32]]), surface: patterned(colours.main, colours.light, (_x, y) => Math.min(Math.max(-y * 2.2, 0), 0.9), { gloss: 0.15 }), bulge: 0.42 },
    { shape: blob([[head[0] + 0.24, head[1] + 0.03], [head[0] + 0.6, head[1] - random.uniform(0.02, 0.1)], [head[0] + 0.22, head[1] - 0.14]]), surface: plain(colours.accent, { gloss: 0.6 }), bulge: 0.06 },
    { shape: circle(head[0], head[1], 0.31), surface: random.chance(0.5) ? plain(mix(colours.main, colours.second, 0.5), { gloss: 0.15 }) : plain(colours.main, { gloss: 0.15 }), bulge: 0.3 },
    ...(random.chance(0.5) ? [{ shape: blob([[0.32, 0.76], [0.2, 1], [0.4, 0.88], [0.46, 1.02], [0.52, 0.76]]), surface: plain(colours.accent), bulge: 0.05 }] : []),
    { shape: blob([[0.28, 0.12], [-0.02, 0.2], [-0.4, 0.02], [-0.72, -0.2], [-0.25, -0.24], [0.12, -0.16]]), surface: feather, bulge: 0.14 },
    ...eye(head[0] + 0.12, head[1] + 0.07, 0.075, colours),
  ];
}

export function butterfly(random: Random, colours: Palette): Part[] {
  const span = random.uniform(0.8, 1);
  const fore = blob([[0.04, 0.05], [0.25, 0.6], [span * 0.8, random.uniform(0.8, 0.98)], [span, 0.62], [span * 0.78, 0.2], [0.35, 0]]);
  const hind = blob([[0.04, 0], [0.4, 0.05], [span * 0.82, -0.12], [span * 0.72, -0.55], [0.42, -random.uniform(0.7, 0.95)], [0.2, -0.45]]);
  const print = drawSurface(random, colours.main, colours.second);
  const edge = plain(colours.dark, { gloss: 0.2 });
  const spot = (x: number, y: number, radius: number): Part[] => [
    { shape: mirrored(circle(x, y, radius)), surface: plain(colours.light), bulge: 0.02 },
    { shape: mirrored(circle(x, y, radius * 0.6)), surface: plain(colours.accent, { gloss: 0.6 }), bulge: 0.03 },
  ];
  return [
    { shape: mirrored(hind), surface: edge, bulge: 0.05 },
    { shape: mirrored((x, y) => hind(x, y) + 0.06), surface: patterned(colours.second, scale(colours.second, 0.5), rings(0.1, -0.1, 4), { gloss: 0.2 }), bulge: 0.1 },
    { shape: mirrored(fore), surface: edge, bulge: 0.05 },
    { shape: mirrored((x, y) => fore(x, y) + 0.07), surface: { ...print, gloss: 0.25 }, bulge: 0.12 },
    ...spot(span * 0.68, 0.58, random.uniform(0.08, 0.12)),
    ...spot(span * 0.5, -0.38, random.uniform(0.06, 0.1)),
    { shape: mirrored(stroke([[0.02, 0.45], [0.1, 0.75], [0.26, 0.95]], 0.018)), surface: edge, bulge: 0.02 },
    { shape: mirrored(circle(0.27, 0.96, 0.045)), surface: plain(colours.accent), bulge: 0.04 },
    { shape: rod([0, 0.3], [0, -0.52], 0.085, 0.045), surface: patterned(colours.dark, mix(colours.dark, colours.light, 0.6), stripes(Math.PI / 2, 9), { relief: 0.02, gloss: 0.3 }), bulge: 0.08 },
    { shape: circle(0, 0.42, 0.1), surface: plain(mix(colours.dark, colours.accent, 0.3), { gloss: 0.6 }), bulge: 0.1 },
  ];
}

export function snail(random: Random, colours: Palette): Part[] {
  const [cx, cy] = [-0.16, 0.08];
  const radius = random.uniform(0.5, 0.6);
  const turns = random.uniform(2.2, 2.9);
  const spiral = (x: number, y: number): number => {
    const dx = x - cx;
    const dy = y - cy;
    const t = (Math.sqrt(dx * dx + dy * dy) / radius) * turns - Math.atan2(dy, dx) / (2 * Math.PI);
    return Math.min(1, 2.4 * Math.abs(t - Math.floor(t) - 0.5));
  };
  const skin = patterned(colours.second, mix(colours.second, colours.dark, 0.5), (x, y) => (Math.sin(31 * x) * Math.sin(37 * y) > 0.3 ? 1 : 0), { gloss: 0.7, relief: 0.01 });
  const horn = random.uniform(0.66, 0.8);
  return [
    { shape: stroke([[0.74, -0.18], [0.8, 0.12], [horn + 0.12, 0.36]], 0.035, 0.028), surface: skin, bulge: 0.03 },
    { shape: stroke([[0.62, -0.18], [0.58, 0.1], [horn - 0.22, 0.3]], 0.035, 0.028), surface: skin, bulge: 0.03 },
    ...eye(horn + 0.12, 0.39, 0.07, colours),
    ...eye(horn - 0.22, 0.33, 0.07, colours),
    { shape: blob([[-1, -0.62], [-0.5, -0.4], [0.2, -0.36], [0.5, -0.2], [0.68, -0.02], [0.88, -0.12], [0.86, -0.36], [0.62, -0.58], [-0.2, -0.64]]), surface: skin, bulge: 0.16 },
    { shape: subtract(circle(cx, cy, radius), circle(cx + 0.4, cy - 0.72, 0.28)), surface: patterned(colours.main, mix(colours.accent, colours.dark, 0.35), spiral, { gloss: 0.8, relief: 0.12 }), bulge: radius },
    { shape: ellipse(cx + 0.02, cy, 0.08, 0.08), surface: plain(colours.light, { gloss: 0.9 }), bulge: 0.08 },
    { shape: place(stroke([[0, 0], [0.06, -0.03], [0.12, 0]], 0.016), 0.72, -0.28, 0.2), surface: plain(colours.dark), bulge: 0.02 },
  ];
}
