// `npm run bench`: this project beside its peers in one run, in turn, as ratios. Python with torch is optional: found
// (SIAMSCOPE_BENCH_PYTHON), or made once as a virtual environment under .cache.
//   npm run bench [-- --rounds 3 --arch small --batch 16 --precision bf16 --steps 5 --quick --methods all]
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, arch: { type: 'string', default: 'small' }, batch: { type: 'string', default: '16' }, precision: { type: 'string' }, steps: { type: 'string', default: '5' }, quick: { type: 'boolean', default: false }, methods: { type: 'string' } } });
const rounds = Number(values.rounds);
const siamscope = join(root, 'dist/siamscope.mjs');
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** An interpreter with torch, torchvision and Pillow, or null with the reason said. */
function python() {
  if (process.env.SIAMSCOPE_BENCH_PYTHON) return process.env.SIAMSCOPE_BENCH_PYTHON;
  const folder = join(root, '.cache/bench-python');
  const interpreter = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const has = () => existsSync(interpreter) && spawnSync(interpreter, ['-c', 'import torch, torchvision, PIL']).status === 0;
  if (has()) return interpreter;
  console.error('making a Python environment with torch and torchvision, once');
  spawnSync('python3', ['-m', 'venv', folder], { stdio: 'ignore' });
  spawnSync(interpreter, ['-m', 'pip', 'install', '--quiet', 'torch==2.15.0', 'torchvision', 'pillow', 'numpy'], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (has()) return interpreter;
  console.error('there is no Python with torch and torchvision here: the peers are left out');
  return null;
}

const lastJson = (text) => JSON.parse(text.slice(text.indexOf('{')));
const run = (command, args) => lastJson(execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 }));
const precisions = values.precision ? [values.precision] : ['bf16', 'fp32'];
const methods = ['siamese', 'mae', 'mocov3', 'mocov3-mask', 'dino', 'ibot', 'msn', 'densecl', 'densecl-resnet', 'beit', 'supervised'];
const work = ['--batch', values.batch, '--steps', values.steps];
/** Recipes; every other method is named with its paper's options. */
const presets = { 'mocov3-mask': `mocov3-mask-vit-${values.arch}`, 'densecl-resnet': 'densecl-resnet50' };
const ours = (method, precision) => run(process.execPath, [siamscope, 'bench', 'step', ...(presets[method] ? ['--preset', presets[method]] : ['--method', method, '--arch', `vit_${values.arch}`]), ...work, '--precision', precision, '--json']);
const peer = (interpreter, method, precision, compiled) => run(interpreter, [join(root, 'bench/peers/methods.py'), '--method', method, '--arch', values.arch, ...work, '--precision', precision, ...(compiled ? ['--compile'] : [])]);

/** Every method beside eager PyTorch, as rows of a Markdown table: rates, memory, ratios of the clock and of processor time. */
function compareMethods(interpreter, names, precision) {
  const column = (results, key) => median(results.map((result) => result[key]));
  console.log(`\n| ${precision} | images/s | PyTorch | ratio | ratio of processor time | MB | PyTorch |\n|---|---|---|---|---|---|---|`);
  for (const method of names) {
    const [own, theirs] = [[], []];
    for (let round = 0; round < rounds; round++) {
      own.push(ours(method, precision));
      if (interpreter) theirs.push(peer(interpreter, method, precision, false));
    }
    const ratio = (key) => median(own.map((result, i) => (key === 'images_per_second' ? result[key] / theirs[i][key] : theirs[i][key] / result[key]))).toFixed(2);
    const beside = interpreter ? [column(theirs, 'images_per_second').toFixed(2), ratio('images_per_second'), ratio('processor_seconds_per_step')] : ['-', '-', '-'];
    console.log(`| ${method} | ${column(own, 'images_per_second').toFixed(2)} | ${beside.join(' | ')} | ${column(own, 'peak_rss_mb')} | ${interpreter ? column(theirs, 'peak_rss_mb') : '-'} |`);
  }
}

/** Several rounds, one after the other in each, so that a machine that slows down slows all. */
function compare(title, contestants) {
  const results = contestants.map(() => []);
  for (let round = 0; round < rounds; round++) contestants.forEach(({ measure }, i) => results[i].push(measure()));
  console.log(`\n${title}`);
  const base = median(results[0].map((r) => r.images_per_second));
  contestants.forEach(({ name }, i) => {
    const rate = median(results[i].map((r) => r.images_per_second));
    const memory = median(results[i].map((r) => r.peak_rss_mb ?? 0));
    const ratios = results[0].map((r, k) => r.images_per_second / results[i][k].images_per_second);
    console.log(`  ${name.padEnd(34)} ${rate.toFixed(2).padStart(9)} images/s ${memory ? `${String(memory).padStart(6)} MB` : ''}${i ? `   SiamScope is ${median(ratios).toFixed(2)} times as fast (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})` : ''}`);
  });
  return base;
}

const interpreter = python();
console.log(`${cpus()[0].model.trim()}, ${cpus().length} cores; ViT-${values.arch}, batch ${values.batch}; medians of ${rounds}`);
if (values.methods !== undefined) {
  const names = values.methods === 'all' ? methods : values.methods.split(',');
  const unknown = names.find((name) => !methods.includes(name));
  if (unknown !== undefined) throw new Error(`there is no bench of ${unknown}: --methods takes all, or some of ${methods.join(', ')}, with commas`);
  for (const precision of precisions) compareMethods(interpreter, names, precision);
  process.exit();
}
for (const precision of precisions) {
  const contestants = [{ name: 'SiamScope', measure: () => ours('siamese', precision) }];
  if (interpreter) {
    contestants.push({ name: 'PyTorch eager', measure: () => peer(interpreter, 'siamese', precision, false) });
    if (!values.quick) contestants.push({ name: 'PyTorch compiled', measure: () => peer(interpreter, 'siamese', precision, true) });
  }
  compare(`One SiameseIM training step, ${precision}`, contestants);
}

const folder = mkdtempSync(join(tmpdir(), 'siamscope-bench-'));
try {
  const file = join(folder, 'first.siam.json');
  execFileSync(process.execPath, [siamscope, 'init', file, '--preset', 'tiny', '--data', join(root, 'test/fixtures/photos')], { stdio: 'ignore' });
  const seconds = Array.from({ length: rounds }, (_, i) => {
    const started = performance.now();
    execFileSync(process.execPath, [siamscope, 'train', file, '--run', join(folder, `run${i}`), '--set', 'schedule.steps=1', '--set', 'schedule.warmupSteps=0'], { stdio: 'ignore' });
    return (performance.now() - started) / 1000;
  });
  console.log(`\nFrom "siamscope train" to the end of a run of one step (tiny), checkpoint included: ${median(seconds).toFixed(2)} s`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log('\nLoading is timed beside torchvision with PIL in bench/data.md: node dist/siamscope.mjs bench data FOLDER --json');
