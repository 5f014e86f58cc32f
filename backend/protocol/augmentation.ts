/**
 * What the augmentation lab's page, its host and the process that draws for it tell each other. Pixels cross as one buffer with offsets, RGB
 * bytes; places in an image are shares of its width and height; a webview names images by their number in the data set, never by a path.
 */

/** A value of a run file that can be changed: a number, or the two ends of what is drawn from. */
export type LabValue = number | [number, number];

/** An op of a view as the run file has it: its name, its probability, and settings of its own. */
export interface LabOp extends Record<string, LabValue | string> {
  op: string;
  p: number;
}

export type LabMask = { kind: 'none' } | { kind: 'random'; count: number } | { kind: 'block'; count: number; minBlock: number; aspect: [number, number] } | { kind: 'varied'; shape: 'block' | 'random'; shares: [number, number][]; minBlock: number; aspect: [number, number] };

/** A view as the run file has it. */
export interface LabView {
  name: string;
  size: number;
  crop: { scale: [number, number]; ratio: [number, number]; interpolation: 'bicubic' | 'bilinear' | 'lanczos' };
  ops: LabOp[];
  mask: LabMask | null;
  count?: number;
  /** The view whose draws this one shows, at its own size; its area, aspect, ops and mask are not used. */
  sameAs?: string;
}

/** What the run file's schema says of a setting. */
export interface LabSetting {
  name: string;
  kind: 'number' | 'range';
  whole: boolean;
  min: number;
  /** null: there is no greatest value. */
  max: number | null;
  /** What it is where an op is added; null: it must be given. */
  initial: LabValue | null;
  text: string;
}

/** What the model makes of each square of `patchSize` pixels: a token of a Vision Transformer, a feature of a ResNet, a tokenizer's code. */
export type LabCell = 'patch' | 'feature' | 'code';

/** Masks that a method takes in a view: as many patches in every image or any number, and whether there must be some. */
export interface LabMaskUse {
  count: 'same' | 'any';
  needed: boolean;
}

/** The pipeline that the lab begins with, and what it is applied to. */
export interface LabSetup {
  method: string;
  views: LabView[];
  /** For each of `views`; null where the method sees all of it. */
  masks: (LabMaskUse | null)[];
  /** Whether patches of any view can be hidden from the model, by a mask or by the method itself. */
  hides: boolean;
  cell: LabCell;
  patchSize: number;
  sameCrop: boolean;
  seed: number;
  /** Images in the data set. */
  images: number;
  /** Width of the tokens that SiameseIM's relative position embedding is made for; null: the method has none. */
  positionWidth: number | null;
  ops: { op: string; text: string; settings: LabSetting[] }[];
}

/** What the data set or image is, for the process that draws. */
export type LabSource = { kind: 'dataset' | 'image'; path: string };

/** What of the run tells which patches its method drops by itself, the same in a whole batch, and at which step a sample is seen. Handed back by the host as it came. */
export interface LabTraining {
  /** As the run file has it, with its defaults. */
  method: unknown;
  batchSize: number;
  accumulate: number;
  repeats: number;
}

/** Why the model does not see patches of a view: the sample's mask, or its method drops them. */
export type LabHidden = 'mask' | 'dropped' | null;

/** What all draws of a sample follow from. */
export interface LabKey {
  seed: number;
  epoch: number;
  /** Of the image in the data set. */
  index: number;
  /** Of the image whose draws are taken; the image's own, unless they are locked. */
  drawnAs: number;
}

/** A part of the upright image in pixels, and whether the view shows it mirrored. */
export interface LabBox {
  top: number;
  left: number;
  height: number;
  width: number;
  mirrored: boolean;
}

/** RGB bytes in a reply's buffer. */
export interface LabPicture {
  offset: number;
  width: number;
  height: number;
}

/** A step of a view's pipeline as it was drawn. */
export interface LabStep {
  op: string;
  applied: boolean;
  parameters: Record<string, number | readonly string[]>;
  /** After the step; null where it changed nothing. */
  picture: LabPicture | null;
  /** Of the op in the view's list; null for the crop. */
  place: number | null;
}

export interface LabShownView {
  name: string;
  /** Of the view in the run file's list. */
  spec: number;
  /** Of the view that this one has its crop from: its own place, unless they share one. */
  cropOf: number;
  box: LabBox;
  /** Drawn by the pipeline, and not placed by hand. */
  drawn: boolean;
  grid: number;
  steps: LabStep[];
  /** What the model gets before it is normalised. */
  picture: LabPicture;
  /** [grid * grid], 1 is hidden from the model; null: none. */
  mask: number[] | null;
  hidden: LabHidden;
  /** A step moved pixels, so that places in the view are not those of its crop. */
  moved: boolean;
}

/** Where another view lies in the first one, which is called a; the other is b. */
export interface LabPair {
  /** Of view b. */
  view: number;
  /** Share of view a that b shows too, and the other way round. */
  overlapOfA: number;
  overlapOfB: number;
  /** SiameseIM's relative position embedding of b's patch against the one of a's own; null where the method has none. */
  positions: LabPositions | null;
}

