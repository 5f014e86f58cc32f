/** What a webview may say to its host: 10,000 damaged messages, of which none causes a fault, and each request is answered once. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ToWebview } from '../../backend/protocol.ts';
import { Random } from '../../backend/random.ts';
import { webviewHtml } from '../../extension/panels/html.ts';
import { PanelPort } from '../../extension/panels/port.ts';
import { answerCurves } from '../../extension/series/answers.ts';
import { CurvesHost } from '../../extension/series/curvesHost.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeRun } from './runsFixture.ts';

const root = temporaryFolder();
/** `SIAMSCOPE_FUZZ=100000` for the full count. */
const messages = Number(process.env.SIAMSCOPE_FUZZ ?? 10_000);

const valid: readonly object[] = [
  { kind: 'ready' },
  { kind: 'request', id: 1, call: 'slice', request: { axis: 'step', runs: [0], metrics: [0, 1], range: { min: 1, max: 50 }, columns: 400, smoothing: 0.9 } },
  { kind: 'request', id: 2, call: 'slice', request: { axis: 'images', runs: [0], metrics: [0], range: null, columns: 400, smoothing: 0 } },
  { kind: 'request', id: 3, call: 'saveTable', request: { axis: 'epoch', runs: [0], metric: 0, range: null } },
  { kind: 'request', id: 4, call: 'savePicture', request: { metric: 0, format: 'png', bytes: new ArrayBuffer(8) } },
  { kind: 'request', id: 5, call: 'add', request: {} },
];

/** A copy with something in it changed for something that should not be there. */
function mutated(random: Random, value: unknown): unknown {
  const odd = (): unknown => [null, undefined, NaN, Infinity, -1, 1e309, 2 ** 53, 0.5, '', '../../etc/passwd', '__proto__', 'constructor', 'toString', {}, [], [[]], () => 0, new ArrayBuffer(0), new Uint8Array(3), Object.create(null), new Map(), true, 'x'.repeat(1e4), Array.from({ length: 3000 }, (_, i) => i), { min: 5, max: 5 }, { min: -1.7e308, max: 1.7e308 }, { min: 1, max: '2' }, JSON.parse('{"__proto__":{"polluted":1}}')][random.integer(0, 27)];
  if (typeof value !== 'object' || value === null || value instanceof ArrayBuffer || random.chance(0.15)) return odd();
  if (Array.isArray(value)) return value.map((item) => (random.chance(0.5) ? mutated(random, item) : item));
  const entries = Object.entries(value) as [string, unknown][];
  const at = random.integer(0, Math.max(0, entries.length - 1));
  return Object.fromEntries(entries.flatMap(([key, item], i) => (i !== at ? [[key, item]] : random.chance(0.2) ? [] : [[key, mutated(random, item)]])));
}

test(`${messages} fuzzed messages cause no fault on the host`, async () => {
  const folder = join(root, 'run');
  writeRun(folder, { seed: 1, steps: 60 });
  const host = new CurvesHost([folder], { panel: 'p', known: () => null, onNotice: () => undefined, roots: [] });
  await host.update();
  const sent: ToWebview<unknown, unknown>[] = [];
  const port = new PanelPort({ open: () => host.open(), answer: (call, request) => answerCurves(host, call, request, { save: (name) => Promise.resolve(name), add: () => Promise.resolve(0) }) }, (message) => sent.push(message));
  for (const message of valid) await port.receive(message);
  expect(sent.map(({ kind }) => kind)).toEqual(['open', 'reply', 'reply', 'reply', 'reply', 'reply']);
  const random = new Random(21);
  const failures = new Set<string>();
  for (let i = 0; i < messages; i++) {
    sent.length = 0;
    await port.receive(mutated(random, valid[random.integer(0, valid.length - 1)]));
    expect(sent.length).toBeLessThanOrEqual(1);
    if (sent[0]?.kind === 'failure') failures.add(sent[0].message);
  }
  // Everything that is refused is refused by what checks messages, never by what failed over them later.
  expect([...failures].filter((message) => !message.startsWith("the panel's message is not understood: "))).toEqual([]);
  expect(failures.size).toBeGreaterThan(8);
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  host.dispose();
});

test('the page escapes what it is given, and each has a nonce of its own', () => {
  const page = { script: 'https://x/"><script>', style: "'", source: 'https://x', title: '</title><script>alert(1)</script>', language: 'de' };
  const html = webviewHtml(page);
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).toContain("default-src 'none'; script-src 'nonce-");
  expect(webviewHtml(page)).not.toBe(html);
});
