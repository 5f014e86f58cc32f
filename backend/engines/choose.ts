/** Opens the engine that a person asked for, or the best that this machine has, and says why others were passed over. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError, RunError } from '../errors.ts';
import type { Engine, EngineName, EngineRequest, Precision } from './engine.ts';
import { cudaDevices, hasBf16, processor, type CudaDevice } from './hardware.ts';
import { findTensorflow } from './tensorflow/find.ts';
import { findTorch, type FoundTorch } from './torch/find.ts';

export interface OpenOptions {
  /** Told, a line each, what was passed over and what is slow; default: the terminal's error stream. */
  say?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}

/** In the order of preference; `cpu`, the tests' reference, is opened only by name. */
export const engineNames = ['torch', 'tensorflow', 'wasm'] as const satisfies EngineName[];

const remedies: Record<EngineName, string> = {
  torch: 'install one with "siamscope engine install torch" or "pip install torch" (2.10 or later) in the active Python environment, or name one with --torch PATH',
  tensorflow: 'install it with "siamscope engine install tensorflow", or name a folder that has @tensorflow/tfjs-node with SIAMSCOPE_TENSORFLOW',
  wasm: 'run "npm run build" in the folder of siamscope',
  cpu: 'it is part of siamscope',
};

/** The engine is not here: it can be installed. */
class Unavailable extends RunError {}

/** The engine cannot do what is asked, here or anywhere. */
class Unable extends RunError {}

/** fp32 is all that TensorFlow.js's own engines know. */
function requireFp32(name: EngineName, request: EngineRequest): void {
  if (request.precision === 'bf16') throw new Unable(`the ${name} engine computes in fp32 only: use the torch engine for bf16, or leave engine.precision at auto`);
}

function requireCpu(name: EngineName, request: EngineRequest): void {
  const device = request.device ?? 'auto';
  if (device !== 'auto' && device !== 'cpu') throw new Unable(`the ${name} engine computes on the CPU only, not on "${device}"`);
}

/** The device that the torch engine will most likely take. */
function likelyDevice(found: FoundTorch, request: EngineRequest, cuda: CudaDevice[]): string {
  const device = request.device ?? 'auto';
  if (device !== 'auto') return device;
  return found.accelerators.includes('cuda') && cuda.length > 0 ? 'cuda:0' : 'cpu';
}

async function openTorchEngine(request: EngineRequest, options: OpenOptions): Promise<Engine> {
  const { found, rejected } = await findTorch(request, options.env);
  if (!found) throw new Unavailable(rejected.length > 0 ? rejected.map(({ reason }) => reason).join('; ') : 'no libtorch was found');
  for (const { reason } of rejected) options.say?.(`passed over: ${reason}`);
  const machine = { processor: processor(), cuda: cudaDevices() };
  const auto = (device: string): Precision => (hasBf16(device, machine) ? 'bf16' : 'fp32');
  const automatic = request.precision === undefined || request.precision === 'auto';
  const { openTorch } = await import('./torch/open.ts');
  const precision = automatic ? auto(likelyDevice(found, request, machine.cuda)) : (request.precision as Precision);
  let engine = await openTorch(found, { ...request, precision });
  // The device that libtorch could use decides, where it is another one than expected.
  if (automatic && auto(engine.device) !== engine.precision) engine = await openTorch(found, { ...request, device: engine.device, precision: auto(engine.device) });
  const [type, index = '0'] = engine.device.split(':');
  return { ...engine, deviceName: (type === 'cuda' && machine.cuda[Number(index)]?.name) || engine.deviceName };
}

async function openTensorflowEngine(request: EngineRequest, options: OpenOptions): Promise<Engine> {
  requireFp32('tensorflow', request);
  const { found, rejected } = await findTensorflow(options.env);
  if (!found) throw new Unavailable(rejected.length > 0 ? rejected.map(({ reason }) => reason).join('; ') : 'no @tensorflow/tfjs-node was found');
  if (!found.gpu) requireCpu('tensorflow', request);
  const { openTensorflow } = await import('./tensorflow/open.ts');
  const engine = await openTensorflow(found, request);
  return engine.device === 'cuda:0' ? { ...engine, deviceName: cudaDevices()[0]?.name ?? engine.deviceName } : engine;
}

async function openWasmEngine(request: EngineRequest, options: OpenOptions): Promise<Engine> {
  requireFp32('wasm', request);
  requireCpu('wasm', request);
  const { openWasm } = await import('./wasm.ts');
  const engine = await openWasm();
  options.say?.(`the wasm engine is slow, one core at a time; ${request.engine === 'wasm' ? 'leave --engine out to have the best that is here' : `for torch, ${remedies.torch}`}`);
  return engine;
}

async function openReference(request: EngineRequest): Promise<Engine> {
  requireFp32('cpu', request);
  requireCpu('cpu', request);
  const { version_cpu: version } = await import('@tensorflow/tfjs-backend-cpu');
  if (!(await tf.setBackend('cpu'))) throw new RunError('TensorFlow.js refused its own plain JavaScript engine');
  return { name: 'cpu', version, device: 'cpu', deviceName: processor().model, precision: 'fp32', path: null, memory: () => null, synchronize: () => undefined };
}

const openers: Record<EngineName, (request: EngineRequest, options: OpenOptions) => Promise<Engine>> = { torch: openTorchEngine, tensorflow: openTensorflowEngine, wasm: openWasmEngine, cpu: openReference };

/**
 * Registers an engine with TensorFlow.js and makes it current. With `auto` (the default) that is torch where one is found, else
 * TensorFlow where it is installed, else wasm; what was passed over is said. Precision `auto` is bf16 on a CPU or GPU that has it
 * in hardware, else fp32. Throws InputError where what was asked for is not here, with what to do, and RunError where it fails.
 */
export async function openEngine(request: EngineRequest, options: OpenOptions = {}): Promise<Engine> {
  const told: OpenOptions = { ...options, say: options.say ?? ((line) => process.stderr.write(`${line}\n`)) };
  const wanted = request.engine ?? 'auto';
  if (wanted !== 'auto') {
    try {
      return await openers[wanted](request, told);
    } catch (error) {
      if (error instanceof Unable) throw new InputError(error.message);
      throw error instanceof Unavailable ? new InputError(`the ${wanted} engine cannot be used here: ${error.message}. To have it, ${remedies[wanted]}`) : error;
    }
  }
  const reasons: string[] = [];
  for (const name of engineNames) {
    try {
      return await openers[name](request, told);
    } catch (error) {
      // A torch that was named is meant, nothing else will do; and what is here but fails must not go unnoticed.
      const named = name === 'torch' && (request.torchPath ?? request.python ?? (options.env ?? process.env).SIAMSCOPE_TORCH);
      if (named && error instanceof Unavailable) throw new InputError(`${error.message}. To have torch, ${remedies.torch}`);
      if (!(error instanceof Unavailable || error instanceof Unable)) throw error;
      reasons.push(`${name}: ${error.message}`);
      told.say?.(`passed over: ${name}: ${error.message}`);
    }
  }
  throw new InputError(`no engine here can do what was asked for. ${reasons.join('. ')}. To have torch, ${remedies.torch}`);
}
