/** What lies behind the objects: a landscape, a wall, planks, tiles or a studio sweep, lit by the same lamp. */
import type { Random } from '../../random.ts';
import type { Canvas, Light } from './canvas.ts';
import { mix, oklch, scale, type Colour } from './colours.ts';
import { fractal, noise } from './noise.ts';
import { bricks, checks, stripes, tartan, wood, type Pattern } from './surfaces.ts';

/** Where things stand in the picture: on the ground below a horizon (a row of pixels), or before a wall. */
export type Stage = { kind: 'ground'; horizon: number } | { kind: 'wall' };

type Paint = (u: number, v: number) => Colour;

/** Fills the canvas; u and v run from 0 to 1, right and down. */
function fill(canvas: Canvas, paint: Paint): void {
  const { size, pixels } = canvas;
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i += 3) {
      const colour = paint((x + 0.5) / size, (y + 0.5) / size);
      pixels[i] = colour[0];
      pixels[i + 1] = colour[1];
      pixels[i + 2] = colour[2];
    }
}

/** Sky with clouds, two or three ranges of hills fading into haze, and rough ground. */
function landscape(canvas: Canvas, random: Random): Stage {
  const seed = random.uint32();
  const hue = random.uniform();
  const night = random.chance(0.2);
  const [high, low] = night ? [oklch(0.3, 0.07, hue), oklch(0.55, 0.09, hue + 0.15)] : [oklch(random.uniform(0.62, 0.78), 0.09, hue), oklch(0.92, 0.05, hue + random.uniform(0.1, 0.5))];
  const horizon = random.uniform(0.58, 0.74);
  const earth = oklch(night ? 0.42 : random.uniform(0.55, 0.72), random.uniform(0.05, 0.1), random.uniform());
  const ranges = random.integer(1, 3);
  const tops = Array.from({ length: ranges }, (_, k) => ({ base: horizon - 0.16 + (0.14 * k) / ranges, height: random.uniform(0.08, 0.2), frequency: random.uniform(2, 5) }));
  const rock = oklch(night ? 0.3 : 0.5, 0.06, hue + random.uniform(-0.2, 0.4));
  const clouds = random.uniform(0.2, 0.8);
  const disc = { x: random.uniform(0.1, 0.9), y: random.uniform(0.08, 0.35), radius: random.uniform(0.04, 0.09) };
  const disk = oklch(0.97, 0.05, random.uniform(0.1, 0.3));
  fill(canvas, (u, v) => {
    if (v > horizon) {
      const depth = 1 / (v - horizon + 0.07);
      const rough = fractal((u - 0.5) * depth * 4, depth * 6, seed, 3);
      return mix(scale(earth, 0.45 + 0.9 * rough), low, Math.min(0.75, 0.05 * depth));
    }
    for (let k = ranges - 1; k >= 0; k--) {
      const { base, height, frequency } = tops[k]!;
      const top = base - height * (fractal(u * frequency + k * 31, 7.3, seed + k, 3) - 0.35);
      if (v > top) return mix(scale(rock, 0.75 + 0.5 * fractal(u * 14, v * 14, seed + 50, 2)), low, 0.55 - (0.4 * k) / ranges);
    }
    let sky = mix(high, low, (v / horizon) ** 1.4);
    const sun = Math.hypot(u - disc.x, v - disc.y) - disc.radius;
    sky = mix(sky, disk, Math.max(Math.min(1, 0.5 - sun * 80), 0.5 * Math.exp(-Math.max(sun, 0) * 9)));
    const cloud = fractal(u * 3, v * 7, seed + 90, 3);
    return mix(sky, night ? rock : [0.95, 0.95, 0.97], clouds * Math.min(Math.max((cloud - 0.52) * 4, 0), 1) * 0.8);
  });
  return { kind: 'ground', horizon: horizon * canvas.size };
}

/** A floor and a back wall that meet in a soft sweep, or in a skirting. */
function studio(canvas: Canvas, random: Random): Stage {
  const hue = random.uniform();
  const lightness = random.uniform(0.45, 0.85);
  const wall = oklch(lightness, random.uniform(0.02, 0.09), hue);
  const floor = oklch(Math.min(0.9, lightness + random.uniform(-0.15, 0.15)), random.uniform(0.02, 0.09), hue + random.uniform(0, 0.5));
  const horizon = random.uniform(0.6, 0.75);
  const softness = random.chance(0.5) ? 0.12 : 0.008;
  const pool = { x: random.uniform(0.2, 0.8), y: random.uniform(0.2, 0.5) };
  const boards = random.chance(0.6) ? [checks(random.uniform(0, 0.8), 1.3), stripes(random.uniform(-0.3, 0.3), 1.8), tartan(0.4, 1.2)][random.integer(0, 2)]! : null;
  const paper = random.chance(0.5) ? [stripes(0, random.uniform(4, 9)), tartan(0.78, random.uniform(3, 6))][random.integer(0, 1)]! : null;
  const seed = random.uint32();
  fill(canvas, (u, v) => {
    const t = Math.min(Math.max((v - horizon) / softness + 0.5, 0), 1);
    const glow = 1.05 - 0.5 * Math.hypot(u - pool.x, v - pool.y) + 0.12 * fractal(u * 5, v * 5, seed, 3);
    const depth = 1 / (Math.max(v - horizon, 0) + 0.12);
    const ground = boards && t > 0 ? scale(floor, 1 - 0.35 * boards((u - 0.5) * depth, depth * 0.8)) : floor;
    const back = paper ? scale(wall, 1 - 0.16 * paper(u, v)) : wall;
    return scale(mix(back, ground, t), glow);
  });
  return { kind: 'ground', horizon: horizon * canvas.size };
}

