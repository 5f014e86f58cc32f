/** What the command says, as JSON, of this machine, its recipes and its run files: what the editor's lists are made of. */

/** `cpu` is TensorFlow.js's plain JavaScript backend: the slow reference of the tests, never offered to users. */
export type EngineName = 'torch' | 'tensorflow' | 'wasm' | 'cpu';
export type Precision = 'fp32' | 'bf16';

export interface Processor {
  model: string;
  /** Cores that this process may use. */
  cores: number;
  /** Instruction sets that decide an engine's speed, by Linux's names. */
  flags: string[];
}

/** Of `siamscope doctor --json`. */
export interface EngineDiagnosis {
  name: EngineName;
  status: 'ready' | 'unavailable' | 'broken';
  /** Why it is not ready; null where it is. */
  reason: string | null;
  version: string | null;
  device: string | null;
  deviceName: string | null;
  path: string | null;
  precisions: Precision[];
  /** Billions of floating-point operations a second of a 1024 x 1024 product (wasm: 256 x 256); what was not measured is left out. */
  matmul_gflops: Partial<Record<Precision, number>>;
}

/** `siamscope doctor --json`. */
export interface Diagnosis {
  node: string;
  platform: string;
  cpu: Processor;
  /** Bytes of the machine. */
  memory: number;
  /** NVIDIA's GPUs, whether or not an engine here can use them. */
  gpus: { name: string; bytes: number }[];
  engines: EngineDiagnosis[];
  /** The engine that `auto` takes; null where there is none. */
  chosen: EngineName | null;
}

/** An entry of `siamscope presets --json`. */
export interface PresetSummary {
  preset: string;
  summary: string;
}

/** What is wrong at one key of a run file or a study file. */
export interface RunFileProblem {
  /** Keys and indices down to it; empty: the file as a whole. */
  path: (string | number)[];
  message: string;
  /** Whether the JSON Schema refuses it as well. */
  inSchema: boolean;
}

/** `siamscope train FILE --check --json`. */
export interface RunCheck {
  file: string;
  problems: RunFileProblem[];
  /** What would be trained; null where something is wrong with the file. */
  run: { name: string; folder: string; method: string; arch: string; images: number; classes: number; steps: number; imagesPerStep: number } | null;
}

/** `siamscope study FILE --check --json`. */
export interface StudyCheck {
  file: string;
  problems: RunFileProblem[];
  /** What would be run; null where something is wrong with the file. */
  study: { name: string; folder: string; rows: number; seeds: number; runs: number } | null;
}

/** A line of `siamscope engine install NAME --json`. */
export interface InstallProgress {
  phase: 'waiting' | 'downloading' | 'unpacking' | 'building' | 'done';
  /** A line for people. */
  message: string;
  /** Where the phase can be measured. */
  bytes?: number;
  total?: number;
}
