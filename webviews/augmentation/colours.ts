/** Colours of the lab: one for each view, one for each place of view a, and a scale for likeness. */

/** A view's colour, by its position; told apart by those who see colours differently (after Okabe and Ito). The style sheet has them. */
export const viewColour = (view: number): string => `view-${view % 6}`;

/** A place of view a in shares: hue from left to right, lightness from top to bottom, as in the report. */
export function placeColour(row: number, column: number): string {
  return `hsl(${Math.round(20 + 280 * column)} 80% ${Math.round(78 - 50 * row)}%)`;
}

/** Cividis at nine places (Nuñez et al., 2018): evenly brighter, and alike for those who see colours differently. */
const cividis = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120], [165, 156, 116], [195, 179, 105], [254, 232, 56]] as const;

/** t in [0, 1]. */
export function heatColour(t: number, alpha: number): string {
  const at = Math.min(1, Math.max(0, t)) * (cividis.length - 1);
  const k = Math.min(cividis.length - 2, Math.floor(at));
  const channel = (c: 0 | 1 | 2): number => Math.round(cividis[k]![c] + (cividis[k + 1]![c] - cividis[k]![c]) * (at - k));
  return `rgb(${channel(0)} ${channel(1)} ${channel(2)} / ${alpha})`;
}
