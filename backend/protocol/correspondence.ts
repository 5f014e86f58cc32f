/** What the correspondence view asks of the process that holds models, and what its page asks of its host. Paths are the host's; features cross once, and the page compares them itself. */
import type { Crop } from '../augment/geometry.ts';

type Branch = 'online' | 'target';

/** A checkpoint, or the model that it began as. */
export interface ModelSource {
  checkpoint: string;
  untrained: boolean;
}

/** Images by number: those that a checkpoint's run trains on, or what lies at a path: an image, a folder, a list or an archive. */
export type ImageSource = { kind: 'run'; checkpoint: string } | { kind: 'path'; path: string };

export interface ImageAt {
  source: ImageSource;
  index: number;
}

/** Something of a model that can be looked at. */
export type Look =
  /** `layers` in the order of depth: `block:0` ..., `encoder`, `projector`, `prediction`, those that the method has. */
  | { kind: 'features'; blocks: number; layers: string[] }
  | { kind: 'attention'; blocks: number; heads: number }
  /** Each patch has one of `count` codes. */
  | { kind: 'codes'; count: number }
  /** Each view is assigned to `count` prototypes. */
  | { kind: 'prototypes'; count: number }
  /** Masked patches, or whole images, are painted. */
  | { kind: 'reconstruction' };

/** A view that training takes of a sample. */
export interface LookedView {
  name: string;
  imageSize: number;
  /** Patches a side. */
  grid: number;
  /** What keeps patches of it from the model: a mask of its own, or that the method drops them, the same places in a whole batch. */
  hidden: 'mask' | 'dropped' | null;
}

/** What is known of a model before any picture: what can be looked at. */
export interface LookedModel {
  method: string;
  arch: string;
  imageSize: number;
  /** Patches a side. */
  grid: number;
  branches: Branch[];
  looks: Look[];
  /** Of the run, or the method's recipe. */
  views: LookedView[];
  /** What was assumed of a checkpoint without a run. */
  assumptions: string[];
  engine: string;
}

/** Which features of which pictures. */
export interface PairChoice {
  /** Draws the views; the same pair for the same seed. */
  seed: number;
  branch: Branch;
  layer: string;
  /** Views of training by name; null: two crops drawn alike for every method. Of no matter where two images are compared. */
  views: { a: string; b: string } | null;
  /** The prediction sees view a under a mask, as in training. */
  masked: boolean;
}

export interface PairRequest extends PairChoice {
  model: ModelSource;
  a: ImageAt;
  /** null: two views of `a`, drawn by `seed`, whose true matches are known. */
  b: ImageAt | null;
}

export interface PairFacts {
  /** Of each view. */
  imageSize: { a: number; b: number };
  grid: { a: number; b: number };
  dimension: number;
  /** [grid * grid], 1 is hidden from the model in training; null: nothing is, or it is not shown. */
  masks: { a: number[] | null; b: number[] | null };
  /** Names of the images, as their source has them. */
  nameA: string;
  nameB: string;
  crops: { a: Crop; b: Crop } | null;
  /** Share of matches within 0, 1 and 2 patches, what guessing gives, and the mean error in patches; null where the truth is not known or nothing is shared. */
  pck: { patches: number; rates: number[]; chance: number[]; meanError: number } | null;
  /** Computing the features, without reading the model. */
  milliseconds: number;
}

/** Buffers of a pair, each for `Part` a typed array between processes, and its bytes on the way to the page. */
export interface PairTables<Bytes, Floats, Indices> {
  /** [imageSize, imageSize, 3] RGB, as the model saw them; sizes and grids are each view's own. */
  a: Bytes;
  b: Bytes;
  /** [grid * grid, dimension], rows of length 1. For the prediction: of what is predicted from view a for each place of view b. */
  featuresA: Floats;
  featuresB: Floats;
  /** [grid * grid, 3] RGB of the first three principal components, shared by both. */
  coloursA: Bytes;
  coloursB: Bytes;
  /** [grid * grid]: for each patch of a (for the prediction: each place of b) the most similar patch of b, the reverse, and 1 where both agree. */
  best: Indices;
  bestOfB: Indices;
  mutual: Bytes;
  /** Where each patch's centre lies in the other picture, [grid * grid, 2] (row, column) in patches, NaN where that does not hold it; null for two images. */
  aInB: Floats | null;
  bInA: Floats | null;
}

export type LookedPair = PairFacts & PairTables<Uint8Array, Float32Array, Int32Array>;

export interface RatesRequest extends PairChoice {
  model: ModelSource;
  images: ImageSource;
  /** This image alone; null: pairs are spread over all images. */
  only: number | null;
  pairs: number;
}

export interface MatchRates {
  pairs: number;
  /** Images that could not be read. */
  skipped: number;
  /** Share of matches within 0, 1 and 2 patches, and what guessing gives. */
  rates: number[];
  chance: number[];
  /** In patches. */
  meanError: number;
}

export interface AttentionRequest extends PairRequest {
  view: 'a' | 'b';
  block: number;
}

export interface AttentionFacts {
  heads: number;
  /** The class token and all patches. */
  tokens: number;
}

/** How a view is assigned to prototypes: the most probable ones first. */
export interface Assignment {
  prototypes: number[];
  probabilities: number[];
  /** Of the whole distribution, in nats. */
  entropy: number;
}

/** Of both views, and the cross entropy of b's distribution under a's, in nats. */
export interface Assignments {
  a: Assignment;
  b: Assignment;
  crossEntropy: number;
}

/** What many images are sorted by. */
export type Sorted = 'codes' | 'prototypes';

export interface GatherRequest {
  model: ModelSource;
  images: ImageSource;
  by: Sorted;
  /** Images, spread over all. */
  count: number;
}

