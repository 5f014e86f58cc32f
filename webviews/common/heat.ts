/** A scale from dark to bright for likeness and strength. */

/** Cividis at nine places (Nuñez et al., 2018): evenly brighter, and alike for those who see colours differently. */
const cividis = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120], [165, 156, 116], [195, 179, 105], [254, 232, 56]] as const;

/** Red, green and blue from 0 to 255 of t in [0, 1]. */
export function heat(t: number): [red: number, green: number, blue: number] {
  const at = Math.min(1, Math.max(0, t)) * (cividis.length - 1);
  const k = Math.min(cividis.length - 2, Math.floor(at));
  const channel = (c: 0 | 1 | 2): number => Math.round(cividis[k]![c] + (cividis[k + 1]![c] - cividis[k]![c]) * (at - k));
  return [channel(0), channel(1), channel(2)];
}

/** The same as a colour of a style sheet. */
export const heatColour = (t: number, alpha: number): string => `rgb(${heat(t).join(' ')} / ${alpha})`;
