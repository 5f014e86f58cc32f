/** What the checkpoint inspector and its host tell each other. Tensors go by their place in the file, other checkpoints by their place in a list; a webview never names a path. */

/** What a tensor is for. */
export type CheckpointPart = 'encoder' | 'projector' | 'predictor' | 'decoder' | 'head' | 'prototypes' | 'tokenizer' | 'queue' | 'objective' | 'optimizer' | 'other';

/** Parts that belong together: one branch of a method, or what both share. */
export interface CheckpointGroup {
  /** Its row's key in the tree. */
  key: string;
  part: CheckpointPart;
  /** Of a moving average. */
  target: boolean;
  title: string;
  /** One line for those who do not know the word. */
  about: string;
  tensors: number;
  values: number;
  bytes: number;
}

export type CheckpointAction = 'correspond' | 'evaluate' | 'export' | 'resume';

/** Something that a checkpoint may serve for. */
export interface CheckpointUse {
  title: string;
  verdict: 'yes' | 'partly' | 'no';
  why: string;
  action: CheckpointAction | null;
}

export interface CheckpointFinding {
  tone: 'bad' | 'warning' | 'good' | 'plain';
  text: string;
  /** The first tensor that it is about. */
  tensor: number | null;
}

/** Something in a checkpoint that makes a picture. */
export interface CheckpointPicture {
  kind: 'filters' | 'positions' | 'relative';
  tensor: number;
  title: string;
}

/** What is written beside tensors, flattened: the key's parts joined by dots. */
export interface CheckpointEntryText {
  key: string;
  value: string;
}

/** The run that a checkpoint belongs to. */
export interface CheckpointRun {
  name: string;
  step: number;
  /** As its status.json has it; null where that cannot be read. */
  state: string | null;
  config: CheckpointEntryText[];
}

/** Another checkpoint that this one may be compared with. */
export interface CheckpointSibling {
  id: number;
  title: string;
}

export interface CheckpointSummary {
  /** The method, as far as its key names tell. */
  method: string | null;
  /** `ViT-B/16 at 224: 12 blocks of width 768`; null where there is no encoder that is known. */
  architecture: string | null;
  format: string;
  tensors: number;
  values: number;
  /** Element types with their number of tensors. */
  dtypes: string;
  groups: CheckpointGroup[];
  uses: CheckpointUse[];
  findings: CheckpointFinding[];
  pictures: CheckpointPicture[];
  metadata: CheckpointEntryText[];
  run: CheckpointRun | null;
  siblings: CheckpointSibling[];
  /** Milliseconds that reading the header took. */
  opened: number;
}

/** Why a file cannot be shown. */
export interface CheckpointProblem {
  title: string;
  message: string;
  /** Where in the file; null where no byte shows it. */
  byte: number | null;
  /** Bytes around it, or the first ones. */
  excerpt: { start: number; bytes: number[] } | null;
}

/** Every value of the file was looked at. */
export interface ValueCheck {
  tensors: number;
  values: number;
  seconds: number;
  nan: number;
  infinite: number;
  findings: CheckpointFinding[];
}

export interface CheckpointOpen {
  file: { name: string; place: string; bytes: number | null };
  state: 'reading' | 'ready' | 'broken';
  problem: CheckpointProblem | null;
  summary: CheckpointSummary | null;
  checked: ValueCheck | null;
  trusted: boolean;
  /** Whether the file is no longer the one that was read. */
  changed: boolean;
  /** Actions whose command is there. */
  actions: CheckpointAction[];
}

/** What takes long: something of the whole file, and something of one tensor, each one at a time. */
export type CheckpointLane = 'whole' | 'tensor';

export type CheckpointNotice = { kind: 'state'; state: CheckpointOpen } | { kind: 'progress'; lane: CheckpointLane; done: number; total: number };

/** Numbers of a tensor's values. Those of no finite value are NaN. */
export interface ValueStatistics {
  count: number;
  nan: number;
  positiveInfinite: number;
  negativeInfinite: number;
  zeros: number;
  min: number;
  max: number;
  mean: number;
  /** Standard deviation of the finite values. */
  deviation: number;
  /** Of the finite values as one vector. */
  norm: number;
}

