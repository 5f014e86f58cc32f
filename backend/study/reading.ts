/** What the editor reads of a study, in a bundle of its own: the schema that checks a study file would else be part of every activation. */
export { csvTable, markdownTable } from './plainTables.ts';
export { cellPlaces, failureFile, isAtWork, readCell, readCells, readStudyCopy, resultFile, type CellReading } from './state.ts';
export { readStudy, studyFolder, type Study } from './studyFile.ts';
export { summarize, type Summary } from './summary.ts';