/** A flat covering seen face on: bricks, planks, plaster, tiles or cloth, with relief under the lamp. */
function covering(canvas: Canvas, random: Random, light: Light): Stage {
  const seed = random.uint32();
  const hue = random.uniform();
  const base = oklch(random.uniform(0.4, 0.8), random.uniform(0.02, 0.1), hue);
  const other = random.chance(0.5) ? scale(base, random.uniform(0.3, 0.6)) : oklch(random.uniform(0.5, 0.85), random.uniform(0.02, 0.08), hue + random.uniform(0.1, 0.6));
  const turn = random.uniform(-0.4, 0.4) + (random.chance(0.5) ? Math.PI / 2 : 0);
  const planks = wood(0, random.uniform(5, 9), seed);
  const choices: readonly (readonly [Pattern, number])[] = [
    [bricks(random.uniform(3.5, 6), seed), 0.02],
    [(x, y) => Math.max(0.8 * planks(x + 3.7 * Math.floor(y * 5), y), Math.abs(y * 5 - Math.round(y * 5)) < 0.05 ? 1 : 0), 0.02],
    [(x, y) => fractal(x * 6, y * 6, seed, 4), 0.12],
    [(x, y) => Math.max(Math.abs(x * 5 - Math.round(x * 5)) < 0.035 || Math.abs(y * 5 - Math.round(y * 5)) < 0.035 ? 1 : 0, 0.5 * noise(Math.floor(x * 5) * 7.3, Math.floor(y * 5) * 3.1, seed)), 0.015],
    [tartan(0, random.uniform(4, 8)), 0],
    [(x, y) => 0.5 + 0.5 * Math.sin(12 * fractal(x * 2, y * 2, seed, 2) * Math.PI), 0.01],
  ];
  const [pattern, relief] = choices[random.integer(0, choices.length - 1)]!;
  const c = Math.cos(turn);
  const s = Math.sin(turn);
  const [lx, ly, lz] = light.direction;
  const probe = 1 / canvas.size;
  const at = (u: number, v: number): number => pattern(u * c + v * s + 5, v * c - u * s + 5);
  fill(canvas, (u, v) => {
    const here = at(u, v);
    const tilt = relief === 0 ? 0 : (lx * (at(u + probe, v) - here) + ly * (at(u, v + probe) - here)) * (relief / probe);
    const spot = 1.1 - 0.35 * (1 + ((u - 0.5) * -lx + (v - 0.5) * -ly) * 1.4);
    return scale(mix(base, other, here), Math.max(0.2, (0.35 + 0.8 * spot * lz) * (1 + Math.min(Math.max(tilt, -0.6), 0.6))));
  });
  return { kind: 'wall' };
}

/** Out-of-focus lights and colours. */
function bokeh(canvas: Canvas, random: Random): Stage {
  const hue = random.uniform();
  const [a, b] = [oklch(random.uniform(0.25, 0.6), 0.08, hue), oklch(random.uniform(0.4, 0.8), 0.09, hue + random.uniform(0.1, 0.5))];
  const seed = random.uint32();
  const discs = Array.from({ length: random.integer(8, 16) }, () => ({ x: random.uniform(), y: random.uniform(), radius: random.uniform(0.03, 0.12), colour: oklch(random.uniform(0.7, 0.95), 0.1, hue + random.uniform(-0.25, 0.25)), strength: random.uniform(0.15, 0.5) }));
  fill(canvas, (u, v) => {
    let colour = mix(a, b, Math.min(Math.max(0.3 + 0.6 * v + 0.9 * (fractal(u * 2.5, v * 2.5, seed, 2) - 0.5), 0), 1));
    for (const disc of discs) {
      const d = (Math.hypot(u - disc.x, v - disc.y) - disc.radius) * 90;
      if (d < 1) colour = mix(colour, disc.colour, disc.strength * Math.min(1, 0.5 - d * 0.5) * (d > -2 ? 1 : 0.8));
    }
    return colour;
  });
  return { kind: 'wall' };
}

/** Paints a background drawn at random, and says where things may stand. */
export function paintBackground(canvas: Canvas, random: Random, light: Light): Stage {
  const draw = random.uniform();
  if (draw < 0.32) return landscape(canvas, random);
  if (draw < 0.55) return studio(canvas, random);
  if (draw < 0.9) return covering(canvas, random, light);
  return bokeh(canvas, random);
}
