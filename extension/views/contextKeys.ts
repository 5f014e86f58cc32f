/** What menus and the palette may know of the runs, by the names that package.json's `when` clauses have. */
import { isLiving, isResumable, type ShownRun } from './runItem.ts';

/** `looked`: the workspace's runs have been looked for; `noEngines`: looking for engines failed. */
export const contextValues = (runs: readonly ShownRun[], { looked, noEngines }: { looked: boolean; noEngines: boolean }) => ({
  'siamscope.hasLooked': looked,
  'siamscope.hasNoEngines': noEngines,
  'siamscope.hasRuns': runs.length > 0,
  'siamscope.hasSeveralRuns': runs.length > 1,
  'siamscope.hasLivingRun': runs.some(isLiving),
  'siamscope.hasResumableRun': runs.some(isResumable),
  'siamscope.hasEndedRun': runs.some((run) => !isLiving(run)),
  'siamscope.hasQueuedRun': runs.some(({ state }) => state === 'queued'),
});
