// Reliability bars whose full count is too long for the tests, which run samples of the same code:
//   node bench/reliability.mjs [damage|archives|contention ...] [--cases 500] [--archives 200] [--turns 500] [--readers 20] [--seed 1]
// damage: the newest checkpoint flipped, cut or lengthened, the one before must be taken; archives: random tar files, cut at every block and half of one,
// and made hostile in five ways each; contention: two processes that take the same run folder in turn and save there, beside readers of what they
// save, half of whom hold the file open. One JSON line each; exits with 1 where one does not hold.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildSync } from 'esbuild';

const number = (value) => ({ type: 'string', default: String(value) });
const { values, positionals } = parseArgs({ allowPositionals: true, options: { cases: number(500), archives: number(200), turns: number(500), readers: number(20), seed: number(1) } });
const [cases, archives, turns, readers, seed] = ['cases', 'archives', 'turns', 'readers', 'seed'].map((name) => Number(values[name]));
const root = join(import.meta.dirname, '..');
const modules = [];
const folder = mkdtempSync(join(tmpdir(), 'siamscope-reliability-'));

/** The tests' own code, as a module; within reach of esbuild, which it uses itself. */
async function load(file) {
  const outfile = join(root, 'dist', `bench-${process.pid}-${file.replaceAll('/', '-')}.mjs`);
  modules.push(outfile);
  buildSync({ entryPoints: [join(root, file)], bundle: true, platform: 'node', format: 'esm', external: ['esbuild'], outfile, logLevel: 'error', banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" } });
  return import(pathToFileURL(outfile).href);
}

const trials = {
  async damage(own) {
    const { damageNewest } = await load('test/train/damage.ts');
    const { cases: done, wrong } = await damageNewest(own, cases, seed);
    return { cases: Object.values(done).reduce((a, b) => a + b), ...done, wrong, ok: wrong.length === 0 };
  },
  async archives(own) {
    const { hostileArchives } = await load('test/data/archives.ts');
    const { wrong, ...result } = await hostileArchives(own, archives, seed);
    return { ...result, wrong, ok: wrong.length === 0 };
  },
  async contention(own) {
    const { buildRacer, contend, leftFolder } = await load('test/train/contention.ts');
    const result = await contend(await leftFolder(join(own, 'run')), buildRacer(own, root), { processes: 2, turns, readers });
    return { ...result, ok: result.turns === 2 * turns && result.overlaps + result.torn + result.locksLeft === 0 && result.reads > turns };
  },
};

try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(trials)) {
    const own = join(folder, name), begun = performance.now();
    mkdirSync(own);
    const { ok, ...result } = await trials[name](own);
    console.log(JSON.stringify({ trial: name, seed, seconds: Math.round((performance.now() - begun) / 1000), ...result }));
    if (!ok) process.exitCode = 1;
  }
} finally {
  for (const module of modules) rmSync(module, { force: true });
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
