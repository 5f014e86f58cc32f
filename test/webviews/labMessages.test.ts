/** What the lab's page may say to its host: damaged messages cause no fault, each request is answered once, and none reaches the process that draws unchecked. */
import { expect, test } from 'vitest';
import type { LabSetup, LabTraining, ToWebview } from '../../backend/protocol.ts';
import { Random } from '../../backend/random.ts';
import { LabHost, type Asks } from '../../extension/panels/augmentationHost.ts';
import { PanelPort } from '../../extension/panels/port.ts';

/** `SIAMSCOPE_FUZZ=100000` for the full count. */
const messages = Number(process.env.SIAMSCOPE_FUZZ ?? 10_000);

const key = { seed: 1, epoch: 2, index: 3, drawnAs: 3 }, views = [{ name: 'online' }];
const valid: readonly object[] = [
  { kind: 'ready' },
  { kind: 'request', id: 1, call: 'sample', request: { views, key, boxes: [null, { top: 1, left: 2, width: 3, height: 4, mirrored: false }], withImage: true } },
  { kind: 'request', id: 2, call: 'cards', request: { views, seed: 1, epoch: 0, from: 5, count: 24 } },
  { kind: 'request', id: 3, call: 'statistics', request: { views, seed: 1, samples: 5000 } },
  { kind: 'request', id: 4, call: 'write', request: { views } },
  ...['stopStatistics', 'again', 'trust', 'chooseFile', 'showFile'].map((call, i) => ({ kind: 'request', id: 5 + i, call, request: {} })),
];

const circular: unknown[] = [];
circular.push(circular);

/** A copy with something in it changed for something that should not be there. */
function mutated(random: Random, value: unknown): unknown {
  const odd = (): unknown => [null, undefined, NaN, Infinity, -1, 1e309, 2 ** 53, 0.5, '', '../../etc/passwd', '__proto__', 'constructor', {}, [], [[]], circular, new ArrayBuffer(0), new Map(), true, 'x'.repeat(1e5), Array.from({ length: 3000 }, () => null), { path: '/etc/passwd' }, JSON.parse('{"__proto__":{"polluted":1}}'), JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`)][random.integer(0, 23)];
  if (typeof value !== 'object' || value === null || random.chance(0.15)) return odd();
  if (Array.isArray(value)) return value.map((item) => (random.chance(0.5) ? mutated(random, item) : item));
  const entries = Object.entries(value) as [string, unknown][];
  const at = random.integer(0, Math.max(0, entries.length - 1));
  return Object.fromEntries(entries.flatMap(([name, item], i) => (i !== at ? [[name, item]] : random.chance(0.2) ? [] : [[name, mutated(random, item)]])));
}

test(`${messages} fuzzed messages cause no fault on the lab's host`, async () => {
  const asked: { call: string; request: Record<string, unknown> }[] = [];
  const setup: LabSetup & { source: { kind: 'dataset'; path: string }; training: LabTraining } = { training: { method: { name: 'siamese' }, batchSize: 4, accumulate: 1, repeats: 1 }, source: { kind: 'dataset', path: '/images' }, method: 'siamese', views: [], masks: [], hides: true, cell: 'patch', patchSize: 16, sameCrop: false, seed: 0, images: 10, positionWidth: 64, ops: [] };
  const replies: Record<string, object> = { 'augmentation/describe': setup, 'augmentation/check': { views: [] } };
  const backend = {
    ask: (call: string, request: object) => {
      asked.push({ call, request: request as Record<string, unknown> });
      return Promise.resolve(replies[call] ?? { bytes: new Uint8Array(4), cards: [] });
    },
  } as unknown as Asks;
  const done = (): Promise<void> => Promise.resolve();
  const host = new LabHost({ panel: 'p', backend, file: { path: '/a.siam.json', name: 'a', read: () => Promise.resolve('{}') }, image: null, trusted: () => true, replace: done, choose: done, trust: done, showFile: done, onNotice: () => undefined });
  await host.look(true);
  const sent: ToWebview<unknown, unknown>[] = [];
  const port = new PanelPort({ open: () => host.open(), answer: (call, request) => host.answer(call, request) }, (message) => sent.push(message));
  for (const message of valid) await port.receive(message);
  expect(sent.map(({ kind }) => kind)).toEqual(['open', ...valid.slice(1).map(() => 'reply')]);
  // The page is told no path.
  expect(JSON.stringify(sent[0])).not.toContain('/images');
  const random = new Random(23);
  const failures = new Set<string>();
  for (let i = 0; i < messages; i++) {
    sent.length = 0;
    await port.receive(mutated(random, valid[random.integer(0, valid.length - 1)]));
    expect(sent.length).toBeLessThanOrEqual(1);
    if (sent[0]?.kind === 'failure') failures.add(sent[0].message);
  }
  expect([...failures].filter((message) => !message.startsWith("the panel's message is not understood: "))).toEqual([]);
  expect(failures.size).toBeGreaterThan(8);
  // Where the images and the file lie is the host's to say.
  for (const { call, request } of asked) {
    if (call === 'augmentation/check' || call === 'augmentation/describe') expect(request.file).toEqual({ path: '/a.siam.json', text: '{}' });
    else expect(request.source).toEqual(setup.source);
    if (request.views !== undefined) expect(Array.isArray(request.views) && JSON.stringify(request.views).length <= 2 ** 16).toBe(true);
  }
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  host.dispose();
});
