/** The ids of all commands, apart from their work, so that registering them loads nothing; a test holds them to the table and to package.json. */

export const commandIds = [
  'siamscope.newRun', 'siamscope.newRunHere', 'siamscope.startRun', 'siamscope.resumeRun', 'siamscope.stopRun', 'siamscope.startNow', 'siamscope.saveRun', 'siamscope.deleteRun', 'siamscope.revealRun',
  'siamscope.openCurves', 'siamscope.compareRuns', 'siamscope.watchFolder', 'siamscope.openRunning', 'siamscope.showLog', 'siamscope.showOutput', 'siamscope.previewAugmentations', 'siamscope.correspond',
  'siamscope.revealCheckpoint', 'siamscope.copyCheckpointPath', 'siamscope.exportCheckpoint', 'siamscope.evaluateCheckpoint', 'siamscope.openEvaluation',
  'siamscope.openStudy', 'siamscope.runStudy', 'siamscope.stopStudy',
  'siamscope.installEngine', 'siamscope.selectEngine', 'siamscope.refresh',
] as const;

export type CommandId = (typeof commandIds)[number];