export interface CheckpointRow {
  key: string;
  kind: 'group' | 'tensor';
  level: number;
  label: string;
  /** Place among its siblings, from 1, and how many there are. */
  place: number;
  siblings: number;
  /** Colour of the group that it belongs to. */
  part: CheckpointPart;
  target: boolean;
  open: boolean;
  /** The row of the group that it lies in; null: at the top. */
  parent: number | null;
  tensors: number;
  values: number;
  bytes: number;
  tensor: number | null;
  dtype: string;
  shape: string;
  statistics: ValueStatistics | null;
}

export interface CheckpointRows {
  /** Rows of all open groups, or tensors that match. */
  total: number;
  from: number;
  rows: CheckpointRow[];
}

/** Equal bins from the lowest to the highest finite value. */
export interface ValueHistogram {
  low: number;
  high: number;
  counts: number[];
}

export interface TensorDetail {
  name: string;
  part: string;
  dtype: string;
  shape: string;
  values: number;
  bytes: number;
  statistics: ValueStatistics;
  histogram: ValueHistogram | null;
  /** The first values as they are. */
  first: string[];
}

/** Filters of a patch embedding as pictures: rows of RGBA bytes, each filter scaled to its own range, strongest first. */
export interface FilterPictures {
  /** Filters there are; those shown may be fewer. */
  all: number;
  shown: number;
  height: number;
  width: number;
  /** Place of each in the tensor, and its norm. */
  order: number[];
  norms: number[];
  pixels: ArrayBuffer;
}

/** Cosine similarity of one position's embedding to those of all. */
export interface PositionSimilarity {
  rows: number;
  columns: number;
  /** Positions before those of patches: class token, registers. */
  extra: number;
  chosen: number;
  /** As float32 in reading order. */
  similarities: ArrayBuffer;
  /** Of all positions to all, where there are few enough; float32. */
  overview: ArrayBuffer | null;
}

/** A table of relative position biases: for each head its bias by row and column offset. */
export interface RelativeBias {
  heads: number;
  /** Offsets in each direction; an odd number. */
  side: number;
  /** Float32, head by head. */
  biases: ArrayBuffer;
}

export interface TensorChange {
  name: string;
  tensor: number;
  /** Norm of the difference by the norm of this file's tensor; Infinity where that is 0, NaN where a value is. */
  change: number;
  /** Share of values that differ. */
  share: number;
}

export interface CheckpointDifference {
  other: string;
  /** How names were brought together, where not as they stand. */
  matched: string | null;
  compared: number;
  identical: number;
  groups: { title: string; part: CheckpointPart; target: boolean; tensors: number; change: number }[];
  /** Greatest first; the first ones of them. */
  changes: TensorChange[];
  shapes: { name: string; here: string; there: string }[];
  onlyHere: string[];
  onlyThere: string[];
  /** Of the lists above, before they were cut. */
  counts: { shapes: number; onlyHere: number; onlyThere: number };
  seconds: number;
}

type Nothing = Record<never, never>;

/** A type and not an interface, so that it is a `PanelCalls`. Replies of null: it was stopped, or nothing was chosen. */
export type CheckpointCalls = {
  rows: { request: { query: string; open: string[]; from: number; count: number }; reply: CheckpointRows };
  detail: { request: { tensor: number }; reply: TensorDetail | null };
  check: { request: Nothing; reply: ValueCheck | null };
  /** Ends what takes long. */
  stop: { request: { lane: CheckpointLane }; reply: null };
  filters: { request: { tensor: number }; reply: FilterPictures };
  positions: { request: { tensor: number; chosen: number; overview: boolean }; reply: PositionSimilarity };
  relative: { request: { tensor: number }; reply: RelativeBias };
  /** With another checkpoint of the run, or null: one that the user points at. */
  compare: { request: { sibling: number | null }; reply: CheckpointDifference | null };
  act: { request: { action: CheckpointAction }; reply: null };
  /** Shows it as text instead: the ending .pth has other uses. */
  asText: { request: Nothing; reply: null };
  /** Reads the file anew. */
  again: { request: Nothing; reply: null };
  trust: { request: Nothing; reply: null };
  /** Statistics of all tensors as a table that the user names. */
  saveTable: { request: Nothing; reply: { saved: string | null } };
};
