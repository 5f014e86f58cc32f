/** What this machine can train with: each engine opened and timed in a process of its own, and what to do where one is missing. */
import { fork } from 'node:child_process';
import { release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { workerUrl } from './assets.ts';
import { engineNames } from './engines/choose.ts';
import type { EngineProbe } from './engines/engineProbe.worker.ts';
import type { EngineName, EngineRequest, Precision } from './engines/engine.ts';
import { cudaDevices, processor } from './engines/hardware.ts';
import type { Diagnosis, EngineDiagnosis } from './protocol/machine.ts';

export type { Diagnosis, EngineDiagnosis };

const probeTimeoutMs = 120_000;

/** Opens an engine elsewhere. A process that ends without an answer, or gives none in time, is reported as broken. */
function probeEngine(request: EngineRequest): Promise<EngineProbe & { crashed?: boolean }> {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(workerUrl('engineProbe')), [JSON.stringify(request)], { silent: true, execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
    let answer: EngineProbe | null = null, errors = '', late = false;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-10_000)));
    child.on('message', (message) => (answer = message as EngineProbe));
    const timer = setTimeout(() => ((late = true), child.kill('SIGKILL')), probeTimeoutMs);
    child.on('error', (error) => (errors += `\n${error.message}`));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const how = late ? `gave no answer in ${probeTimeoutMs / 1000} s` : `ended by ${signal ?? `exit code ${code}`}`;
      const last = errors.trim().split('\n').at(-1);
      resolve(answer ?? { ok: false, crashed: true, reason: `its process ${how}${last ? `: ${last.slice(0, 300)}` : ''}` });
    });
  });
}

async function diagnoseEngine(name: EngineName, request: EngineRequest): Promise<EngineDiagnosis> {
  const diagnosis: EngineDiagnosis = { name, status: 'ready', reason: null, version: null, device: null, deviceName: null, path: null, precisions: [], matmul_gflops: {} };
  for (const precision of name === 'torch' ? (['fp32', 'bf16'] as const) : (['fp32'] as const)) {
    const probe = await probeEngine({ ...request, engine: name, precision });
    if (probe.ok) {
      const { version, device, deviceName, path } = probe;
      Object.assign(diagnosis, { version, device, deviceName, path });
      diagnosis.precisions.push(precision);
      diagnosis.matmul_gflops[precision] = Number(probe.gflops.toPrecision(3));
    } else if (precision === 'fp32') return { ...diagnosis, status: probe.crashed ? 'broken' : 'unavailable', reason: probe.reason };
  }
  return diagnosis;
}

/** One engine after the other, for each uses every core. `request` may name a torch, a Python, a device or threads. */
export async function diagnose(request: EngineRequest = {}): Promise<Diagnosis> {
  const engines: EngineDiagnosis[] = [];
  for (const name of engineNames) engines.push(await diagnoseEngine(name, request));
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch} ${release()}`,
    cpu: processor(),
    memory: totalmem(),
    gpus: cudaDevices().map(({ name, bytes }) => ({ name, bytes })),
    engines,
    chosen: engines.find((engine) => engine.status === 'ready')?.name ?? null,
  };
}

/** Breaks a text into lines of at most `width` characters, at spaces where there are any. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text.trim();
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const at = space > width / 3 ? space : width;
    lines.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

/** The diagnosis for a terminal: one row an engine, and below it what a row has no room for. */
export function formatDiagnosis(diagnosis: Diagnosis, columns = 80): string {
  const { cpu, engines, chosen } = diagnosis;
  const indent = '  ';
  const field = (name: string, value: string): string[] => wrap(value, columns - 10).map((line, i) => `${(i === 0 ? name : '').padEnd(10)}${line}`);
  const speed = (engine: EngineDiagnosis, precision: Precision): string => String(engine.matmul_gflops[precision] ?? '-').padStart(10);
  const rows = engines.flatMap((engine) => [
    `${engine.name === chosen ? '*' : ' '} ${engine.name.padEnd(11)}${engine.status.padEnd(13)}${(engine.version ?? '-').padEnd(10)}${(engine.device ?? '-').padEnd(8)}${speed(engine, 'fp32')}${speed(engine, 'bf16')}`,
    ...[engine.reason, engine.device !== 'cpu' ? engine.deviceName : null, engine.path].filter((note) => note !== null).flatMap((note) => wrap(note, columns - 4).map((line) => `${indent}${indent}${line}`)),
  ]);
  return [
    ...field('Node', `${diagnosis.node}, ${diagnosis.platform}`),
    ...field('CPU', `${cpu.model}, ${cpu.cores} cores${cpu.flags.length > 0 ? `, ${cpu.flags.join(' ')}` : ''}`),
    ...field('Memory', `${(diagnosis.memory / 2 ** 30).toFixed(1)} GiB`),
    ...diagnosis.gpus.flatMap(({ name, bytes }) => field('GPU', `${name}, ${(bytes / 2 ** 30).toFixed(0)} GiB`)),
    '',
    `  ${'engine'.padEnd(11)}${'status'.padEnd(13)}${'version'.padEnd(10)}${'device'.padEnd(8)}${'fp32'.padStart(10)}${'bf16'.padStart(10)}`,
    ...rows,
    '',
    chosen ? '* what "auto" takes. fp32 and bf16: GFLOP/s of a matrix product.' : 'No engine can be used: see the reasons above.',
  ].join('\n');
}
