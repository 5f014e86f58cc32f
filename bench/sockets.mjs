// What a run's socket is put through, in full; test/server holds samples of the same:
//   node bench/sockets.mjs [fuzz|race|stall|kill ...] [--frames 1000000] [--rounds 200] [--turns 20] [--kills 50] [--seed 1]   (after "npm run build")
// fuzz: broken frames against a run that trains; race: 20 windows that resume a run over a stale socket at the same moment; stall: readers
// that ask without reading until they are given up, then steps a second with and without ten that follow and never read, in turn; kill: SIGKILL, and how long until a window says so. One JSON line each.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildSync } from 'esbuild';

const number = (value) => ({ type: 'string', default: String(value) });
const { values, positionals } = parseArgs({ allowPositionals: true, options: { frames: number(1_000_000), rounds: number(200), turns: number(20), kills: number(50), seed: number(1) } });
const [frames, rounds, turns, kills, seed] = ['frames', 'rounds', 'turns', 'kills', 'seed'].map((name) => Number(values[name]));
const chosen = positionals.length > 0 ? positionals : ['fuzz', 'race', 'stall', 'kill'];

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'siamscope-bench-'));
const env = { ...process.env, SIAMSCOPE_RUNTIME_DIR: folder };

/** The tests' own code, as modules. */
async function load(file) {
  const outfile = join(folder, `${file.replaceAll('/', '-')}.mjs`);
  buildSync({ entryPoints: [join(root, file)], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error', banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" } });
  return import(pathToFileURL(outfile).href);
}
const { follow, fuzz, latencies, quantile, residentMegabytes, stall } = await load('test/server/trials.ts');
const { raceOverStaleSocket } = await load('test/server/windows.ts');
const { RunSet } = await load('extension/runs/runSet.ts');

function command(args, more = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'dist/siamscope.mjs'), ...args], { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '', stderr = '';
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const file = join(folder, 'tiny.siam.json');
const settings = ['--precision', 'fp32', ...['model.imageSize=32', 'batch.size=8', 'engine.threads=1', 'data.workers=1', 'schedule.steps=100000000', 'checkpoint.keep=1'].flatMap((set) => ['--set', set])];
const status = (run) => JSON.parse(readFileSync(join(run, 'status.json'), 'utf8'));
const steps = (run) => readFileSync(join(run, 'metrics.jsonl')).reduce((lines, byte) => lines + (byte === 10 ? 1 : 0), 0);

async function begin(name, ...more) {
  const run = join(folder, name);
  const { code, stdout, stderr } = await command(['train', file, '--run', run, '--detach', '--json', '--now', ...settings, ...more]);
  if (code !== 0) throw new Error(stderr);
  while (status(run).step === 0) await setTimeout(50);
  return { run, pid: JSON.parse(stdout).pid, socket: status(run).socket };
}

const round1 = (value) => Math.round(value * 10) / 10;
const quietSet = () => new RunSet({ maySweep: () => true, onChange: () => undefined, onEvent: () => undefined, say: () => undefined });

const trials = {
  async fuzz() {
    const { run, pid, socket } = await begin('fuzz');
    const before = residentMegabytes(pid), first = steps(run), begun = performance.now();
    const asked = latencies(socket, 30_000, 20);
    const result = await fuzz(socket, frames, seed);
    const minutes = (performance.now() - begun) / 60_000;
    const taken = await asked;
    const alive = status(run).state === 'running' && status(run).pid === pid, trained = steps(run) - first;
    process.kill(pid, 'SIGTERM');
    const output = readFileSync(join(run, 'output.txt'), 'utf8');
    return { ...result, seed, minutes: round1(minutes), alive, steps: trained, printed: output, memory_mb: round1(residentMegabytes(pid) - before), others_p99_ms: round1(quantile(taken, 0.99)), ok: alive && output === '' };
  },
  async race() {
    const run = join(folder, 'race');
    await command(['train', file, '--run', run, ...settings, '--set', 'schedule.steps=2']);
    const home = `/${'h'.repeat(199)}`, results = [];
    for (let i = 0; i < rounds; i++) results.push(await raceOverStaleSocket({ folder: run, windows: 20, more: [...settings, '--engine', 'wasm'], command: (args) => command(args, { HOME: home }) }));
    const wrong = results.filter(({ backends, clients, pathBytes }) => backends !== 1 || clients !== 20 || pathBytes > 103).length;
    return { rounds, windows: 20, wrong, path_bytes: Math.max(...results.map(({ pathBytes }) => pathBytes)), connected_seconds_p50: round1(quantile(results.map(({ milliseconds }) => milliseconds / 1000), 0.5)), ok: wrong === 0 };
  },
  async stall() {
    const { run, pid, socket } = await begin('stall');
    const rates = { quiet: [], stalled: [] }, taken = [];
    let dropped = 0;
    for (let turn = 0; turn < turns; turn++) {
      const asked = latencies(socket, 1500, 20);
      if ((await stall(socket, 5000)).dropped) dropped++;
      taken.push(...(await asked));
    }
    for (let turn = 0; turn < turns; turn++)
      for (const kind of turn % 2 ? ['quiet', 'stalled'] : ['stalled', 'quiet']) {
        const readers = kind === 'stalled' ? await Promise.all(Array.from({ length: 10 }, () => follow(socket))) : [];
        const begun = performance.now(), first = steps(run);
        await setTimeout(5000);
        rates[kind].push((steps(run) - first) / (performance.now() - begun));
        for (const reader of readers) reader.destroy();
      }
    process.kill(pid, 'SIGTERM');
    return { stalls: turns, dropped, others_p99_ms: round1(quantile(taken, 0.99)), steps_per_second_quiet: round1(1000 * quantile(rates.quiet, 0.5)), training_slows_percent: round1(100 * (1 - quantile(rates.stalled, 0.5) / quantile(rates.quiet, 0.5))), ok: dropped === turns };
  },
  async kill() {
    const seen = [], attached = [];
    let left = 0, lost = 0;
    for (let i = 0; i < kills; i++) {
      const { run, pid } = await begin('kill', ...(i === 0 ? [] : ['--resume']), '--set', 'checkpoint.everySteps=1');
      const set = quietSet();
      const opened = performance.now();
      await set.look(run);
      while (!set.get(run).attached) await setTimeout(5);
      attached.push(performance.now() - opened);
      process.kill(pid, 'SIGKILL');
      const killed = performance.now();
      while (set.get(run).state !== 'lost' && performance.now() - killed < 10_000) await setTimeout(2);
      seen.push(performance.now() - killed);
      if (!/^killed after step/.test(set.get(run).reason ?? '')) lost++;
      if (await set.tracker(run).isHeld()) left++;
      set.dispose();
    }
    return { kills, noticed_ms_p50: round1(quantile(seen, 0.5)), noticed_ms_max: round1(Math.max(...seen)), attached_ms_p50: round1(quantile(attached, 0.5)), attached_ms_max: round1(Math.max(...attached)), without_reason: lost, locks_left: left, ok: Math.max(...seen) < 2000 && left + lost === 0 };
  },
};

try {
  await command(['init', file, '--data', join(root, 'test/fixtures/photos')]);
  for (const name of chosen) {
    const { ok, ...result } = await trials[name]();
    console.log(JSON.stringify({ trial: name, ...result }));
    if (!ok) process.exitCode = 1;
  }
} finally {
  await setTimeout(1000);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
