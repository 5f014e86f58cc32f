/** Codes of patches as colours, texts and words. */
import type { Pair, Side } from './pair.ts';
import { otherSide } from './pair.ts';
import { percent, placeText, whole } from './words.ts';

export type Codes = Readonly<Record<Side, Int32Array>>;

/** [patches, 3] RGB: a colour of each code's own, far from those of its neighbours in number. */
export function codeColours(codes: Int32Array): Uint8Array {
  const colours = new Uint8Array(3 * codes.length);
  codes.forEach((code, patch) => colours.set(colourOfCode(code), 3 * patch));
  return colours;
}

/** Hues by the golden angle, at three lightnesses. */
function colourOfCode(code: number): [number, number, number] {
  const hue = (code * 137.508) % 360, lightness = [0.62, 0.46, 0.74][code % 3]!, chroma = (1 - Math.abs(2 * lightness - 1)) * 0.75;
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - (chroma / 2) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** How many patches have the code. */
export const countOf = (codes: Int32Array, code: number): number => codes.reduce((sum, other) => sum + (other === code ? 1 : 0), 0);

const patches = (count: number): string => `${whole(count)} ${count === 1 ? 'patch' : 'patches'}`;

/** One sentence on a patch's code. */
export function codeText(pair: Pair, codes: Codes, side: Side, patch: number): string {
  const code = codes[side][patch]!, other = otherSide(side);
  return `View ${side}, ${placeText(pair.centre(side, patch))}: code ${code}, as ${patches(countOf(codes[side], code))} of view ${side} and ${patches(countOf(codes[other], code))} of view ${other}.`;
}

/** Of the patches of a whose true place is in b, how many have the code of the patch that holds it. */
export function codesKept(pair: Pair, codes: Codes): { same: number; total: number } {
  let same = 0, total = 0;
  codes.a.forEach((code, patch) => {
    const place = pair.placeOf('a', patch);
    if (!place) return;
    total++;
    if (codes.b[pair.patchAt('b', place)] === code) same++;
  });
  return { same, total };
}

/** The screen's first sentence: does a place keep its code from one view to the other? */
export function codesAnswer(pair: Pair, codes: Codes): { bold: string; rest: string } {
  const { same, total } = codesKept(pair, codes);
  if (total > 0) return { bold: `Of ${patches(total)} that both views show, ${percent(same / total)} keep their code`, rest: ` (${whole(same)}).` };
  const a = new Set(codes.a), both = [...new Set(codes.b)].filter((code) => a.has(code)).length;
  return { bold: `${both} ${both === 1 ? 'code is' : 'codes are'} in both pictures`, rest: pair.isKnown ? '; these views share nothing.' : '.' };
}

/** What is said of both pictures where none is pointed at. */
export function codesText(codes: Codes, count: number): string {
  const [a, b] = [new Set(codes.a), new Set(codes.b)];
  const both = [...a].filter((code) => b.has(code)).length;
  return `${a.size} of ${whole(count)} codes are in view a, ${b.size} in view b, ${both} in both. Point at a patch to see all that have its code.`;
}
