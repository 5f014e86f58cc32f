/** Every command of the palette, menus, lenses and keys, in one table: its work, and whether it launches something. */
import { previewAugmentations } from './augmentation.ts';
import { copyCheckpointPath, exportCheckpoint, revealCheckpoint } from './checkpoints.ts';
import { openCorrespondence } from './correspondence.ts';
import { evaluateCheckpoint, openEvaluation } from './evaluate.ts';
import { installEngine, refreshEngines, selectEngine } from './engines.ts';
import type { CommandId } from './ids.ts';
import { newRun } from './newRun.ts';
import type { Parts } from './parts.ts';
import { compareRuns, deleteRun, openRunCurves, openRunning, resumeRun, revealRun, saveRun, showLog, startNow, startRun, stopRun, watchFolder } from './runs.ts';
import { openStudy, runStudyFile, stopStudyFile } from './studies.ts';

interface CommandEntry {
  run: (parts: Parts, args: readonly unknown[]) => unknown;
  /** Needs a trusted workspace: launches a process, or writes what one would read. */
  trusted: boolean;
}

const inspects = (run: CommandEntry['run']): CommandEntry => ({ run, trusted: false });
const launches = (run: CommandEntry['run']): CommandEntry => ({ run, trusted: true });

export const commandTable: Readonly<Record<CommandId, CommandEntry>> = {
  'siamscope.newRun': launches((parts) => newRun(parts, [])),
  'siamscope.newRunHere': launches(newRun),
  'siamscope.startRun': launches(startRun),
  'siamscope.resumeRun': launches(resumeRun),
  'siamscope.stopRun': launches(stopRun),
  'siamscope.startNow': launches(startNow),
  'siamscope.saveRun': launches(saveRun),
  'siamscope.deleteRun': inspects(deleteRun),
  'siamscope.revealRun': inspects(revealRun),
  'siamscope.openCurves': inspects(openRunCurves),
  'siamscope.compareRuns': inspects(compareRuns),
  'siamscope.watchFolder': inspects(watchFolder),
  'siamscope.openRunning': inspects(openRunning),
  'siamscope.showLog': inspects(showLog),
  'siamscope.showOutput': inspects(({ log }) => log.show()),
  'siamscope.previewAugmentations': inspects(previewAugmentations),
  'siamscope.correspond': inspects(openCorrespondence),
  'siamscope.revealCheckpoint': inspects(revealCheckpoint),
  'siamscope.copyCheckpointPath': inspects(copyCheckpointPath),
  'siamscope.exportCheckpoint': launches(exportCheckpoint),
  'siamscope.evaluateCheckpoint': launches(evaluateCheckpoint),
  'siamscope.openEvaluation': inspects(openEvaluation),
  'siamscope.openStudy': inspects(openStudy),
  'siamscope.runStudy': launches(runStudyFile),
  'siamscope.stopStudy': launches(stopStudyFile),
  'siamscope.installEngine': launches(installEngine),
  'siamscope.selectEngine': launches(selectEngine),
  'siamscope.refresh': launches(refreshEngines),
};
