/** A number's seeds as dots on its column's axis, with a line where chance is. */
import type { Axis } from './standing.ts';

const width = 96, height = 12, edge = 4;

function shape(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

export function strip(values: readonly number[], { low, high }: Axis, chance: number | null): SVGElement {
  const x = (value: number): string => (edge + ((width - 2 * edge) * (value - low)) / (high - low)).toFixed(1);
  const drawn = shape('svg', { viewBox: `0 0 ${width} ${height}`, class: 'strip', 'aria-hidden': 'true' });
  drawn.append(shape('line', { class: 'axis', x1: 1, x2: width - 1, y1: 6, y2: 6 }));
  if (chance !== null) drawn.append(shape('line', { class: 'chance', x1: x(chance), x2: x(chance), y1: 1, y2: 11 }));
  for (const value of values) drawn.append(shape('circle', { class: 'seed', cx: x(value), cy: 6, r: 3.2 }));
  return drawn;
}
