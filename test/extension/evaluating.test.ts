/** A real run that measures itself, as a window hears of it: its row says so for as long as it measures, and has the numbers afterwards. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RunSet } from '../../extension/runs/runSet.ts';
import { untranslated as t } from '../../extension/translate.ts';
import { detailRows, runRow } from '../../extension/views/runItem.ts';
import { statusLine } from '../../extension/views/statusLine.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { detach, eventually, writeRunFile } from '../server/runs.ts';

const folder = temporaryFolder();

test('a window that is connected to a run sees it evaluating and training by turns', async () => {
  const file = await writeRunFile(folder);
  const { folder: path } = await detach(file, join(folder, 'run'), ...['evaluate.everySteps=5', 'evaluate.pairs=16', 'evaluate.images=30', 'evaluate.measures=["correspondence","spectrum"]'].flatMap((set) => ['--set', set]));
  const seen = new Set<string>();
  const set = new RunSet({
    maySweep: () => true, onEvent: () => undefined, say: () => undefined,
    onChange: () => {
      const run = set.get(path);
      if (run?.attached && run.status.step > 0) seen.add(`${runRow(run, t).description} | ${statusLine([run], t)!.text}`);
    },
  });
  try {
    await eventually(() => set.look(path), (run) => run?.attached === true);
    const evaluating = await eventually(() => [...seen], (lines) => lines.some((line) => /evaluating/.test(line)) && lines.some((line) => !/evaluating/.test(line)));
    expect(evaluating.find((line) => /evaluating/.test(line))).toMatch(/^\d*[05]\/1000000 · evaluating .*\| \$\(\w+\) .* \d*[05]\/1000000 · evaluating/);
    const { status } = (await eventually(() => set.get(path), (run) => (run?.status.evaluation?.step ?? 0) > 0))!;
    expect(status.evaluation!.step % 5).toBe(0);
    expect(detailRows(set.get(path)!, t).map(({ label, description }) => `${label}: ${description}`).find((line) => line.startsWith('Evaluation: '))).toMatch(/^Evaluation: step \d+ · PCK@0 [\d.]+ % · PCK@1 [\d.]+ % · effective rank, centred [\d.]+ · first component [\d.]+ %$/);
  } finally {
    await set.tracker(path)!.stop(false).finally(() => set.dispose());
  }
});
