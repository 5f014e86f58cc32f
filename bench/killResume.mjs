// Kills a run at random moments, during steps and during saves, resumes it, and compares it with one that was never killed:
//   node bench/killResume.mjs [COUNT=50] [SEED=1]     (after "npm run build"; about two seconds a kill)
// Prints one JSON line: kills, checkpoints read through, damaged ones (must be 0), and whether losses and model are equal to the bit.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const [count = 50, seed = 1] = process.argv.slice(2).map(Number);
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'siamscope-kill-'));
const bundle = join(folder, 'checkpoint.mjs');
buildSync({ entryPoints: [join(root, 'backend/train/checkpoint.ts')], bundle: true, platform: 'node', format: 'esm', outfile: bundle, logLevel: 'error' });
const { listCheckpoints, verifyCheckpoint } = await import(pathToFileURL(bundle).href);

/** A seeded generator of numbers in [0, 1) (mulberry32). */
let state = seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const command = join(root, 'dist/siamscope.mjs');
const file = join(folder, 'tiny.siam.json');
// A save after every step, so that many kills fall into one; fp32, in which CPU runs repeat to the bit.
const settings = ['model.imageSize=32', 'batch.size=8', 'checkpoint.everySteps=1', `schedule.steps=${2 * count}`, 'engine.threads=1', 'data.workers=1'].flatMap((set) => ['--set', set]);
const train = (name, ...more) => [command, 'train', file, '--run', join(folder, name), '--precision', 'fp32', ...settings, ...more];
const rows = (name) => readFileSync(join(folder, name, 'metrics.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line)).map(({ step, loss, grad_norm }) => ({ step, loss, grad_norm }));
const model = (name) => readFileSync(join(folder, name, 'checkpoints', String(2 * count), 'model.safetensors'), 'latin1');
const newest = async (name) => (await listCheckpoints(join(folder, name, 'checkpoints')))[0]?.step ?? 0;

try {
  spawnSync(process.execPath, [command, 'init', file, '--data', join(root, 'test/fixtures/photos')]);
  spawnSync(process.execPath, train('whole'));
  let read = 0, damaged = 0, lost = 0, killed = 0;
  for (let i = 0; i < count; i++) {
    const before = await newest('killed');
    const child = spawn(process.execPath, train('killed', '--resume'), { stdio: 'ignore' });
    const exited = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    // Most kills come after a step or two; some while the engine still loads.
    const more = Math.floor(random() * 3);
    for (let waited = 0; waited < 1000 && child.exitCode === null && (await newest('killed')) < before + more; waited++) await setTimeout(5);
    await setTimeout(random() * 40);
    child.kill('SIGKILL');
    if ((await exited) === 'SIGKILL') killed++;
    for (const checkpoint of await listCheckpoints(join(folder, 'killed/checkpoints'))) {
      read++;
      await verifyCheckpoint(checkpoint.folder).catch(() => damaged++);
    }
    if ((await newest('killed')) < before) lost++;
  }
  spawnSync(process.execPath, train('killed', '--resume'));
  const equal = JSON.stringify(rows('killed')) === JSON.stringify(rows('whole')) && model('killed') === model('whole');
  const left = readdirSync(join(folder, 'killed/checkpoints')).filter((name) => name.startsWith('.')).length;
  console.log(JSON.stringify({ kills: killed, seed, checkpoints_read: read, damaged, lost, left_behind: left, equal_to_the_bit: equal }));
  process.exitCode = damaged + lost + left === 0 && equal ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
