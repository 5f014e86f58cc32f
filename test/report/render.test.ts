/** The report's text: what it claims, what it escapes, what it would fetch. */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { renderReport, type Measure, type ReportData } from '../../backend/report/index.ts';
import { atChance, formatDuration, formatValue, headline, judge, verdictText } from '../../backend/report/words.ts';
import { reportFixture } from './reportFixture.ts';

const measure = (change: Partial<Measure>): Measure => ({ name: 'm', explanation: 'e', kind: 'share', better: 'higher', before: { value: 0.2 }, after: { value: 0.5 }, chance: 0.05, claim: 'finds it', ...change });

describe('judge', () => {
  it('goes by the 95 % intervals where there are any', () => {
    expect(judge(measure({ before: { value: 0.2, interval: [0.15, 0.25] }, after: { value: 0.3, interval: [0.26, 0.34] } }))).toBe('better');
    expect(judge(measure({ before: { value: 0.2, interval: [0.1, 0.3] }, after: { value: 0.3, interval: [0.2, 0.4] } }))).toBe('same');
    expect(judge(measure({ before: { value: 0.4, interval: [0.35, 0.45] }, after: { value: 0.3, interval: [0.26, 0.34] } }))).toBe('worse');
  });
  it('asks for a point of per cent or 2 % of a number without intervals, and knows what is better', () => {
    expect(judge(measure({ after: { value: 0.2099 } }))).toBe('same');
    expect(judge(measure({ after: { value: 0.211 } }))).toBe('better');
    expect(judge(measure({ kind: 'number', better: 'lower', before: { value: 50 }, after: { value: 48 } }))).toBe('better');
    expect(judge(measure({ kind: 'number', better: 'lower', before: { value: 50 }, after: { value: 50.5 } }))).toBe('same');
    expect(judge(measure({ before: null }))).toBe('single');
    expect(judge(measure({ before: { value: NaN } }))).toBe('single');
  });
  it('says when the result is no better than chance', () => {
    expect(atChance(measure({ after: { value: 0.055 } }))).toBe(true);
    expect(atChance(measure({ after: { value: 0.5 } }))).toBe(false);
    expect(atChance(measure({ after: { value: 0.08, interval: [0.04, 0.12] } }))).toBe(true);
    expect(atChance(measure({ chance: null }))).toBe(false);
    expect(verdictText(measure({ before: { value: 0.05 }, after: { value: 0.052 } }))).toBe('Did not move; no better than chance');
  });
});

describe('headline', () => {
  const data = (measures: Measure[], change: Partial<ReportData> = {}) => headline({ measures, steps: 3000, outcome: 'finished', ...change } as ReportData);
  it('claims what was learned, with its numbers', () => {
    expect(data([measure({})]).first).toBe('After 3,000 steps, the model finds it 50.0\u202f% of the time (before training 20.0\u202f%, chance 5.0\u202f%).');
  });
  it('says so where nothing was, and where it got worse', () => {
    expect(data([measure({ after: { value: 0.2 } })]).first).toContain('no more than before training (chance 5.0');
    expect(data([measure({ after: { value: 0.1 } })]).first).toContain('which is worse than before training (before training 20.0');
  });
  it('names a run that did not finish, and one without measures', () => {
    expect(data([], { outcome: 'failed', steps: 1 }).first).toBe('After 1 step, when the run failed, there is nothing measured yet.');
    expect(data([measure({}), measure({ claim: 'names it' })], { outcome: 'stopped' })).toMatchObject({ first: expect.stringContaining('when the run was stopped'), second: expect.stringMatching(/^It names it 50/) });
  });
});

describe('words', () => {
  it('formats values and times', () => {
    expect([formatValue(0.1234, 'share'), formatValue(0.1234, 'number'), formatValue(12345, 'number'), formatValue(6e-5, 'number'), formatValue(0, 'number'), formatValue(NaN, 'number')]).toEqual(['12.3\u202f%', '0.123', '12,345', '6.00e-5', '0.00', 'not finite']);
    expect([formatDuration(42), formatDuration(1234), formatDuration(3600 * 5 + 120)]).toEqual(['42 seconds', '21 minutes', '5 hours 2 min']);
  });
});

