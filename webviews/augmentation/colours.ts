/** Colours of the lab: one for each view, one for each place of view a, and a scale for likeness. */

/** A view's colour, by its position; told apart by those who see colours differently (after Okabe and Ito). The style sheet has them. */
export const viewColour = (view: number): string => `view-${view % 6}`;

/** A place of view a in shares: hue from left to right, lightness from top to bottom, as in the report. */
export function placeColour(row: number, column: number): string {
  return `hsl(${Math.round(20 + 280 * column)} 80% ${Math.round(78 - 50 * row)}%)`;
}

export { heatColour } from '../common/heat.ts';
