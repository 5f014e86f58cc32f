/** A run as the editor's lists are given it, for their tests. */
import type { RunStatus } from '../../backend/protocol.ts';
import type { ShownRun } from '../../extension/views/runItem.ts';

export function shownRun(state: ShownRun['state'], status: Partial<RunStatus> = {}, over: Partial<ShownRun> = {}): ShownRun {
  return {
    folder: '/work/runs/flowers', state, reason: null, attached: true, ...over,
    status: {
      state: state === 'lost' ? 'running' : state, name: 'flowers', pid: 1, host: 'here', started: '2026-01-01T00:00:00.000Z', updated: '2026-01-01T00:00:00.000Z', step: 412, steps: 3000, epoch: 2.5, loss: 0.31214,
      imagesPerSecond: 215.3, eta: 252, elapsedSeconds: 40, engine: { name: 'torch', version: '2.15.0', device: 'cuda:0', deviceName: 'NVIDIA H200', precision: 'bf16' }, images: 12_000, skipped: 0, checkpoint: 400,
      resumedFrom: null, waiting: null, evaluating: false, evaluation: null, health: [], error: null, ...status,
    } as RunStatus,
  };
}
