/** What an engine is: a TensorFlow.js backend that has been registered and made current, and what one may ask of it. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { EngineName, Precision } from '../protocol/machine.ts';

export type { EngineName, Precision };

/** What a person asks for; what is left out is chosen from what the machine has. */
export interface EngineRequest {
  engine?: EngineName | 'auto';
  /** `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, `xpu`. */
  device?: string;
  precision?: Precision | 'auto';
  /** Threads of the engine's CPU kernels; default: every core. */
  threads?: number;
  /** A folder that holds libtorch (a wheel's `torch` folder, or its `lib`); wins over what is found. */
  torchPath?: string;
  /** A Python interpreter whose torch is to be used. */
  python?: string;
}

export interface Engine {
  name: EngineName;
  /** Of the native library, e.g. `2.15.0`. */
  version: string;
  /** e.g. `cpu`, `cuda:0`. */
  device: string;
  /** A person's name for the device, e.g. `NVIDIA H200`. */
  deviceName: string;
  precision: Precision;
  /** Where its library was loaded from; null where there is none. */
  path: string | null;
  /** Bytes held by tensors now, and the greatest number so far, on the device; null where the engine cannot tell. */
  memory(): { bytes: number; peakBytes: number } | null;
  /** Waits until all that was asked of the device is done, for timings. */
  synchronize(): void;
}

/**
 * Updates of parameters in place, which TensorFlow.js's functional kernels cannot express. A TensorFlow.js backend that can do
 * them has this object as its `updates`; on the others they are compositions (backend/optim).
 */
export interface ParameterUpdates {
  /** One step of AdamW as torch.optim.AdamW has it, on all tensors of a group at once; step counts from 1. */
  adamw(group: AdamWGroup, step: number, rates: AdamWRates): void;
  /** target += weight (source - target), for each pair. */
  lerp(targets: TensorInfo[], sources: TensorInfo[], weight: number): void;
  /** target [R, K]: its columns of the numbers `places` [B] (int32, each at most once) become the rows of `values` [B, R]. */
  putColumns(target: TensorInfo, places: TensorInfo, values: TensorInfo): void;
  /** The square root of the sum of squares of each tensor's values. */
  norms(tensors: TensorInfo[]): number[];
}

export interface AdamWGroup {
  parameters: TensorInfo[];
  gradients: TensorInfo[];
  firstMoments: TensorInfo[];
  secondMoments: TensorInfo[];
}

export interface AdamWRates {
  learningRate: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Gradients are multiplied by this first (clipping). */
  gradientScale: number;
}
