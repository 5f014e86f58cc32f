/** The diagnosis of this machine, and of one whose engine crashes. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diagnose, formatDiagnosis, type Diagnosis } from '../../backend/doctor.ts';
import { testTorchPath } from '../helpers/engines.ts';

test('measures each engine in a process of its own', async () => {
  const diagnosis = await diagnose({ torchPath: await testTorchPath(), device: 'cpu' });
  const [torch, tensorflow, wasm] = diagnosis.engines;
  expect(torch).toMatchObject({ name: 'torch', status: 'ready', precisions: ['fp32', 'bf16'], device: 'cpu' });
  expect(torch!.matmul_gflops.fp32).toBeGreaterThan(1);
  expect(torch!.matmul_gflops.bf16).toBeGreaterThan(0.1);
  expect(['ready', 'unavailable']).toContain(tensorflow!.status);
  expect(tensorflow!.status === 'ready' ? tensorflow!.reason : tensorflow!.matmul_gflops.fp32).toBeFalsy();
  expect(wasm).toMatchObject({ name: 'wasm', status: 'ready', precisions: ['fp32'] });
  expect(diagnosis).toMatchObject({ node: process.version, chosen: 'torch' });
  expect(diagnosis.cpu.cores).toBeGreaterThan(0);
  expect(diagnosis.memory).toBeGreaterThan(2 ** 28);
  for (const columns of [60, 80, 120]) for (const line of formatDiagnosis(diagnosis, columns).split('\n')) expect(line.length).toBeLessThanOrEqual(Math.max(columns, 66));
});

test('an engine that crashes when it is loaded is broken, and the others are measured', async (context) => {
  const root = await mkdtemp(join(tmpdir(), 'doctor-'));
  try {
    const lib = join(root, 'torch/lib');
    await mkdir(lib, { recursive: true });
    await writeFile(join(root, 'torch/version.py'), "__version__ = '2.15.0'\n");
    await writeFile(join(root, 'crash.c'), '#include <stdlib.h>\n__attribute__((constructor)) static void crash(void) { abort(); }\n');
    for (const name of ['c10', 'torch_cpu'])
      if (process.platform !== 'linux' || spawnSync('cc', ['-shared', '-fPIC', '-o', join(lib, `lib${name}.so`), join(root, 'crash.c')]).status !== 0) {
        console.log('skipped: a library that crashes cannot be made here (needs Linux and a C compiler)');
        return context.skip();
      }
    const diagnosis = await diagnose({ torchPath: root });
    expect(diagnosis.engines[0]).toMatchObject({ name: 'torch', status: 'broken', reason: expect.stringMatching(/its process ended by SIGABRT/) });
    expect(diagnosis.engines[2]).toMatchObject({ name: 'wasm', status: 'ready' });
    expect(diagnosis.chosen).not.toBe('torch');
  } finally {
    await rm(root, { recursive: true });
  }
});

test('the table fits 80 columns, long reasons and paths included', () => {
  const engine = { name: 'torch', status: 'ready', reason: null, version: '2.15.0', device: 'cuda:0', deviceName: 'NVIDIA H200', path: `/${'long/'.repeat(30)}lib`, precisions: ['fp32', 'bf16'], matmul_gflops: { fp32: 51_200, bf16: 790_000 } } as const;
  const diagnosis: Diagnosis = {
    node: 'v20.9.0', platform: 'linux x64 6.1', cpu: { model: 'A processor', cores: 16, flags: ['avx2', 'avx512f', 'avx512_bf16', 'avx512_vnni', 'amx_bf16', 'amx_int8', 'amx_tile'] }, memory: 128 * 2 ** 30, gpus: [{ name: 'NVIDIA H200', bytes: 141 * 2 ** 30 }], chosen: 'torch',
    engines: [{ ...engine, precisions: [...engine.precisions] }, { ...engine, name: 'tensorflow', status: 'unavailable', reason: 'the tensorflow engine cannot be used here: '.repeat(5), version: null, device: null, deviceName: null, path: null, precisions: [], matmul_gflops: {} }],
  };
  const lines = formatDiagnosis(diagnosis).split('\n');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(lines.join('\n')).toContain('* torch      ready        2.15.0    cuda:0       51200    790000');
  expect(lines.join('\n')).toContain('NVIDIA H200, 141 GiB');
});
