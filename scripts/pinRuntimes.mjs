// Writes the pins of the engines' runtimes (versions, hashes, sizes) for a new version of torch or TensorFlow:
//   node scripts/pinRuntimes.mjs torch 2.15.0        or        node scripts/pinRuntimes.mjs tensorflow 2.21.0
//   node scripts/pinRuntimes.mjs torch 2.11.0 test/fixtures/torch-2.11.json: an older torch for tests, Linux x64 on the CPU alone
// Runs on Linux with python3 and pip; downloads every wheel once (about 7 GB for torch), hashes it, and checks that the members are there.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPromise } from 'yauzl';

const [engine, version, forTests] = process.argv.slice(2);
if (!['torch', 'tensorflow'].includes(engine) || !/^\d+\.\d+\.\d+$/.test(version ?? '')) throw new Error('usage: node scripts/pinRuntimes.mjs torch|tensorflow VERSION');

// One wheel serves any Python, for only its C++ libraries are used.
const python = { version: '3.12', abi: 'cp312' };
const manylinux = (arch) => [28, 27, 26, 25, 24, 18, 17, 12, 5].map((minor) => `manylinux_2_${minor}_${arch}`).concat(['manylinux1', 'manylinux2010', 'manylinux2014', 'linux'].map((tag) => `${tag}_${arch}`));
const tags = { 'linux-x64': manylinux('x86_64'), 'linux-arm64': manylinux('aarch64'), 'darwin-arm64': ['macosx_14_0_arm64'], 'win32-x64': ['win_amd64'] };

const so = (names) => names.map((name) => `torch/lib/lib${name}`);
/** Beside the libraries: their version, as in any other torch. */
const versionFile = 'torch/version.py';
const torchCpu = {
  'linux-x64': so(['c10.so', 'torch_cpu.so', 'gomp.so.1']),
  'linux-arm64': so(['c10.so', 'torch_cpu.so', 'gomp.so.1', 'arm_compute.so', 'arm_compute_graph.so', 'nvpl_lapack_lp64_gomp.so.0', 'nvpl_lapack_core.so.0', 'nvpl_blas_lp64_gomp.so.0', 'nvpl_blas_core.so.0']),
  'darwin-arm64': ['torch/lib/libc10.dylib', 'torch/lib/libtorch_cpu.dylib', 'torch/lib/libomp.dylib'],
  'win32-x64': ['torch/lib/c10.dll', 'torch/lib/torch_cpu.dll', 'torch/lib/libiomp5md.dll', 'torch/lib/uv.dll'],
};
const torchCuda = so(['c10_cuda.so', 'torch_cuda.so', 'torch_cuda_linalg.so', 'torch_nvshmem.so', 'caffe2_nvrtc.so']);
/** The Linux wheel's CPU library is linked with these two even where no GPU is used. */
const linkedByCpu = { 'nvidia-cuda-runtime': ['nvidia/*/lib/libcudart.so.*'], 'nvidia-cuda-cupti': ['nvidia/*/lib/libcupti.so.*'] };
/** What the binding of TensorFlow.js is compiled against, and runs on. */
const tensorflowMembers = [
  'tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2',
  ...['tensorflow/c', 'tensorflow/c/eager', 'tensorflow/core/platform', 'tsl/platform', 'xla/tsl/c'].map((folder) => `tensorflow/include/${folder}/*.h`),
];

const pip = (command, platform, ...args) => execFileSync('python3', ['-m', 'pip', command, '--quiet', '--only-binary=:all:', '--python-version', python.version, '--implementation', 'cp', '--abi', python.abi, ...tags[platform].flatMap((tag) => ['--platform', tag]), ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const work = mkdtempSync(join(tmpdir(), 'pins-'));
const matches = (name, pattern) => new RegExp(`^${pattern.replace(/[.+]/g, '\\$&').replaceAll('*', '[^/]*')}$`).test(name);

/** torch's own NVIDIA dependencies, but for those that are headers only. */
function nvidiaDependencies(platform) {
  const report = join(work, 'report.json');
  pip('install', platform, '--dry-run', '--ignore-installed', '--target', join(work, 'none'), '--report', report, `torch==${version}`);
  return JSON.parse(readFileSync(report, 'utf8')).install.map(({ metadata }) => metadata).filter(({ name }) => name.startsWith('nvidia-') && name !== 'nvidia-cuda-cccl').map(({ name, version: v }) => ({ name, version: v }));
}

const known = new Map();
async function pin(platform, name, wheelVersion, members) {
  const key = `${platform} ${name}`;
  if (!known.has(key)) {
    const folder = mkdtempSync(join(work, 'wheel-'));
    pip('download', platform, '--no-deps', '--no-cache-dir', '--dest', folder, `${name}==${wheelVersion}`);
    const file = join(folder, readdirSync(folder)[0]);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk);
    const sizes = new Map();
    for await (const entry of (await openPromise(file)).eachEntry()) sizes.set(entry.fileName, entry.uncompressedSize);
    const tag = file.replace(/\.whl$/, '').split('-').at(-1).split('.')[0];
    known.set(key, { tag, sha256: hash.digest('hex'), bytes: statSync(file).size, sizes });
    rmSync(folder, { recursive: true });
    console.error(`${key} ${wheelVersion}`);
  }
  const { tag, sha256, bytes, sizes } = known.get(key);
  const kept = [...sizes].filter(([member]) => members.some((pattern) => matches(member, pattern)));
  for (const pattern of members) if (!kept.some(([member]) => matches(member, pattern))) throw new Error(`${key}: no member ${pattern}`);
  return { name, version: wheelVersion, tag, sha256, bytes, keptBytes: kept.reduce((sum, [, size]) => sum + size, 0), members };
}

const runtimes = {};
if (engine === 'torch')
  for (const platform of forTests ? ['linux-x64'] : Object.keys(tags)) {
    const libraries = [...torchCpu[platform], versionFile];
    const cpu = [await pin(platform, 'torch', version, libraries)];
    runtimes[platform] = { cpu };
    if (!platform.startsWith('linux')) continue;
    const dependencies = nvidiaDependencies(platform);
    for (const { name, version: v } of dependencies) if (linkedByCpu[name]) cpu.push(await pin(platform, name, v, linkedByCpu[name]));
    if (forTests) continue;
    const cuda = [await pin(platform, 'torch', version, [...libraries, ...torchCuda])];
    for (const { name, version: v } of dependencies) cuda.push(await pin(platform, name, v, ['nvidia/*/lib/*.so*']));
    runtimes[platform].cuda = cuda;
  }
else runtimes['linux-x64'] = { cpu: [await pin('linux-x64', 'tensorflow-cpu', version, tensorflowMembers)] };

rmSync(work, { recursive: true });
writeFileSync(forTests ?? join(import.meta.dirname, `../backend/engines/${engine}/runtimes.json`), `${JSON.stringify({ version, python, platforms: runtimes }, null, 2)}\n`);
