/** What is said of patches and matches in words and numbers, alike in the pictures' captions, readouts and tables. */
import type { Pair, Place, Query, Side } from './pair.ts';

export const percent = (value: number): string => `${(100 * value).toFixed(value > 0 && value < 0.0995 ? 1 : 0)} %`;
export const whole = (value: number): string => value.toLocaleString('en');
export const placeText = ({ row, column }: Place): string => `row ${Math.floor(row) + 1}, column ${Math.floor(column) + 1}`;

/** How far off a match is. */
export function errorText(distance: number | null, error: number | null): string {
  if (distance === null || error === null) return '';
  return distance === 0 ? 'the right patch' : `${error.toFixed(1)} patches off`;
}

/** One sentence on what a patch is most like. */
export function readout(pair: Pair, side: Side, patch: number, query: Query | string): string {
  const from = `View ${side}, ${placeText(pair.centre(side, patch))}`;
  if (typeof query === 'string') return `${from}: ${query}.`;
  const { best, values, truth, over, distance, error } = query;
  const found = `${pair.predicted ? 'predicted from view a, most like' : 'most like'} ${placeText(pair.centre(over, best))} of view ${over}, cosine ${values[best]!.toFixed(3)}`;
  const judged = truth ? `; truly at ${placeText(truth)}: ${errorText(distance, error)}` : pair.isKnown ? `; view ${over} does not show it` : '';
  return `${from}: ${found}${judged}.`;
}

/** A layer as people call it. */
export function layerText(layer: string, blocks: number): string {
  const block = /^block:(\d+)$/.exec(layer);
  if (block) return `Block ${Number(block[1]) + 1} of ${blocks}`;
  return { encoder: 'Encoder\'s output', projector: 'Projector', prediction: 'Prediction against target' }[layer] ?? layer;
}
