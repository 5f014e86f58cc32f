/** What a kernel of the torch engine is: TensorFlow.js tensors in, handles inside, TensorFlow.js tensors out. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { TorchBackend } from '../backend.ts';

export type Inputs = Record<string, TensorInfo>;
export type Attributes = Record<string, unknown>;
export type TorchKernel = (b: TorchBackend, inputs: Inputs, attrs: Attributes) => TensorInfo | TensorInfo[];
export type TorchKernels = Record<string, TorchKernel>;

/** Elements of a shape. */
export const sizeOf = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
