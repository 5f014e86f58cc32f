/** What the editor's lists, status item and notifications say of a run, and that they draw no more than what changed. */
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { HealthFinding, RunState } from '../../backend/protocol.ts';
import { untranslated as t } from '../../extension/translate.ts';
import { contextValues } from '../../extension/views/contextKeys.ts';
import { DrawnRows } from '../../extension/views/drawnRows.ts';
import { NoticeMemory, noticesOf } from '../../extension/views/notices.ts';
import { detailRows, isLiving, isResumable, runRow, runTooltip, type ShownRun } from '../../extension/views/runItem.ts';
import { statusLine } from '../../extension/views/statusLine.ts';
import { bytesText, countText, durationText, escapeMarkdown, numberText } from '../../extension/views/text.ts';
import { throttle } from '../../extension/views/throttle.ts';
import { shownRun } from './shownRun.ts';

const states: ShownRun['state'][] = ['queued', 'starting', 'running', 'stopping', 'done', 'failed', 'stopped', 'lost'] satisfies (RunState | 'lost')[];
const collapse: HealthFinding = { kind: 'feature-collapse', step: 90, summary: 'Features collapse', cause: 'Their standard deviation is 0.01.', advice: 'Lower the learning rate.' };

describe('numbers', () => {
  test('durations have two units at most, and round up to whole ones', () => {
    expect([0, 45, 59.4, 60, 119, 3599, 3600, 4800, 86_400, 100_000, 1e6].map((s) => durationText(s, t))).toEqual(['0 s', '45 s', '59 s', '1 min', '2 min', '1 h', '1 h 20 min', '1 d', '1 d 4 h', '11 d 14 h'].toSpliced(5, 0, '1 h'));
  });

  test('losses, counts and sizes', () => {
    expect([0, 0.31214, 12.3456, 1e-7, NaN, Infinity, -Infinity, 123456789].map(numberText)).toEqual(['0', '0.3121', '12.35', '1.00e-7', 'NaN', 'Infinity', '-Infinity', '1.23e+8']);
    expect([999, 12_000, 1_281_167].map(countText)).toEqual(['999', '12\u202f000', '1\u202f281\u202f167']);
    expect([0, 999, 1000, 3_400_000, 1.2e9, 5e15].map(bytesText)).toEqual(['0 B', '999 B', '1 kB', '3.4 MB', '1.2 GB', '5000 TB']);
  });
});