/** The cosine of b's patch (u, v) and a's patch (i, j) is rows[u, i] + columns[v, j] + scale, for the embedding is made of parts. */
export interface LabPositions {
  /** [grid of b, grid of a]. */
  rows: number[];
  columns: number[];
  scale: number;
}

export interface LabSample {
  file: string;
  label: string | null;
  imageWidth: number;
  imageHeight: number;
  /** The image, made smaller; null where it was not asked for. */
  image: LabPicture | null;
  views: LabShownView[];
  pairs: LabPair[];
  buffer: ArrayBuffer;
  /** Spent in the process that draws, in milliseconds; decoding is nothing where the image was decoded before. */
  decodeMilliseconds: number;
  drawMilliseconds: number;
}

/** One of many samples, small. */
export interface LabCard {
  index: number;
  file: string;
  /** Why it cannot be shown; the rest is empty then. */
  problem: string | null;
  imageWidth: number;
  imageHeight: number;
  image: LabPicture | null;
  views: { picture: LabPicture; box: LabBox; mask: number[] | null; grid: number }[];
  /** Share of the first view that each other one shows too. */
  overlaps: number[];
}

export interface LabCards {
  cards: LabCard[];
  buffer: ArrayBuffer;
}

/** How often a value fell between two edges; `edges` has one more than `counts`. */
export interface LabHistogram {
  edges: number[];
  counts: number[];
  mean: number;
  median: number;
}

export interface LabStatistics {
  samples: number;
  /** Images whose size could not be read, and one reason. */
  unread: number;
  unreadReason: string | null;
  imagesMeasured: number;
  views: {
    name: string;
    /** Area of the crop as a share of the image. */
    scale: LabHistogram;
    /** Width / height of the crop. */
    aspect: LabHistogram;
    /** How often each patch is hidden, [grid * grid], in shares; null where none is. */
    masked: number[] | null;
    hidden: LabHidden;
    grid: number;
  }[];
  pairs: {
    view: number;
    /** Share of view a that b shows too. */
    overlap: LabHistogram;
    /** Share of samples whose views have nothing in common. */
    without: number;
    /** Share of b's patches whose centre lies in a; and in a patch of a that is not masked. */
    patchesInA: number;
    patchesInVisible: number;
  }[];
}

/** What the host asks of the process that draws. A type, so that it is a `ViewCalls`. */
export type AugmentationCalls = {
  /** The pipeline of a run file's text, or the paper's own where there is none; and what is at the source: `image`, or else the file's data, listed anew where it is to be fresh. */
  'augmentation/describe': { request: { file: { path: string; text: string } | null; image: string | null; fresh: boolean }; reply: LabSetup & { source: LabSource; training: LabTraining } };
  'augmentation/sample': { request: LabPlan & { source: LabSource; key: LabKey; boxes: (LabBox | null)[]; withImage: boolean }; reply: Omit<LabSample, 'buffer'> & { bytes: Uint8Array } };
  'augmentation/cards': { request: LabPlan & { source: LabSource; seed: number; epoch: number; from: number; count: number }; reply: Omit<LabCards, 'buffer'> & { bytes: Uint8Array } };
  'augmentation/statistics': { request: LabPlan & { source: LabSource; seed: number; samples: number }; reply: LabStatistics };
  /** The views as they may stand in the file. Rejects where the file's run cannot take them. */
  'augmentation/check': { request: { file: { path: string; text: string }; views: unknown }; reply: { views: LabView[] } };
};

/** The pipeline as the page has it now; checked where it is used. */
export interface LabPlan {
  views: unknown;
  patchSize: number;
  sameCrop: boolean;
  positionWidth: number | null;
  training: LabTraining;
}

/** What the page begins with. */
export interface LabOpen {
  panel: string;
  /** Of the run file and of the image, for people; null where there is none. */
  file: string | null;
  image: string | null;
  /** null: it is being found out, or `problem` says why not. */
  setup: LabSetup | null;
  problem: string | null;
  /** Nothing is launched until the workspace is trusted. */
  trusted: boolean;
}

/** The run file was changed, or what was being found out is known; or how far a long request is. */
export type LabNotice = { kind: 'state'; state: LabOpen } | { kind: 'progress'; done: number; total: number };

/** What the page asks of its host. */
export type LabCalls = {
  sample: { request: { views: unknown; key: LabKey; boxes: (LabBox | null)[]; withImage: boolean }; reply: LabSample };
  cards: { request: { views: unknown; seed: number; epoch: number; from: number; count: number }; reply: LabCards };
  statistics: { request: { views: unknown; seed: number; samples: number }; reply: LabStatistics };
  stopStatistics: { request: Record<never, never>; reply: null };
  /** Writes the views into the run file, as one edit that can be undone. */
  write: { request: { views: unknown }; reply: { changed: number; file: string } };
  /** Looks again, after something could not be shown. */
  again: { request: Record<never, never>; reply: null };
  trust: { request: Record<never, never>; reply: null };
  chooseFile: { request: Record<never, never>; reply: null };
  /** Shows the run file in an editor. */
  showFile: { request: Record<never, never>; reply: null };
};
