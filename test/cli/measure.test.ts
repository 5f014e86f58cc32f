/** `siamscope evaluate` and `siamscope demo` as a person runs them: what they measure, what they print, and what they leave. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos, quick, run, start, statusOf } from './command.ts';

const folder = temporaryFolder();
const file = join(folder, 'tiny.siam.json');
const trained = join(folder, 'runs/tiny');

interface Rates {
  rates: number[];
  chance: number[];
}

interface Evaluation {
  images: number;
  classes: number;
  pairs: number;
  trained: { pck: Rates; prediction: Rates | null; knn: { k: number; top1: { value: number }; top5: { value: number } } | null };
  untrained: Evaluation['trained'];
}

const share = expect.toSatisfy((value: number) => value >= 0 && value <= 1);

beforeAll(async () => {
  expect((await run(['init', file, '--data', photos])).code).toBe(0);
  expect(await run(['train', file, ...quick, '--set', 'schedule.steps=20', '--json'])).toMatchObject({ code: 0 });
});

describe('evaluate', () => {
  const evaluate = async (...more: string[]): Promise<Evaluation> => {
    const { code, stdout, stderr } = await run(['evaluate', trained, '--pairs', '24', '--neighbours', '5', '--precision', 'fp32', '--json', ...more]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return JSON.parse(stdout) as Evaluation;
  };

  test('correspondence and the prediction\'s own match, beside the untrained model and chance', async () => {
    const result = await evaluate();
    expect(result).toMatchObject({ images: 40, pairs: 24, trained: { knn: null }, untrained: { knn: null } });
    for (const { pck, prediction } of [result.trained, result.untrained]) {
      expect(pck.rates.length).toBeGreaterThanOrEqual(3);
      for (const rates of [pck.rates, prediction!.rates]) {
        for (const rate of rates) expect(rate).toEqual(share);
        // A wider circle holds what a narrower one does.
        expect(rates).toEqual(rates.toSorted((a, b) => a - b));
      }
    }
    expect(result.trained.pck.rates).not.toEqual(result.untrained.pck.rates);
    expect(result.trained.pck.chance[0]).toBeCloseTo(1 / 16, 1);
  });

  test('the same numbers each time; the target branch has others', async () => {
    const [first, again, target] = [await evaluate(), await evaluate(), await evaluate('--branch', 'target')];
    expect(again).toEqual(first);
    expect(target.trained.pck).not.toEqual(first.trained.pck);
  });

  test('k-NN where there are labelled test images: of the training images themselves, each finds its own class', async () => {
    const { classes, trained: { knn } } = await evaluate('--data', photos, '--test', photos, '--neighbours', '1');
    expect(classes).toBeGreaterThan(1);
    expect(knn).toMatchObject({ k: 1, top1: { value: 1 } });
  });

  test('prints a table for people', async () => {
    const { stdout } = await run(['evaluate', trained, '--pairs', '8', '--precision', 'fp32']);
    expect(stdout).toMatch(/untrained\s+trained\s+chance/);
    expect(stdout).toMatch(/PCK@0\s+[\d.]+ %\s+[\d.]+ %\s+[\d.]+ %/);
  });

  test('what is no run is refused', async () => {
    expect(await run(['evaluate', photos])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('demo', () => {
  const demo = (name: string, ...more: string[]): string[] => ['demo', '--data', photos, '--out', join(folder, name), '--json', ...more];

  test('trains, measures before and after, and writes a report that stands alone', async () => {
    const { code, stdout } = await run(demo('demo', '--set', 'schedule.steps=12', '--set', 'schedule.warmupSteps=2', '--set', 'batch.size=8'));
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as { run: string; report: string; steps: number; measures: { name: string; before: number; after: number; chance: number }[] };
    expect(result).toMatchObject({ steps: 12, run: join(folder, 'demo/runs/demo') });
    expect(result.measures.length).toBeGreaterThanOrEqual(5);
    for (const { before, after, chance } of result.measures) for (const value of [before, after, chance]) expect(value).toEqual(share);
    const page = readFileSync(result.report, 'utf8');
    expect(page).not.toMatch(/<(script|link|img)[^>]+(src|href)="https?:/);
    for (const { after } of result.measures) expect(page).toContain((100 * after).toFixed(1));
    expect(statusOf(result.run)).toMatchObject({ state: 'done', step: 12 });
  });

  test('where the machine is too slow for the time it takes the smaller recipe; Ctrl-C ends it with what was computed saved, and says how to go on', async () => {
    const running = start(demo('stopped', '--seconds', '1'));
    const path = join(folder, 'stopped/runs/demo');
    const begun = Date.now();
    while (!existsSync(join(path, 'metrics.jsonl')) || readFileSync(join(path, 'metrics.jsonl'), 'utf8') === '') {
      if (Date.now() - begun > 120_000) throw new Error('the demo took no step in two minutes');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.result;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/too few to learn from: timing those of a smaller one/);
    expect(stderr).toMatch(/stopped at step \d+; resume with:\n {2}npx siamscope train .* --resume/);
    const { state, checkpoint, step } = statusOf(path);
    expect({ state, checkpoint }).toEqual({ state: 'stopped', checkpoint: step });
  });
});