describe('a run\'s row', () => {
  test('says the step first, then when it ends, loss and throughput', () => {
    expect(runRow(shownRun('running'), t)).toMatchObject({ label: 'flowers', description: '412/3000 · 4 min left · loss 0.3121 · 215 images/s', icon: 'play-circle', accessibleLabel: 'Run flowers, running: 412/3000, 4 min left, loss 0.3121, 215 images/s' });
    expect(runRow(shownRun('running', { steps: null, eta: null, loss: null, imagesPerSecond: null }), t).description).toBe('412');
    expect(runRow(shownRun('running', { waiting: 'the disk is full' }), t).description).toContain('the disk is full');
    expect(runRow(shownRun('done', { step: 3000, elapsedSeconds: 720 }), t).description).toBe('3000 steps · loss 0.3121 · 12 min');
    expect(runRow(shownRun('lost', {}, { reason: 'killed after step 412' }), t).description).toBe('412/3000 · lost · killed after step 412');
  });

  test('a run that measures itself says so while it does, and what it found last; one that was killed meanwhile does not', () => {
    const evaluation = { step: 400, measures: [{ id: 'knn_top1', name: 'k-NN', value: 0.4123, chance: 0.1, unit: 'share' as const }, { id: 'centred_effective_rank', name: 'effective rank, centred', value: 27.31, chance: null, unit: 'number' as const }] };
    const measuring = shownRun('running', { evaluating: true, evaluation });
    expect(runRow(measuring, t)).toMatchObject({ description: '412/3000 · evaluating · 4 min left · loss 0.3121', icon: 'beaker', contextValue: runRow(shownRun('running'), t).contextValue, accessibleLabel: 'Run flowers, running: 412/3000, evaluating, 4 min left, loss 0.3121' });
    expect(runRow(shownRun('running', { evaluating: true, health: [collapse] }), t).icon).toBe('warning');
    const details = (run: ShownRun): string[] => detailRows(run, t).map(({ label, description }) => `${label}: ${description}`);
    const found = 'Evaluation: step 400 · k-NN 41.2 % · effective rank, centred 27.31';
    expect(details(measuring)).toEqual(expect.arrayContaining(['Evaluating: the model after step 412', found]));
    expect(runTooltip(measuring, t)).toContain('| Evaluating | the model after step 412 |');
    for (const state of states.filter((other) => other !== 'running')) {
      const run = shownRun(state, { evaluating: true, evaluation });
      expect(`${runRow(run, t).description} ${details(run).join()} ${statusLine([run], t)?.text}`).not.toMatch(/evaluating/i);
      expect(details(run)).toContain(found);
    }
    expect(details(shownRun('running')).join()).not.toMatch(/evaluat/i);
  });

  test('each state has its own words, icon and menu', () => {
    const rows = states.map((state) => runRow(shownRun(state), t));
    for (const [i, state] of states.entries()) {
      expect(rows[i]!.accessibleLabel).toContain(state);
      expect(rows[i]!.contextValue.split(' ')).toEqual(expect.arrayContaining(['run', state, isLiving({ state }) ? 'living' : 'ended']));
    }
    expect(states.filter((state) => isLiving({ state }))).toEqual(['queued', 'starting', 'running', 'stopping']);
    // done at 412 of 3000 steps: the file was given more steps since.
    expect(states.filter((state) => isResumable(shownRun(state)))).toEqual(['done', 'failed', 'stopped', 'lost']);
    expect(isResumable(shownRun('done', { step: 3000 }))).toBe(false);
  });

  test('an ailing run warns while it runs and when it is done', () => {
    expect(runRow(shownRun('done', { health: [collapse] }), t).icon).toBe('warning');
    expect(runRow(shownRun('running', { health: [collapse] }), t)).toMatchObject({ icon: 'warning', accessibleLabel: expect.stringContaining('Features collapse') });
  });

  test('rows below have ids of their own and tell of skipped files', () => {
    const rows = detailRows(shownRun('failed', { skipped: 3, health: [collapse], error: { message: 'm', step: 4 } }, { reason: 'out of memory' }), t);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    expect(rows.map(({ label, description }) => `${label}: ${description}`)).toEqual(expect.arrayContaining(['Failed: out of memory', 'Features collapse: since step 90', 'Images: 12\u202f000, 3 files skipped', 'Engine: torch 2.15.0 · NVIDIA H200 (cuda:0) · bf16']));
  });

  test('the tooltip tells the whole story, and nothing in it is a link or a command', () => {
    const hostile = '[x](command:evil) <img src=x> $(x) `| a\nb';
    const markdown = runTooltip(shownRun('failed', { name: hostile, health: [{ ...collapse, cause: hostile }], error: { message: hostile, step: 4, files: [hostile, 'b', 'c', 'd'] } }, { reason: hostile, folder: `/x/${hostile}` }), t);
    expect(markdown).toContain('Lower the learning rate');
    expect(markdown).toContain('and 1 more');
    expect(markdown).toContain('Resume goes on from step 400.');
    expect(markdown).not.toMatch(/\]\(|<img|\$\(x\)/);
    expect(escapeMarkdown('a_b*c')).toBe('a&#95;b&#42;c');
  });
});

describe('only what changed is drawn', () => {
  test('rows that came, went, moved or changed', () => {
    const drawn = new DrawnRows<{ id: string; text: string }>();
    const update = (...rows: [string, string][]) => drawn.update(rows.map(([id, text]) => ({ id, text })));
    expect(update(['a', '1'], ['b', '1'])).toEqual({ structure: true, changed: [] });
    expect(update(['a', '1'], ['b', '1'])).toEqual({ structure: false, changed: [] });
    expect(update(['a', '2'], ['b', '1'])).toEqual({ structure: false, changed: ['a'] });
    expect(update(['b', '1'], ['a', '2'])).toEqual({ structure: true, changed: [] });
    expect(update(['c', '1'], ['b', '1'], ['a', '2'])).toMatchObject({ structure: true });
    expect(update(['c', '1'])).toMatchObject({ structure: true });
  });

  test('one that is held stays as it was drawn, and is drawn when it is let go, though nothing changed since', () => {
    const drawn = new DrawnRows<{ id: string; text: string }>();
    drawn.update([{ id: 'a', text: '1' }]);
    const update = (held: boolean) => drawn.update([{ id: 'a', text: '2' }], () => held).changed;
    expect([update(true), update(true), update(false), update(false)]).toEqual([[], [], ['a'], []]);
  });

  test('at most once in an interval, at once the first time, and the last change always', async () => {
    let calls = 0;
    const call = throttle(() => calls++, 50);
    for (let i = 0; i < 10; i++) call();
    expect(calls).toBe(1);
    await setTimeout(80);
    expect(calls).toBe(2);
    await setTimeout(80);
    expect(calls).toBe(2);
    call();
    call();
    call.dispose();
    await setTimeout(80);
    expect(calls).toBe(3);
  });
});

