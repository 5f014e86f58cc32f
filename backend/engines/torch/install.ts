/** Our own libtorch: the pinned torch wheel's C++ libraries, without Python, in the cache folder. */
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { installRuntime, type InstallOptions, type RuntimeSpec } from '../runtimes/install.ts';
import { runtimeName, thisPlatform, type Pins } from '../runtimes/pins.ts';
import pinned from './runtimes.json' with { type: 'json' };

const current: Pins = pinned;

/** What is installed on this platform; null where there is no wheel. `cuda` adds NVIDIA's libraries (Linux). */
export function torchRuntime(cuda: boolean, platform = thisPlatform(), pins: Pins = current): RuntimeSpec | null {
  const wheels = pins.platforms[platform]?.[cuda ? 'cuda' : 'cpu'];
  if (!wheels) return null;
  return {
    title: `torch ${pins.version}${cuda ? ' with CUDA' : ''}`,
    name: runtimeName('torch', pins.version, wheels, platform),
    version: pins.version,
    python: pins.python,
    wheels,
    wayOut: 'or use a torch that is there already (--torch PATH, or "pip install torch" in the active Python environment), or --engine wasm, which is slow',
  };
}

/** Installs libtorch for this platform and returns the folder of its libraries; `pins` are those of another version. Throws RunError, or InputError where there is none. */
export async function installTorch(options: InstallOptions & { cuda?: boolean; pins?: Pins } = {}): Promise<string> {
  const spec = torchRuntime(options.cuda ?? false, thisPlatform(), options.pins);
  if (!spec) throw new InputError(`there is no ready libtorch${options.cuda ? ' with CUDA' : ''} for ${thisPlatform()}: install torch in a Python environment ("pip install torch") and name it with --torch PATH`);
  return join(await installRuntime(spec, options), 'torch/lib');
}
