/** Which device a run will most likely compute on, judged without loading an engine: runs of one device wait for each other. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunConfig } from './config.ts';

/** Whether NVIDIA's driver is here; it is not asked, for that takes a while and memory of the GPU. */
function hasNvidiaDriver(): boolean {
  if (process.platform === 'win32') return existsSync(join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'nvcuda.dll'));
  return existsSync('/dev/nvidiactl') || existsSync('/dev/dxg');
}

/** The name that every process has for the device: GPUs are numbered afresh for a process that may use some of them only. */
export function sharedName(device: string, env: NodeJS.ProcessEnv = process.env): string {
  const [type, index = '0'] = device.split(':');
  if (type !== 'cuda') return type!;
  const visible = env.CUDA_VISIBLE_DEVICES?.split(',').map((name) => name.trim());
  return `cuda:${visible?.[Number(index)] ?? index}`;
}

/** `cpu`, `cuda:0`, `mps` or `xpu`. Once the engine is open, it knows. */
export function likelyDevice({ engine, device }: RunConfig['engine'], env: NodeJS.ProcessEnv = process.env, nvidia = hasNvidiaDriver): string {
  if (device !== 'auto') return sharedName(device, env);
  const mayUseGpu = engine !== 'wasm' && !['', '-1'].includes(env.CUDA_VISIBLE_DEVICES?.trim() ?? 'all');
  if (!mayUseGpu) return 'cpu';
  if (nvidia()) return sharedName('cuda', env);
  return process.platform === 'darwin' && engine !== 'tensorflow' ? 'mps' : 'cpu';
}
