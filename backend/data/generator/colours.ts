/** Colours by lightness, chroma and hue, in OKLab, so that a random hue keeps its brightness and two hues can be set against each other. */
import type { Random } from '../../random.ts';

/** Linear-light sRGB, 0 to 1 (more where a lamp shines). */
export type Colour = readonly [red: number, green: number, blue: number];

/** OKLCH to linear sRGB, clipped at 0; hue in turns. B. Ottosson, "A perceptual color space for image processing", 2020. */
export function oklch(lightness: number, chroma: number, hue: number): Colour {
  const a = chroma * Math.cos(2 * Math.PI * hue);
  const b = chroma * Math.sin(2 * Math.PI * hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    Math.max(0, 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    Math.max(0, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    Math.max(0, -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

export const mix = (a: Colour, b: Colour, t: number): Colour => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
export const scale = (a: Colour, by: number): Colour => [a[0] * by, a[1] * by, a[2] * by];

/** The colours of one object. Every hue is drawn afresh, so that no class is known by its colour. */
export interface Palette {
  main: Colour;
  second: Colour;
  accent: Colour;
  light: Colour;
  dark: Colour;
}

/** Hue steps of the usual harmonies: analogous, complementary, split, triadic. */
const harmonies = [[0.08, 0.5], [0.5, 0.42], [0.4, 0.6], [0.33, 0.67], [0.12, 0.58]] as const;

export function drawPalette(random: Random): Palette {
  const hue = random.uniform();
  const [second, accent] = harmonies[random.integer(0, harmonies.length - 1)]!;
  const tone = (shift: number, low: number, high: number, chroma: number): Colour => oklch(random.uniform(low, high), chroma * random.uniform(0.7, 1.1), hue + shift + random.uniform(-0.03, 0.03));
  const bright = random.chance(0.5);
  return {
    main: bright ? tone(0, 0.66, 0.8, 0.15) : tone(0, 0.48, 0.62, 0.15),
    second: bright ? tone(second, 0.42, 0.58, 0.13) : tone(second, 0.7, 0.84, 0.13),
    accent: tone(accent, 0.6, 0.78, 0.18),
    light: oklch(random.uniform(0.9, 0.96), 0.03, hue + random.uniform(-0.1, 0.1)),
    dark: oklch(random.uniform(0.26, 0.36), 0.05, hue + random.uniform(-0.2, 0.2)),
  };
}
