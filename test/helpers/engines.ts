/**
 * The engines of this machine, for tests that run on each: torch and TensorFlow are installed where they are not there yet.
 * What is left out is printed with its reason. SIAMSCOPE_TEST_ENGINES=cpu,torch restricts them; SIAMSCOPE_TORCH names a torch.
 */
import * as tf from '@tensorflow/tfjs-core';
import { openEngine } from '../../backend/engines/choose.ts';
import type { Engine, EngineName, EngineRequest, Precision } from '../../backend/engines/engine.ts';
import { hasBf16, processor } from '../../backend/engines/hardware.ts';
import { installTensorflow } from '../../backend/engines/tensorflow/install.ts';
import { findTensorflow } from '../../backend/engines/tensorflow/find.ts';
import { findTorch } from '../../backend/engines/torch/find.ts';
import { installTorch } from '../../backend/engines/torch/install.ts';
import { openTorch } from '../../backend/engines/torch/open.ts';

export interface TestEngine {
  name: EngineName;
  precision: Precision;
  /** Names it in tests. */
  title: string;
  /** Makes the engine current. */
  open: () => Promise<Engine>;
  /** Disposes what a failed test left, so that the next engine starts clean. */
  close: () => void;
}

/** Where the tests' torch lies: SIAMSCOPE_TORCH, or our own runtime, installed at need. */
export async function testTorchPath(): Promise<string> {
  return process.env.SIAMSCOPE_TORCH ?? (await installTorch({ onProgress: announce() }));
}

/** Says each phase of an installation once: it takes a while. */
function announce(): (progress: { phase: string; message: string }) => void {
  let phase = '';
  return (progress) => {
    if (progress.phase !== phase) console.log(progress.message);
    phase = progress.phase;
  };
}

/** How each engine is asked for; rejects where this machine cannot have it. */
const requests: Record<EngineName, () => Promise<EngineRequest>> = {
  cpu: () => Promise.resolve({ engine: 'cpu' }),
  torch: async () => ({ engine: 'torch', device: 'cpu', torchPath: await testTorchPath() }),
  tensorflow: async () => {
    if (!(await findTensorflow()).found) await installTensorflow({ onProgress: announce() });
    return { engine: 'tensorflow' };
  },
  wasm: () => Promise.resolve({ engine: 'wasm' }),
};

/** Every engine in every precision that it has; `cpu` is the slow reference. */
export async function testEngines(names: EngineName[] = ['cpu', 'torch', 'tensorflow', 'wasm']): Promise<TestEngine[]> {
  const wanted = process.env.SIAMSCOPE_TEST_ENGINES?.split(',');
  const engines: TestEngine[] = [];
  for (const name of names) {
    if (wanted && !wanted.includes(name)) {
      console.log(`skipped: the ${name} engine (SIAMSCOPE_TEST_ENGINES is ${wanted.join(',')})`);
      continue;
    }
    try {
      const request = await requests[name]();
      for (const precision of name === 'torch' ? (['fp32', 'bf16'] as const) : (['fp32'] as const)) engines.push({ name, precision, title: `${name} ${precision}`, open: () => openEngine({ ...request, precision }, { say: () => undefined }), close: () => tf.disposeVariables() });
    } catch (error) {
      console.log(`skipped: the ${name} engine (${(error as Error).message})`);
    }
  }
  return engines;
}

/** torch in bf16 with its products as on the other kind of CPU: in bf16 where this one has no instructions for it, widened to fp32 where it has. */
export async function otherBf16(): Promise<TestEngine[]> {
  const [torch] = (await testEngines(['torch'])).filter(({ precision }) => precision === 'bf16');
  if (!torch) return [];
  const multipliesBf16 = !hasBf16('cpu', { processor: processor(), cuda: [] });
  const { found } = await findTorch({ torchPath: await testTorchPath() });
  return [{ ...torch, title: `torch bf16, products in ${multipliesBf16 ? 'bf16' : 'fp32'}`, open: () => openTorch(found!, { device: 'cpu', precision: 'bf16', multipliesBf16 }) }];
}
