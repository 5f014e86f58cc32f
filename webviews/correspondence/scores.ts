/** How often patches find their place, as a table with bars: of this pair and of many, beside the untrained model and guessing. */
import type { MatchRates } from '../../backend/protocol.ts';
import { element } from '../common/dom.ts';
import { percent, whole } from './words.ts';

/** Rates of one set of pairs. */
export interface Score {
  /** What it was measured on. */
  title: string;
  model: { rates: number[]; chance: number[]; meanError: number };
  /** null: not known yet, or the model is that itself. */
  untrained: { rates: number[]; meanError: number } | null;
}

const thresholds = ['the very patch', 'within 1 patch', 'within 2 patches'];

/** One table for all scores of a column. */
export function scoreTable(scores: readonly Score[]): HTMLElement {
  if (scores.length === 0) return element('p', { class: 'note' }, '');
  const head = element('tr', {}, element('td', {}), ...scores.flatMap(({ title, untrained }) => [element('th', { scope: 'col' }, title), ...(untrained ? [element('th', { scope: 'col', class: 'beside' }, 'untrained')] : []), element('th', { scope: 'col', class: 'beside' }, 'chance')]));
  const rows = thresholds.map((name, t) => element('tr', {}, element('th', { scope: 'row' }, name), ...scores.flatMap(({ model, untrained }) => [
    element('td', { class: 'main' }, bar(model.rates[t]!, untrained?.rates[t] ?? null, model.chance[t]!), element('b', {}, percent(model.rates[t]!))),
    ...(untrained ? [element('td', { class: 'beside' }, percent(untrained.rates[t]!))] : []), element('td', { class: 'beside' }, percent(model.chance[t]!)),
  ])));
  const errors = element('tr', {}, element('th', { scope: 'row' }, 'mean error, patches'), ...scores.flatMap(({ model, untrained }) => [element('td', { class: 'main' }, model.meanError.toFixed(2)), ...(untrained ? [element('td', { class: 'beside' }, untrained.meanError.toFixed(2))] : []), element('td', { class: 'beside' }, '–')]));
  return element('table', { class: 'scores' }, element('caption', { class: 'hidden-text' }, 'Share of patches whose best match is right'), element('thead', {}, head), element('tbody', {}, ...rows, errors));
}

/** The model's share, with ticks where the untrained one and chance are. */
function bar(share: number, untrained: number | null, chance: number): HTMLElement {
  const fill = element('span', { class: 'fill' });
  fill.style.width = `${100 * share}%`;
  const ticks = ([['chance', chance], ['untrained', untrained]] as const).filter(([, at]) => at !== null).map(([name, at]) => {
    const tick = element('span', { class: `tick ${name}` });
    tick.style.left = `${100 * at!}%`;
    return tick;
  });
  return element('span', { class: 'bar', 'aria-hidden': 'true' }, fill, ...ticks);
}

/** The answer to what the screen asks: do these features find a patch's place, and is that more than nothing was learned? */
export function verdict({ model, untrained, title }: Score, patches: number | null): { bold: string; rest: string } {
  const [found, chance, before] = [model.rates[1]!, model.chance[1]!, untrained?.rates[1] ?? null];
  const about = patches === null ? `Over ${title}` : `Of ${patches} patches that both views show`;
  const bold = `${about}, ${percent(found)} find their place within one patch`;
  const against = before === null ? `guessing: ${percent(chance)}` : `untrained ${percent(before)}, guessing ${percent(chance)}`;
  const judged = before === null ? (found > 1.5 * chance ? '' : ' That is no better than guessing.')
    : found - before > 0.03 ? ' Training has helped.' : found - before < -0.03 ? ' The untrained model does better.' : ' Training has not changed that.';
  return { bold, rest: ` (${against}).${patches === null ? judged : ''}` };
}

export const scoreOf = (title: string, model: Score['model'], untrained: MatchRates | null): Score => ({ title, model, untrained: untrained && { rates: untrained.rates, meanError: untrained.meanError } });
export const pairsText = (pairs: number): string => `${whole(pairs)} ${pairs === 1 ? 'pair' : 'pairs'}`;
