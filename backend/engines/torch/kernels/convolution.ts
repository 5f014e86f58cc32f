/** Convolution and max pooling by ATen: an image whose last axis is the channels is ATen's channels-last layout, so nothing is moved. */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { TorchBackend } from '../backend.ts';
import type { Handle, Slot } from '../library.ts';
import type { Attributes, TorchKernels } from './kernel.ts';

/** [B, H, W, C] as ATen's [B, C, H, W]: a view. Consumes the handle. */
const channelsFirst = (b: TorchBackend, handle: Handle): Handle => b.torch.call('permute', '', handle, b.torch.list([0, 3, 1, 2]));

/** The other way: a view of what came out in channels-last layout, else a copy in order. */
function adopted(b: TorchBackend, handle: Handle, shape: number[], dtype: DataType = 'float32'): TensorInfo {
  const { torch } = b;
  return b.adopt(torch.call('contiguous', '', torch.call('permute', '', handle, torch.list([0, 2, 3, 1])), 0), shape, dtype);
}

const outputSide = (side: number, kernel: number, stride: number, padding: number): number => Math.floor((side + 2 * padding - kernel) / stride) + 1;

/** ATen's further arguments of a convolution: stride, padding, dilation, transposed, output padding, groups. */
function geometry(b: TorchBackend, { stride, padding }: Attributes): Slot[] {
  const pair = (value: number): Handle => b.torch.list([value, value]);
  return [pair(stride as number), pair(padding as number), pair(1), 0, pair(0), 1];
}

const windows = (b: TorchBackend, { size, stride, padding }: Attributes): Slot[] => {
  const pair = (value: number): Handle => b.torch.list([value, value]);
  return [pair(size as number), pair(stride as number), pair(padding as number), pair(1), 0];
};

export const convolutionKernels: TorchKernels = {
  Convolution: (b, { x, w, b: bias }, attrs) => {
    const { torch } = b;
    const [batch, height, width] = x!.shape as [number, number, number];
    const [outputs, , kernelHeight, kernelWidth] = w!.shape as [number, number, number, number];
    const y = torch.call('convolution', '', channelsFirst(b, b.operand(x!)), b.parameter(w!), bias ? torch.some(b.parameter(bias)) : 0, ...geometry(b, attrs));
    const side = (length: number, kernel: number): number => outputSide(length, kernel, attrs.stride as number, attrs.padding as number);
    return adopted(b, b.produced(y), [batch, side(height, kernelHeight), side(width, kernelWidth), outputs]);
  },
  ConvolutionInputGradient: (b, { dy, w }, attrs) => {
    const { torch } = b;
    const shape = attrs.shape as [number, number, number, number];
    const like = channelsFirst(b, torch.empty(shape, b.productDtype, b.device)); // only its shape counts
    const dx = torch.call('convolution_backward', '', channelsFirst(b, b.operand(dy!)), like, b.parameter(w!), 0, ...geometry(b, attrs), torch.list([1, 0, 0]));
    return adopted(b, b.produced(dx), shape);
  },
  ConvolutionWeightGradient: (b, { dy, x }, attrs) => {
    const { torch } = b;
    const shape = attrs.shape as number[];
    const like = torch.empty(shape, b.productDtype, b.device); // only its shape counts
    torch.call('convolution_backward', '', channelsFirst(b, b.operand(dy!)), channelsFirst(b, b.operand(x!)), like, 0, ...geometry(b, attrs), torch.list([0, 1, 0]));
    const dw = torch.call('contiguous', '', torch.result(1), 0);
    return b.adopt(b.into(dw, 'float32'), shape, 'float32');
  },
  MaxPool2d: (b, { x }, attrs) => {
    const { torch } = b;
    const [batch, height, width, channels] = x!.shape as [number, number, number, number];
    const y = torch.call('max_pool2d_with_indices', '', channelsFirst(b, torch.ref(b.handle(x!))), ...windows(b, attrs));
    const places = torch.result(1);
    const side = (length: number): number => outputSide(length, attrs.size as number, attrs.stride as number, attrs.padding as number);
    const shape = [batch, side(height), side(width), channels];
    // The second output is what the gradient needs besides x: here the places of the greatest values.
    return [adopted(b, y, shape), adopted(b, places, shape, 'int32')];
  },
  MaxPool2dGradient: (b, { dy, x, chosen }, attrs) => {
    const { torch } = b;
    const dys = channelsFirst(b, b.as(b.handle(dy!), b.storage(x!)));
    const dx = torch.call('max_pool2d_with_indices_backward', '', dys, channelsFirst(b, torch.ref(b.handle(x!))), ...windows(b, attrs), channelsFirst(b, torch.ref(b.handle(chosen!))));
    return adopted(b, dx, x!.shape);
  },
};
