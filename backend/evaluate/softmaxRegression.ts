/** Softmax regression by L-BFGS in double precision: what a linear readout of frozen features is worth, with a bound on how far from the best it stopped. */
import { InputError } from '../errors.ts';

export interface RegressionProblem {
  /** [count, dimension], by rows. */
  features: Float64Array;
  /** [count], each in [0, classes). */
  labels: Int32Array;
  dimension: number;
  classes: number;
  /** Weight decay: the objective is the mean cross entropy plus lambda / 2 times the squared norm of the weights. Above 0. */
  lambda: number;
}

export interface RegressionOptions {
  /** 1000 by default. */
  maxIterations?: number;
  /** Stop when the objective is certainly within this share of the least possible; 1e-7 by default. */
  tolerance?: number;
}

export interface Regression {
  /** [classes, dimension]; there is no bias. */
  weights: Float64Array;
  objective: number;
  iterations: number;
  /** The objective is at most this much above the least possible. */
  gap: number;
}

/** Steps that L-BFGS remembers. */
const memory = 10;
/** Constants of the weak Wolfe conditions (Nocedal and Wright, Numerical Optimization, 2006, section 3.1). */
const sufficient = 1e-4, curvature = 0.9;

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** The objective, and its gradient into `gradient`. */
function evaluate({ features, labels, dimension, classes, lambda }: RegressionProblem, weights: Float64Array, gradient: Float64Array): number {
  const count = labels.length, scores = new Float64Array(classes);
  let loss = 0;
  for (let i = 0; i < gradient.length; i++) gradient[i] = lambda * weights[i]!;
  for (let row = 0; row < count; row++) {
    const start = row * dimension, label = labels[row]!;
    let top = -Infinity;
    for (let c = 0; c < classes; c++) {
      let sum = 0;
      for (let k = 0, at = c * dimension; k < dimension; k++) sum += weights[at + k]! * features[start + k]!;
      scores[c] = sum;
      if (sum > top) top = sum;
    }
    let total = 0;
    for (let c = 0; c < classes; c++) total += Math.exp(scores[c]! - top);
    loss += top + Math.log(total) - scores[label]!;
    for (let c = 0; c < classes; c++) {
      const slope = (Math.exp(scores[c]! - top) / total - Number(c === label)) / count;
      for (let k = 0, at = c * dimension; k < dimension; k++) gradient[at + k]! += slope * features[start + k]!;
    }
  }
  return loss / count + (lambda / 2) * dot(weights, weights);
}

/**
 * Fits the weights. The objective is strongly convex with modulus lambda, so it lies at most |gradient|^2 / (2 lambda) above its least
 * value: that bound, not the count of iterations, says when it is done. Throws InputError for a lambda that is not above 0.
 */
export function fitSoftmaxRegression(problem: RegressionProblem, { maxIterations = 1000, tolerance = 1e-7 }: RegressionOptions = {}): Regression {
  const { dimension, classes, lambda } = problem;
  if (!(lambda > 0) || !Number.isFinite(lambda)) throw new InputError(`lambda is ${lambda}: give a number above 0, for without it classes that can be told apart have no best weights`);
  const size = classes * dimension;
  let weights = new Float64Array(size), gradient = new Float64Array(size);
  let objective = evaluate(problem, weights, gradient);
  const changes: { step: Float64Array; slope: Float64Array; inverse: number }[] = [];
  const gapOf = (): number => dot(gradient, gradient) / (2 * lambda);
  let iterations = 0;
  for (; iterations < maxIterations && gapOf() > tolerance * objective; iterations++) {
    const direction = descent(gradient, changes);
    const along = dot(gradient, direction);
    // The first step knows nothing of the scale.
    let length = changes.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    let low = 0, high = Infinity, found: { weights: Float64Array<ArrayBuffer>; gradient: Float64Array<ArrayBuffer>; objective: number } | null = null;
    for (let tries = 0; tries < 60; tries++) {
      const next = new Float64Array(size), slope = new Float64Array(size);
      for (let i = 0; i < size; i++) next[i] = weights[i]! + length * direction[i]!;
      const value = evaluate(problem, next, slope);
      if (!(value <= objective + sufficient * length * along)) high = length;
      else {
        found = { weights: next, gradient: slope, objective: value };
        if (dot(slope, direction) >= curvature * along) break;
        low = length;
      }
      length = high === Infinity ? 2 * length : (low + high) / 2;
    }
    // Rounding leaves nothing to gain.
    if (!found) break;
    const step = found.weights.map((v, i) => v - weights[i]!), slope = found.gradient.map((v, i) => v - gradient[i]!);
    const product = dot(step, slope);
    if (product > 0) changes.push({ step, slope, inverse: 1 / product });
    if (changes.length > memory) changes.shift();
    ({ weights, gradient, objective } = found);
  }
  return { weights, objective, iterations, gap: gapOf() };
}

/** Minus the gradient, turned and scaled by what the last steps say of the curvature (Nocedal 1980, two loops). */
function descent(gradient: Float64Array, changes: readonly { step: Float64Array; slope: Float64Array; inverse: number }[]): Float64Array {
  const direction = gradient.map((v) => -v);
  const shares = new Float64Array(changes.length);
  for (let k = changes.length - 1; k >= 0; k--) {
    const { step, slope, inverse } = changes[k]!;
    shares[k] = inverse * dot(step, direction);
    for (let i = 0; i < direction.length; i++) direction[i]! -= shares[k]! * slope[i]!;
  }
  const last = changes.at(-1);
  if (last) {
    const scale = 1 / (last.inverse * dot(last.slope, last.slope));
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  changes.forEach(({ step, slope, inverse }, k) => {
    const share = shares[k]! - inverse * dot(slope, direction);
    for (let i = 0; i < direction.length; i++) direction[i]! += share * step[i]!;
  });
  return direction;
}