describe('renderReport', () => {
  let data: ReportData;
  let page = '';
  beforeAll(async () => {
    data = await reportFixture();
    page = await renderReport(data);
  });

  it('is one file that names nothing to fetch, and allows only its own script and style', () => {
    const policy = /Content-Security-Policy" content="([^"]+)"/.exec(page)![1]!.replace(/&#39;/g, "'");
    expect(policy).toMatch(/^default-src 'none';/);
    const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)];
    const styles = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)];
    expect([scripts.length, styles.length]).toEqual([1, 1]);
    expect(policy).toContain(hash(scripts[0]![1]!));
    expect(policy).toContain(hash(styles[0]![1]!));
    const markup = page.replace(/<(script|style)[\s\S]*?<\/\1>/g, '').replace(/src="data:image\/(png|jpeg);base64,[\w+/=]+"/g, '');
    expect(markup.match(/\s(src|href|srcset|style|on\w+)=.{0,60}/g)).toBeNull();
    expect(styles[0]![1]!.match(/(url\(|@import).{0,60}/g)).toBeNull();
  });

  it('keeps every point of every curve', () => {
    const embedded = JSON.parse(/id="page">([\s\S]*?)<\/script>/.exec(page)![1]!);
    for (const [i, curve] of [...data.curves, ...data.evaluations].entries())
      for (const [k, series] of curve.series.entries()) {
        const buffer = Buffer.from(embedded.curves[i].series[k].values, 'base64');
        const values = new Float32Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length));
        expect(values).toEqual(Float32Array.from(series.values));
      }
  });

  it('quantises similarities to within half a step', () => {
    const embedded = JSON.parse(/id="page">([\s\S]*?)<\/script>/.exec(page)![1]!).pairs[0].after;
    const step = (embedded.high - embedded.low) / 255;
    const worst = Buffer.from(embedded.similarity, 'base64').reduce((most, q, i) => Math.max(most, Math.abs(embedded.low + q * step - data.pairs[0]!.after.similarity[i]!)), 0);
    expect(worst).toBeLessThanOrEqual(step / 2 + 1e-6);
  });

  it('says which measure did not move', () => {
    expect(/Prediction finds its own target[\s\S]{0,2000}Did not move; no better than chance/.test(page)).toBe(true);
  });

  it('escapes every name, in text, attributes and embedded JSON', async () => {
    const attack = `</script><img src=x onerror="alert(1)">'&`;
    const [pair] = data.pairs;
    const [sample] = data.samples;
    const hostile = await renderReport({
      ...data, title: attack, method: attack, dataset: attack, notes: [attack], config: { [attack]: attack }, facts: [{ name: attack, value: attack }], commands: [{ purpose: attack, command: attack }],
      measures: [{ ...data.measures[0]!, name: attack, explanation: attack, claim: attack }], curves: [{ ...data.curves[0]!, name: attack, explanation: attack, series: [{ ...data.curves[0]!.series[0]!, name: attack }] }], evaluations: [{ ...data.evaluations[0]!, name: attack, explanation: attack, series: data.evaluations[0]!.series.map((series) => ({ ...series, name: attack })) }],
      pairs: [{ ...pair!, file: attack }], samples: [{ ...sample!, file: attack, views: sample!.views.map((v) => ({ ...v, name: attack })) }], neighbours: [{ ...data.neighbours[0]!, file: attack, label: attack, predicted: attack }], finishedAt: attack,
    });
    expect(hostile.includes('<img src=x')).toBe(false);
    expect(hostile.match(/<\/script>/g)).toHaveLength(2);
    expect(hostile.split('&lt;/script&gt;').length).toBeGreaterThan(20);
  });

  it('renders with nothing but a title', async () => {
    const bare = await renderReport(await reportFixture({ measures: [], curves: [], evaluations: [], samples: [], pairs: [], neighbours: [], facts: [], commands: [], config: {}, finishedAt: '' }));
    expect(bare.includes('there is nothing measured yet')).toBe(true);
    expect(bare.includes('id="pairs"')).toBe(false);
    expect(bare.includes('id="evaluations"')).toBe(false);
  });

  it('refuses an image whose bytes do not fit its size', async () => {
    const broken = { ...data.samples[0]!, image: { width: 10, height: 10, pixels: new Uint8Array(30) } };
    await expect(renderReport({ ...data, samples: [broken] })).rejects.toThrow(/10 x 10 needs 300 bytes, and 30/);
  });
});
