/** A run's rows as a report's curves: of its steps, and of what it measured of its model between them. */
import type { EvaluationRow, MetricsRow } from '../protocol.ts';
import type { Curve } from './data.ts';

interface Shown extends Omit<Curve, 'series'> {
  series: [name: string, key: string][];
}

const ofSteps: Shown[] = [
  { name: 'Loss', explanation: 'What is minimised: the squared distance of prediction and target, and a term that keeps features apart.', scale: 'linear', series: [['loss', 'loss']] },
  { name: 'Terms of the loss', explanation: 'Distance of prediction and target (positive), and how far predictions line up with all targets at once (negative).', scale: 'log', series: [['positive', 'positive_term'], ['negative', 'negative_term']] },
  { name: 'Feature spread', explanation: 'Standard deviation of the target features over patches. Near zero, every patch looks the same: collapse.', scale: 'linear', series: [['standard deviation', 'feature_std']] },
  { name: 'Effective rank', explanation: 'How many directions the target features use: the participation ratio of their covariance, their mean taken off. Near one, they have collapsed to a line.', scale: 'linear', series: [['directions', 'effective_rank']] },
  { name: 'Gradient norm', explanation: 'Before clipping.', scale: 'log', series: [['norm', 'grad_norm']] },
  { name: 'Learning rate', explanation: 'Warm-up, then half a cosine.', scale: 'linear', series: [['rate', 'learning_rate']] },
  { name: 'Images a second', explanation: 'Of the whole loop, decoding included.', scale: 'linear', series: [['images', 'images_per_second']] },
];

const ofEvaluations: Shown[] = [
  { name: 'What the features are worth', explanation: 'k-NN: test images classified by their nearest training images. PCK: patches of one view that find their match in another, exactly (0) or within one patch (1). Prediction: those of which the method predicts that very patch.', scale: 'linear', kind: 'share', series: [['k-NN', 'eval_knn_top1'], ['PCK@0', 'eval_pck_0'], ['PCK@1', 'eval_pck_1'], ['prediction', 'eval_prediction_0']] },
  { name: 'Effective rank of images', explanation: 'Over how many directions the mean patch features of images spread: e to the entropy of their singular values, their mean taken off.', scale: 'linear', series: [['directions', 'eval_centred_effective_rank']] },
  { name: 'First principal component', explanation: 'Its share of the variance of these features. Near one, they have collapsed to a line.', scale: 'linear', kind: 'share', series: [['share', 'eval_first_component']] },
];

/** Those of the curves that there is something of. */
function drawn(curves: readonly Shown[], rows: readonly Record<string, unknown>[]): Curve[] {
  const steps = rows.map(({ step }) => Number(step));
  return curves.map(({ series, ...curve }) => ({ ...curve, series: series.filter(([, key]) => rows.some((row) => row[key] !== undefined)).map(([name, key]) => ({ name, steps, values: rows.map((row) => Number(row[key] ?? NaN)) })) })).filter(({ series }) => series.length > 0);
}

export const stepCurves = (rows: readonly MetricsRow[]): Curve[] => drawn(ofSteps, rows);

export const evaluationCurves = (rows: readonly EvaluationRow[]): Curve[] => drawn(ofEvaluations, rows);
