/** Numbers, times and results in words. */
import type { Estimate, Measure, ReportData } from './data.ts';

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export const whole = (value: number): string => number.format(value);

/** Three significant digits, or per cent with one decimal; a narrow space keeps the sign with its number. */
export function formatValue(value: number, kind: Measure['kind']): string {
  if (!Number.isFinite(value)) return 'not finite';
  if (kind === 'share') return `${(100 * value).toFixed(1)}\u202f%`;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return size >= 1000 ? whole(value) : value.toPrecision(3);
}

export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} minutes`;
  const hours = Math.floor(minutes / 60);
  return `${hours} ${hours === 1 ? 'hour' : 'hours'} ${minutes % 60} min`;
}

export type Verdict = 'better' | 'worse' | 'same' | 'single';

/** A change counts where the 95 % intervals are apart; without intervals, from one point of per cent or 2 % of the number. */
export function judge({ kind, better, before, after }: Measure): Verdict {
  if (!before || !Number.isFinite(before.value) || !Number.isFinite(after.value)) return 'single';
  const change = (after.value - before.value) * (better === 'higher' ? 1 : -1);
  const apart = (a: readonly [number, number], b: readonly [number, number]): boolean => a[0] > b[1] || b[0] > a[1];
  const moved = before.interval && after.interval ? apart(before.interval, after.interval) : Math.abs(change) >= (kind === 'share' ? 0.01 : 0.02 * Math.abs(before.value));
  if (!moved) return 'same';
  return change > 0 ? 'better' : 'worse';
}

/** Whether the trained model does no better than one that knows nothing. */
export function atChance({ kind, better, after, chance }: Measure): boolean {
  if (chance === null) return false;
  const margin = kind === 'share' ? 0.01 : 0.02 * Math.abs(chance);
  const reached = ({ value, interval }: Estimate): number => (interval ? interval[better === 'higher' ? 0 : 1] : better === 'higher' ? value - margin : value + margin);
  return better === 'higher' ? reached(after) <= chance : reached(after) >= chance;
}

/** The verdict in words, for the table. */
export function verdictText(measure: Measure): string {
  const chance = atChance(measure) ? '; no better than chance' : '';
  switch (judge(measure)) {
    case 'better': return `Improved${chance}`;
    case 'worse': return `Got worse${chance}`;
    case 'same': return `Did not move${chance}`;
    case 'single': return `Measured once${chance}`;
  }
}

function claimSentence(measure: Measure, subject: string): string {
  const value = formatValue(measure.after.value, measure.kind);
  const before = measure.before ? formatValue(measure.before.value, measure.kind) : null;
  const chance = measure.chance === null ? null : `chance ${formatValue(measure.chance, measure.kind)}`;
  const amount = measure.kind === 'share' ? `${value} of the time` : `at ${value}`;
  const aside = [before && judge(measure) !== 'same' ? `before training ${before}` : null, chance].filter((part) => part !== null).join(', ');
  const tail = aside ? ` (${aside})` : '';
  switch (judge(measure)) {
    case 'same': return `${subject} ${measure.claim} ${amount}, no more than before training${tail}`;
    case 'worse': return `${subject} ${measure.claim} ${amount}, which is worse than before training${tail}`;
    case 'better':
    case 'single': return `${subject} ${measure.claim} ${amount}${tail}`;
  }
}

/** The result in one sentence, and a second one where a second measure makes a claim. */
export function headline(data: ReportData): { first: string; second: string | null } {
  const [one, two] = data.measures.filter((measure) => measure.claim);
  const after = `After ${whole(data.steps)} ${data.steps === 1 ? 'step' : 'steps'}`;
  const ended = data.outcome === 'failed' ? ', when the run failed' : data.outcome === 'stopped' ? ', when the run was stopped' : '';
  if (!one) return { first: `${after}${ended}, there is nothing measured yet.`, second: null };
  return { first: `${after}${ended}, ${claimSentence(one, 'the model')}.`, second: two ? `${claimSentence(two, 'It')}.` : null };
}
