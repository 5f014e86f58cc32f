/** What a report is made of: the results of a run as plain values, with nothing of how they are shown. */
import type { Crop } from '../augment/geometry.ts';

/** An RGB image, [height, width, 3] bytes. */
export interface RgbImage {
  width: number;
  height: number;
  pixels: Uint8Array;
}

export interface Estimate {
  value: number;
  /** The 95 % interval, where the measure is a share of independent trials. */
  interval?: readonly [low: number, high: number];
}

/** One measure of the model, before and after training. */
export interface Measure {
  name: string;
  /** What it is, in a sentence or two for somebody who has not met it. */
  explanation: string;
  /** A share in [0, 1] is shown in per cent. */
  kind: 'share' | 'number';
  better: 'higher' | 'lower';
  before: Estimate | null;
  after: Estimate;
  /** What a model that knows nothing would reach. */
  chance: number | null;
  /** For the headline: what the model does that this measures, after "the model", e.g. "finds a patch of one view in the other". The first two with a claim are used. */
  claim?: string;
}

export interface Series {
  name: string;
  /** Optimizer steps, rising; as long as `values`. */
  steps: ArrayLike<number>;
  /** A value that is not finite leaves a gap. */
  values: ArrayLike<number>;
}

export interface Curve {
  name: string;
  explanation: string;
  scale: 'linear' | 'log';
  /** Shares are shown in per cent; a number where it is not said. */
  kind?: Measure['kind'];
  series: Series[];
}

/** One view of a sample as the model was given it. */
export interface SampleView {
  /** E.g. "online" or "target". */
  name: string;
  crop: Crop;
  image: RgbImage;
  /** [grid * grid], 1 is masked; null for a view that is not masked. */
  mask: Uint8Array | null;
  /** Patches along each side. */
  grid: number;
}

export interface Sample {
  file: string;
  /** The source image, scaled as the caller likes; crops are in pixels of the original. */
  image: RgbImage;
  views: SampleView[];
}

/** A model's matches between two views at one time. */
export interface MatchMap {
  /** [patches, patches]: cosine of patch `row` of view b and patch `column` of view a. */
  similarity: Float32Array;
  /** [patches]: the most similar patch of view a for each patch of view b. */
  best: Int32Array;
  /** [patches, 3]: main components of the features as colours, on one scale for both views. */
  colours: { a: Uint8Array; b: Uint8Array };
}

export interface PairSample {
  file: string;
  image: RgbImage;
  a: { image: RgbImage; crop: Crop };
  b: { image: RgbImage; crop: Crop };
  /** Patches along each side, in both views. */
  grid: number;
  /** [patches, 2]: for each patch of view b the place of its centre in view a, in patches (row, column); NaN outside. */
  truth: Float32Array;
  before: MatchMap;
  after: MatchMap;
}

/** A test image and the training images whose features are nearest. */
export interface NeighbourSample {
  file: string;
  image: RgbImage;
  label: string;
  predicted: string;
  neighbours: { file: string; image: RgbImage; label: string; cosine: number }[];
}

export interface Fact {
  name: string;
  value: string;
}

export interface ReportData {
  /** The run's name. */
  title: string;
  method: string;
  /** ISO 8601. */
  finishedAt: string;
  outcome: 'finished' | 'stopped' | 'failed';
  steps: number;
  seconds: number;
  /** What it was trained on, e.g. "2,000 generated images of 20 classes". */
  dataset: string;
  measures: Measure[];
  curves: Curve[];
  /** What the run measured of its model as it trained: few points, each of which counts. Empty where it did not. */
  evaluations: Curve[];
  samples: Sample[];
  pairs: PairSample[];
  neighbours: NeighbourSample[];
  /** Machine, engine, versions, sizes: whatever names what was used. */
  facts: Fact[];
  /** The run file, complete. */
  config: unknown;
  /** How to go on: each command with what it does. */
  commands: { purpose: string; command: string }[];
  /** What a reader must know to read the numbers rightly: warnings, skipped files. */
  notes: string[];
}
