/** What menus and the palette may know of the runs, by the names that package.json's `when` clauses have. */
import { isLiving, isResumable, type ShownRun } from './runItem.ts';

export const contextValues = (runs: readonly ShownRun[]) => ({
  'siamscope.hasRuns': runs.length > 0,
  'siamscope.hasSeveralRuns': runs.length > 1,
  'siamscope.hasLivingRun': runs.some(isLiving),
  'siamscope.hasResumableRun': runs.some(isResumable),
  'siamscope.hasEndedRun': runs.some((run) => !isLiving(run)),
  'siamscope.hasQueuedRun': runs.some(({ state }) => state === 'queued'),
});
