/** Updates in place by libtorch's fused kernels: AdamW over a whole list of tensors in one call. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { AdamWGroup, AdamWRates, ParameterUpdates } from '../engine.ts';
import type { TorchBackend } from './backend.ts';
import { scalar } from './kernels/elementwise.ts';
import { sizeOf } from './kernels/kernel.ts';

export class TorchUpdates implements ParameterUpdates {
  private readonly b: TorchBackend;

  constructor(b: TorchBackend) {
    this.b = b;
  }

  adamw(group: AdamWGroup, step: number, { learningRate, beta1, beta2, eps, weightDecay, gradientScale }: AdamWRates): void {
    const { b } = this;
    const { torch } = b;
    if (!group.parameters.length) return;
    const list = (infos: TensorInfo[]): number => torch.tensors(infos.map((info) => b.handle(info)));
    // The kernel divides gradients by its scale.
    const scale = gradientScale === 1 ? 0 : torch.some(scalar(b, 1 / gradientScale, b.device));
    const steps = group.parameters.map(() => scalar(b, step, b.device));
    torch.call(
      '_fused_adamw_', '',
      list(group.parameters), list(group.gradients), list(group.firstMoments), list(group.secondMoments), torch.list([]), torch.list(steps),
      torch.float(learningRate), torch.float(beta1), torch.float(beta2), torch.float(weightDecay), torch.float(eps), 0, 0, scale, 0,
    );
    for (const info of group.parameters) b.changed(info);
  }

  lerp(targets: TensorInfo[], sources: TensorInfo[], weight: number): void {
    const { b } = this;
    const { torch } = b;
    targets.forEach((target, i) => {
      torch.release(torch.call('lerp_', 'Tensor', torch.ref(b.handle(target)), torch.ref(b.handle(sources[i]!)), scalar(b, weight, b.device)));
      b.changed(target);
    });
  }

  putColumns(target: TensorInfo, places: TensorInfo, values: TensorInfo): void {
    const { b } = this;
    const { torch } = b;
    const index = torch.call('_to_copy', '', torch.ref(b.handle(places)), torch.some(torch.dtypeCode.int64), 0, 0, 0, 0, 0);
    const columns = torch.call('transpose', 'int', b.as(b.handle(values), 'float32'), 0, 1);
    torch.release(torch.call('index_copy_', '', torch.ref(b.handle(target)), 1, index, columns));
    b.changed(target);
  }

  norms(tensors: TensorInfo[]): number[] {
    if (tensors.length === 0) return [];
    const { b } = this;
    const { torch } = b;
    // One dot product a tensor reads each value once; the results are read all at once.
    const squares = tensors.map((info) => {
      const flat = (): number => torch.call('reshape', '', torch.ref(b.handle(info)), torch.list([sizeOf(info.shape)]));
      return torch.call('dot', '', flat(), flat());
    });
    const all = b.adopt(torch.call('stack', '', torch.list(squares), 0), [tensors.length], 'float32');
    const values = b.readSync(all.dataId) as Float32Array;
    b.disposeData(all.dataId);
    return Array.from(values, Math.sqrt);
  }
}
