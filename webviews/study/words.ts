/** What is said of a run and of a number, in the table and to screen readers alike. */
import type { StudyCellState, StudyTableCell } from '../../backend/protocol.ts';
import { duration, whole } from '../common/numbers.ts';

export const stateWords: Record<StudyCellState, string> = { waiting: 'waiting', running: 'running', measuring: 'being measured', stopped: 'stopped', failed: 'failed', done: 'done' };

export const shareText = (share: number): string => (100 * share).toFixed(1);

/** `412 of 1,200, 3 min left`; empty where nothing was trained. */
export function farText({ step, steps, eta, state }: StudyTableCell): string {
  if (step === 0 && state !== 'running') return '';
  const far = steps === null ? `step ${whole(step)}` : `step ${whole(step)} of ${whole(steps)}`;
  return state === 'running' && eta !== null ? `${far}, ${duration(eta)} left` : far;
}

export const shareOf = ({ step, steps, state }: StudyTableCell): number => (state === 'done' || state === 'measuring' ? 1 : steps === null || steps === 0 ? 0 : Math.min(1, step / steps));

/** One line about a run. */
export function cellText(cell: StudyTableCell): string {
  const { state, why, unwell } = cell;
  const parts = [stateWords[state], ...(state === 'done' ? [] : [farText(cell)]), ...(why === null ? [] : [why]), ...(unwell.length > 0 ? [`unwell: ${unwell[0]}`] : [])];
  return parts.filter((part) => part !== '').join(', ');
}
