/** What this machine computes with: the processor and its instructions, NVIDIA's GPUs, and which of them have bf16 in hardware. */
import koffi, { type LibraryHandle } from 'koffi';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import type { Processor } from '../protocol/machine.ts';

export type { Processor };

export interface CudaDevice {
  name: string;
  /** Compute capability, e.g. [9, 0]. */
  capability: [number, number];
  bytes: number;
}

const flagsOfInterest = new Set(['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_tile', 'amx_bf16', 'amx_int8', 'asimd', 'bf16', 'sve', 'i8mm']);
const bf16Flags = ['avx512_bf16', 'amx_bf16', 'bf16'];

function processorFlags(): string[] {
  try {
    if (process.platform === 'linux') {
      const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
      return line.trim().split(/\s+/).filter((flag) => flagsOfInterest.has(flag));
    }
    if (process.platform === 'darwin' && process.arch === 'arm64') {
      const bf16 = execFileSync('/usr/sbin/sysctl', ['-n', 'hw.optional.arm.FEAT_BF16'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 2000 });
      return ['asimd', ...(bf16.trim() === '1' ? ['bf16'] : [])];
    }
  } catch {
    // not told: then fp32, which is always right
  }
  return [];
}

export const processor = (): Processor => ({ model: cpus()[0]?.model.trim() || `${process.arch} processor`, cores: availableParallelism(), flags: processorFlags() });

/** NVIDIA GPUs that the driver offers to this process (CUDA_VISIBLE_DEVICES holds); none where there is no driver. */
export function cudaDevices(): CudaDevice[] {
  let driver: LibraryHandle;
  try {
    driver = koffi.load(process.platform === 'win32' ? 'nvcuda.dll' : 'libcuda.so.1');
  } catch {
    return [];
  }
  const call = (declaration: string): ((...args: unknown[]) => number) => driver.func(declaration) as (...args: unknown[]) => number;
  const count = [0];
  if (call('int cuInit(unsigned int flags)')(0) !== 0 || call('int cuDeviceGetCount(_Out_ int* count)')(count) !== 0) return [];
  const getName = call('int cuDeviceGetName(void* name, int length, int device)');
  const getAttribute = call('int cuDeviceGetAttribute(_Out_ int* value, int attribute, int device)');
  const getMemory = call('int cuDeviceTotalMem_v2(_Out_ uint64* bytes, int device)');
  const capabilityMajor = 75, capabilityMinor = 76;
  const attribute = (which: number, device: number): number => {
    const value = [0];
    return getAttribute(value, which, device) === 0 ? value[0]! : 0;
  };
  return Array.from({ length: count[0]! }, (_, device) => {
    const name = Buffer.alloc(256), bytes = [0];
    getName(name, name.length, device);
    getMemory(bytes, device);
    return { name: name.toString('utf8').replace(/\0.*$/s, ''), capability: [attribute(capabilityMajor, device), attribute(capabilityMinor, device)], bytes: Number(bytes[0]) };
  });
}

/** Whether the device (`cpu`, `cuda:0`, ...) multiplies bf16 in hardware. */
export function hasBf16(device: string, machine: { processor: Processor; cuda: CudaDevice[] }): boolean {
  const [type, index = '0'] = device.split(':');
  if (type === 'cpu') return machine.processor.flags.some((flag) => bf16Flags.includes(flag));
  if (type === 'cuda') return (machine.cuda[Number(index)]?.capability[0] ?? 0) >= 8;
  return false;
}
