/** What the correspondence view asks of the process that holds models. Paths are the host's; features cross once, and the page compares them itself. */
import type { Crop } from '../augment/geometry.ts';

/** What is known of a model before any picture: what can be looked at. */
export interface LookedModel {
  method: string;
  arch: string;
  imageSize: number;
  /** Patches a side. */
  grid: number;
  branches: ('online' | 'target')[];
  /** In the order of depth: `block:0` ..., `encoder`, `projector`, `prediction`, those that the method has. */
  layers: string[];
  blocks: number;
  heads: number;
  /** Whether masked patches are reconstructed. */
  reconstructs: boolean;
  /** What was assumed of a checkpoint without a run. */
  assumptions: string[];
  engine: string;
}

export interface PairRequest {
  checkpoint: string;
  a: string;
  /** null: two views of `a`, drawn by `seed`, whose true matches are known. */
  b: string | null;
  seed: number;
  branch: 'online' | 'target';
  layer: string;
}

export interface LookedPair {
  imageSize: number;
  grid: number;
  /** [imageSize, imageSize, 3] RGB, as the model saw them. */
  a: Uint8Array;
  b: Uint8Array;
  dimension: number;
  /** [grid * grid, dimension], rows of length 1. For the prediction: of what is predicted from view a for each place of view b. */
  featuresA: Float32Array;
  featuresB: Float32Array;
  /** [grid * grid, 3] RGB of the first three principal components, shared by both. */
  coloursA: Uint8Array;
  coloursB: Uint8Array;
  /** Where each patch of a lies in b, [grid * grid, 2] (row, column) in patches, NaN where b does not hold it; null for two images. */
  truth: Float32Array | null;
  crops: { a: Crop; b: Crop } | null;
  /** Computing the features, without reading the model. */
  milliseconds: number;
}

export interface MatchRates {
  pairs: number;
  /** Share of matches within 0, 1 and 2 patches, and what guessing gives. */
  rates: number[];
  chance: number[];
  /** The same of the model before its first step; null where that is not known. */
  untrained: number[] | null;
}

export interface AttentionRequest {
  checkpoint: string;
  pixels: Uint8Array;
  branch: 'online' | 'target';
  block: number;
}

export interface LookedAttention {
  heads: number;
  /** Of the class token and all patches. */
  tokens: number;
  /** [heads, tokens, tokens]: each row sums to 1. */
  probabilities: Float32Array;
}

export interface ReconstructionRequest {
  checkpoint: string;
  pixels: Uint8Array;
  seed: number;
}

export interface LookedReconstruction {
  imageSize: number;
  /** [grid * grid], 1 is masked. */
  mask: Uint8Array;
  /** [imageSize, imageSize, 3] RGB: what the decoder made of every patch. */
  reconstruction: Uint8Array;
  /** Patches were normalised one by one: shown with the original's own mean and deviation. */
  normalised: boolean;
}

/** A type and not an interface, so that it is a `ViewCalls`. */
export type CorrespondenceCalls = {
  model: { request: { checkpoint: string }; reply: LookedModel };
  pair: { request: PairRequest; reply: LookedPair };
  /** Over `images`, `pairs` pairs in all, the same for the same seed. */
  rates: { request: { checkpoint: string; images: string[]; pairs: number; seed: number; branch: 'online' | 'target'; layer: string }; reply: MatchRates };
  attention: { request: AttentionRequest; reply: LookedAttention };
  reconstruction: { request: ReconstructionRequest; reply: LookedReconstruction };
};
