/** The report of a run: what the rest of the program may use. */
export type * from './data.ts';
export { renderReport } from './render.ts';
export { evaluationCurves, stepCurves } from './trainingCurves.ts';
export { knnMeasure, pairSample, pckMeasures, type PairFeatures } from './samples.ts';