describe('the status item', () => {
  test('is there only while a run goes on', () => {
    expect(statusLine([], t)).toBeNull();
    expect(statusLine([shownRun('done'), shownRun('lost')], t)).toBeNull();
  });

  test('shows the run that trains, and how many others there are', () => {
    expect(statusLine([shownRun('queued', { name: 'later' }), shownRun('running')], t)).toMatchObject({ text: '$(pulse) flowers 412/3000 · 4 min (+1)', accessibleLabel: 'SiamScope: flowers, 412/3000, 4 min left, 2 runs in all', warning: false });
    expect(statusLine([shownRun('running', { evaluating: true })], t)).toMatchObject({ text: '$(beaker) flowers 412/3000 · evaluating · 4 min', tooltip: 'flowers · 412/3000 · evaluating · loss 0.3121', accessibleLabel: 'SiamScope: flowers, 412/3000, evaluating, 4 min left' });
    expect(statusLine([shownRun('queued')], t)!.text).toBe('$(clock) flowers queued');
    expect(statusLine([shownRun('running', { health: [collapse], name: 'x'.repeat(100) })], t)).toMatchObject({ text: expect.stringMatching(/^\$\(warning\) x{23}… /), warning: true });
  });
});

test('context keys', () => {
  expect(Object.entries(contextValues([shownRun('queued'), shownRun('lost')], { looked: false, noEngines: false })).filter(([, value]) => value).map(([key]) => key)).toEqual(['siamscope.hasRuns', 'siamscope.hasSeveralRuns', 'siamscope.hasLivingRun', 'siamscope.hasResumableRun', 'siamscope.hasEndedRun', 'siamscope.hasQueuedRun']);
  expect(Object.values(contextValues([], { looked: false, noEngines: false }))).not.toContain(true);
});

describe('notifications', () => {
  const news = (memory: NoticeMemory, run: ShownRun) => memory.news(run, isLiving(run), noticesOf(run, t)).map(({ message }) => message);

  test('a failure, a loss and a collapse are told once each', () => {
    const memory = new NoticeMemory({ said: [], living: [] });
    expect(news(memory, shownRun('running'))).toEqual([]);
    expect(news(memory, shownRun('running', { health: [collapse] }))).toEqual(['Run flowers, step 90: Features collapse. Lower the learning rate.']);
    expect(news(memory, shownRun('running', { health: [collapse], step: 500 }))).toEqual([]);
    expect(news(memory, shownRun('lost', { health: [collapse] }, { reason: 'killed' }))).toEqual(['Run flowers was lost at step 412: killed']);
    expect(news(memory, shownRun('lost', { health: [collapse] }, { reason: 'killed' }))).toEqual([]);
    // Another session of the same run may fail again.
    expect(news(memory, shownRun('failed', { started: '2026-01-02T00:00:00.000Z' }, { reason: 'out of memory' }))).toEqual(['Run flowers failed at step 412: out of memory']);
  });

  test('what is stopped or done is no interruption', () => {
    for (const state of ['done', 'stopped', 'queued'] as const) expect(noticesOf(shownRun(state), t)).toEqual([]);
  });

  test('old failures are no news, those of a run that was alive when the window closed are', () => {
    const failed = shownRun('failed', {}, { reason: 'x' });
    expect(news(new NoticeMemory({ said: [], living: [] }), failed)).toEqual([]);
    const memory = new NoticeMemory({ said: [], living: [] });
    news(memory, shownRun('running'));
    const reopened = new NoticeMemory(memory.state);
    expect(news(reopened, failed)).toHaveLength(1);
    expect(news(new NoticeMemory(reopened.state), failed)).toEqual([]);
  });
});
