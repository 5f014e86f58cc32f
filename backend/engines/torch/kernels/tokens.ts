/** Picking tokens by index, and images to patches straight from the loader's bytes. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { TorchBackend } from '../backend.ts';
import type { Handle } from '../library.ts';
import { addScaled } from './elementwise.ts';
import type { TorchKernels } from './kernel.ts';

/** index [B, K] of tokens in [B, N] as rows of [B N]: int32, a new handle. */
function flatRows(b: TorchBackend, index: TensorInfo, tokens: number): Handle {
  const { torch } = b;
  const batch = index.shape[0]!;
  const offsets = { dataId: b.write(Int32Array.from({ length: batch }, (_, i) => i * tokens), [batch, 1], 'int32'), shape: [batch, 1], dtype: 'int32' as const };

  const sum = addScaled(b, b.handle(index), b.handle(offsets), 1);
  b.disposeData(offsets.dataId);
  return torch.call('reshape', '', sum, torch.list([batch * index.shape[1]!]));
}

export const tokenKernels: TorchKernels = {
  GatherTokens: (b, { x, index }) => {
    const { torch } = b;
    const [batch, tokens, width] = x!.shape as [number, number, number];
    const shape = [batch, index!.shape[1]!, width];
    const rows = torch.call('reshape', '', torch.ref(b.handle(x!)), torch.list([batch * tokens, width]));
    const picked = torch.call('index_select', '', rows, 0, flatRows(b, index!, tokens));
    return b.adopt(torch.call('reshape', '', picked, torch.list(shape)), shape, 'float32');
  },
  ScatterTokens: (b, { x, index }, { tokens }) => {
    const { torch } = b;
    const [batch, kept, width] = x!.shape as [number, number, number];
    const n = tokens as number;
    const rows = torch.call('reshape', '', torch.ref(b.handle(x!)), torch.list([batch * kept, width]));
    const flat = torch.call('_to_copy', '', flatRows(b, index!, n), torch.some(torch.dtypeCode.int64), 0, 0, 0, 0, 0);
    const empty = torch.call('zero_', '', torch.empty([batch * n, width], b.storage(x!), b.device));
    const placed = torch.call('index_copy_', '', empty, 0, flat, rows);
    const shape = [batch, n, width];
    return b.adopt(torch.call('reshape', '', placed, torch.list(shape)), shape, 'float32');
  },
  ImagePatches: (b, _, attrs) => {
    const { torch } = b;
    const { pixels, batch, size, patch, mean, std } = attrs as { pixels: Uint8Array; batch: number; size: number; patch: number; mean: number[]; std: number[] };
    const grid = size / patch, area = patch * patch;
    const bytes = b.uploadBytes(pixels, [batch, grid, patch, grid, patch, 3]);
    const ordered = torch.call('permute', '', bytes, torch.list([0, 1, 3, 5, 2, 4]));
    const patches = torch.call('reshape', '', torch.call('_to_copy', '', ordered, torch.some(torch.dtypeCode.float32), 0, 0, 0, 0, torch.some(0)), torch.list([batch, grid * grid, 3, area]));
    const channel = (values: number[]): Handle => {
      const info = { dataId: b.write(Float32Array.from(values), [3, 1], 'float32'), shape: [3, 1], dtype: 'float32' as const };
      const handle = torch.ref(b.handle(info));
      b.disposeData(info.dataId);
      return handle;
    };
    const scaledPatches = torch.call('mul', 'Tensor', patches, channel(std.map((s) => 1 / (255 * s))));
    const offset = channel(mean.map((m, c) => -m / std[c]!));
    const shifted = addScaled(b, scaledPatches, offset, 1);
    torch.release(scaledPatches);
    torch.release(offset);
    const shape = [batch, grid * grid, 3 * area];
    return b.adopt(torch.call('reshape', '', shifted, torch.list(shape)), shape, 'float32');
  },
};
