/** What can be measured of a model as it is: the names alone, so that run files and study files are checked without an engine. */
export const measureNames = ['neighbours', 'correspondence', 'prediction', 'spectrum'] as const;

export type MeasureName = (typeof measureNames)[number];