export interface GatheredFacts {
  /** Images that were read, and those that could not be. */
  images: number;
  skipped: number;
  /** Codes or prototypes that are any patch's own or any image's first. */
  used: number;
  /** Of how often each is, in nats. */
  usageEntropy: number;
  /** Mean entropy of the images' own distributions, in nats; null for codes, of which a patch has one. */
  ownEntropy: number | null;
  /** Members kept of each entry, at most. */
  kept: number;
}

export interface GatheredTables<Indices, Floats> {
  /** [entries]: how many patches have the code, or images the prototype first. */
  counts: Indices;
  /** [entries, kept, 2]: number of the image and of the patch (-1: the whole image), the nearest first; image -1 where there are fewer. For codes one patch an image. */
  members: Indices;
  /** [entries, kept]: probability of the prototype; 1 for codes. */
  shares: Floats;
}

export interface ReconstructionFacts {
  imageSize: number;
  /** [grid * grid], 1 is masked; null: the image was read whole, and painted whole. */
  mask: number[] | null;
  /** Patches are painted up to their own brightness and contrast: shown with the average ones of the patches that are seen. */
  normalised: boolean;
}

/** A type and not an interface, so that it is a `ViewCalls`. */
export type CorrespondenceCalls = {
  'correspondence/images': { request: { source: ImageSource }; reply: { count: number } };
  'correspondence/model': { request: { model: ModelSource }; reply: LookedModel };
  'correspondence/pair': { request: PairRequest; reply: LookedPair };
  'correspondence/rates': { request: RatesRequest; reply: MatchRates };
  /** `probabilities` [heads, tokens, tokens]: rows of sum 1. Of view a or b as `pair` has it. */
  'correspondence/attention': { request: AttentionRequest; reply: AttentionFacts & { probabilities: Float32Array } };
  /** [patches of a], [patches of b]. */
  'correspondence/codes': { request: PairRequest; reply: { a: Int32Array; b: Int32Array } };
  'correspondence/assignments': { request: PairRequest; reply: Assignments };
  'correspondence/gather': { request: GatherRequest; reply: GatheredFacts & GatheredTables<Int32Array, Float32Array> };
  /** `pixels` [images, imageSize, imageSize, 3] RGB: images whole, as the model sees them; black where one cannot be read. */
  'correspondence/pictures': { request: { model: ModelSource; images: ImageSource; indices: number[] }; reply: { imageSize: number; names: string[]; pixels: Uint8Array } };
  /** `pixels` [imageSize, imageSize, 3] RGB: what the decoder made of every patch of view a. */
  'correspondence/reconstruction': { request: PairRequest; reply: ReconstructionFacts & { pixels: Uint8Array } };
};

/** A run, or a checkpoint of other origin, that the panel looks into. Its number is its place in the panel's list. */
export interface LookSubject {
  name: string;
  /** Of the run's checkpoints, ascending; empty for a single file. 0 is the model before its first step, where nothing was saved then. */
  steps: number[];
  /** The run goes on: more will come. */
  living: boolean;
  /** The step that the panel was opened on; null: the newest. */
  opened: number | null;
}

export interface LookImages {
  name: string;
  count: number;
}

/** The page's whole state as the host knows it. */
export interface LookOpen {
  panel: string;
  trusted: boolean;
  subjects: LookSubject[];
  /** What is looked at; null while it is not known. */
  images: LookImages | null;
  /** Other images for b; null: b is among the same images. */
  others: LookImages | null;
  problem: string | null;
}

export type LookNotice = { kind: 'state'; state: LookOpen } | { kind: 'progress'; text: string; done: number | null; total: number | null };

/** A model as the page names it: `step` null is the newest checkpoint, or the file itself; 0 may be the model before its first step. */
export interface LookModel {
  subject: number;
  step: number | null;
  /** Before its first step, whatever `step` is. */
  untrained: boolean;
}

export interface LookPairRequest extends PairChoice {
  model: LookModel;
  a: number;
  /** null: another view of `a`. */
  b: number | null;
}

/** The page's requests. */
export type LookCalls = {
  model: { request: LookModel; reply: LookedModel };
  pair: { request: LookPairRequest; reply: PairFacts & PairTables<ArrayBuffer, ArrayBuffer, ArrayBuffer> };
  rates: { request: PairChoice & { model: LookModel; only: number | null; pairs: number }; reply: MatchRates };
  stopRates: { request: Record<string, never>; reply: null };
  attention: { request: LookPairRequest & { view: 'a' | 'b'; block: number }; reply: AttentionFacts & { probabilities: ArrayBuffer } };
  codes: { request: LookPairRequest; reply: { a: ArrayBuffer; b: ArrayBuffer } };
  assignments: { request: LookPairRequest; reply: Assignments };
  /** One measurement over many images at a time, ended by `stopRates`. */
  gather: { request: { model: LookModel; by: Sorted; count: number }; reply: GatheredFacts & GatheredTables<ArrayBuffer, ArrayBuffer> };
  pictures: { request: { model: LookModel; indices: number[] }; reply: { imageSize: number; names: string[]; pixels: ArrayBuffer } };
  reconstruction: { request: LookPairRequest; reply: ReconstructionFacts & { pixels: ArrayBuffer } };
  /** Asks the user for another run or checkpoint; the number of the subject, null where they thought better of it. */
  addSubject: { request: Record<string, never>; reply: number | null };
  /** Asks for images: of view a, or others for b. `run`: those of the first run again. */
  chooseImages: { request: { others: boolean; run: boolean }; reply: null };
  /** The file's name, null where the user thought better of it. */
  savePicture: { request: { name: string; bytes: ArrayBuffer }; reply: string | null };
  again: { request: Record<string, never>; reply: null };
  trust: { request: Record<string, never>; reply: null };
};
