/** Finds TensorFlow's native engine: a folder that was named, packages beside ours, then the one that siamscope built. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { checkRuntime, runtimesFolder } from '../runtimes/folder.ts';
import { tensorflowRuntime } from './install.ts';

export interface FoundTensorflow {
  /** The package's folder. */
  folder: string;
  /** @tensorflow/tfjs-node-gpu. */
  gpu: boolean;
  source: string;
}

export interface TensorflowSearch {
  found: FoundTensorflow | null;
  rejected: { path: string; reason: string }[];
}

/** The version of TensorFlow.js that engines of one process must share. */
export const tfjsVersion = '4.22';

const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** Where a package lies, seen from a folder that has node_modules in it or above it. */
function packageFolder(name: string, from: string): string | null {
  try {
    const manifest = createRequire(join(resolve(from), 'none.js')).resolve(`${name}/package.json`);
    return resolve(manifest, '..');
  } catch {
    return null;
  }
}

/** Why a package cannot be used, or null. */
function unusable(folder: string): string | null {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  if (!version.startsWith(`${tfjsVersion}.`)) return `${folder} is version ${version}: ${tfjsVersion} is needed`;
  if (!existsSync(join(folder, 'lib/napi-v8/tfjs_binding.node'))) return `${folder} has no built binding (lib/napi-v8/tfjs_binding.node): it was installed without its scripts; "siamscope engine install tensorflow" builds one`;
  return null;
}

/** Searches in order: SIAMSCOPE_TENSORFLOW (a folder with node_modules), packages installed beside siamscope, our own runtime. */
export async function findTensorflow(env: NodeJS.ProcessEnv = process.env): Promise<TensorflowSearch> {
  const rejected: TensorflowSearch['rejected'] = [];
  const places = env.SIAMSCOPE_TENSORFLOW ? [{ from: env.SIAMSCOPE_TENSORFLOW, source: 'SIAMSCOPE_TENSORFLOW' }] : [{ from: import.meta.dirname, source: 'installed beside siamscope' }];
  const runtime = tensorflowRuntime();
  if (!env.SIAMSCOPE_TENSORFLOW && runtime) {
    const folder = join(runtimesFolder(env), runtime.name);
    const checked = await checkRuntime(folder);
    if (checked.state === 'whole') places.push({ from: folder, source: 'built by siamscope' });
    if (checked.state === 'broken') rejected.push({ path: folder, reason: `${checked.reason}: install it again with "siamscope engine install tensorflow"` });
  }
  for (const { from, source } of places)
    for (const name of packages) {
      const folder = packageFolder(name, from);
      const reason = folder && unusable(folder);
      if (folder && reason === null) return { found: { folder, gpu: name.endsWith('-gpu'), source }, rejected };
      if (folder && reason) rejected.push({ path: folder, reason });
    }
  if (env.SIAMSCOPE_TENSORFLOW && rejected.length === 0) rejected.push({ path: env.SIAMSCOPE_TENSORFLOW, reason: `SIAMSCOPE_TENSORFLOW: neither ${packages.join(' nor ')} is installed in ${env.SIAMSCOPE_TENSORFLOW}` });
  return { found: null, rejected };
}
