/** The status item's words: the run that goes on, where it is, and when it ends. */
import type { Translate } from '../translate.ts';
import { isEvaluating, isLiving, stepText, type ShownRun } from './runItem.ts';
import { durationText, numberText } from './text.ts';

export interface StatusLine {
  text: string;
  tooltip: string;
  accessibleLabel: string;
  warning: boolean;
}

/** Null where nothing goes on. Of several runs the one that trains stands for all. */
export function statusLine(runs: readonly ShownRun[], t: Translate): StatusLine | null {
  const living = runs.filter(isLiving);
  const first = living.find(({ state }) => state === 'running') ?? living[0];
  if (!first) return null;
  const { status, state } = first;
  const place = state === 'queued' ? t('queued') : state === 'starting' ? t('starting') : state === 'stopping' ? t('stopping') : stepText(status);
  const evaluating = isEvaluating(first) ? [t('evaluating')] : [];
  const left = state === 'running' && status.eta !== null ? durationText(status.eta, t) : null;
  const warning = living.some((run) => run.status.health.length > 0);
  const icon = warning ? '$(warning)' : state === 'queued' ? '$(clock)' : isEvaluating(first) ? '$(beaker)' : state === 'running' ? '$(pulse)' : '$(loading~spin)';
  const others = living.length > 1 ? ` (+${living.length - 1})` : '';
  const name = status.name.length > 24 ? `${status.name.slice(0, 23)}…` : status.name;
  return {
    text: `${icon} ${[`${name} ${place}`, ...evaluating, ...(left === null ? [] : [left])].join(' · ')}${others}`,
    tooltip: living.map((run) => [run.status.name, stepText(run.status), ...(isEvaluating(run) ? [t('evaluating')] : []), ...(run.status.loss === null ? [] : [t('loss {0}', numberText(run.status.loss))]), ...run.status.health.map(({ summary }) => summary)].join(' · ')).join('\n'),
    accessibleLabel: t('SiamScope: {0}', [status.name, place, ...evaluating, ...(left === null ? [] : [t('{0} left', left)]), ...(living.length > 1 ? [t('{0} runs in all', living.length)] : [])].join(', ')),
    warning,
  };
}
