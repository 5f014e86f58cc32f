/** Views written into a run file's text: only what changes is touched, comments and style stay, and the change undone is the text as it was. */
import { describe, expect, test } from 'vitest';
import { presets } from '../../backend/presets/index.ts';
import type { LabView } from '../../backend/protocol.ts';
import { differenceOf, withViews } from '../../extension/config/runFileViews.ts';

const views = (): LabView[] => [
  { name: 'online', size: 64, crop: { scale: [0.4, 1], ratio: [0.75, 1.3333333333333333], interpolation: 'bicubic' }, ops: [{ op: 'horizontalFlip', p: 0.5 }, { op: 'gaussianBlur', p: 1, sigma: [0.1, 2] }], mask: { kind: 'block', count: 26, minBlock: 16, aspect: [0.3, 3.33] } },
  { name: 'target', size: 64, crop: { scale: [0.4, 1], ratio: [0.75, 1.3333333333333333], interpolation: 'bicubic' }, ops: [{ op: 'horizontalFlip', p: 0.5 }], mask: null },
];

const text = `{
  // Which images.
  "name": "flowers", /* kept */
  "data": { "train": "flowers" },
  "augment": [
    { "name": "online", "size": 64, "crop": { "scale": [0.4, 1], "ratio": [0.75, 1.3333333333333333], "interpolation": "bicubic" },
      "ops": [{ "op": "horizontalFlip", "p": 0.5 }, { "op": "gaussianBlur", "p": 1, "sigma": [0.1, 2] }], // the paper's
      "mask": { "kind": "block", "count": 26 } },
    { "name": "target", "size": 64, "crop": { "scale": [0.4, 1], "ratio": [0.75, 1.3333333333333333], "interpolation": "bicubic" }, "ops": [{ "op": "horizontalFlip", "p": 0.5 }], "mask": null }
  ],
  "schedule": { "steps": 10 }
}
`;

describe('views in a run file', () => {
  test('one value is one small replacement', () => {
    const after = views();
    after[0]!.crop.scale = [0.25, 1];
    const { text: changed, changed: count } = withViews(text, views(), after);
    expect(count).toBe(1);
    expect(changed).toBe(text.replace('"online", "size": 64, "crop": { "scale": [0.4,', '"online", "size": 64, "crop": { "scale": [0.25,'));
    const { offset, length, text: inserted } = differenceOf(text, changed);
    expect(length + inserted.length).toBeLessThan(6);
    expect(changed.slice(0, offset) + text.slice(offset, offset + length) + changed.slice(offset + inserted.length)).toBe(text);
  });

  test('defaults that the file leaves out stay out, and nothing is written where nothing changed', () => {
    const after = views();
    after[0]!.mask = { kind: 'block', count: 30, minBlock: 16, aspect: [0.3, 3.33] };
    expect(withViews(text, views(), after).text).toBe(text.replace('"count": 26', '"count": 30'));
    expect(withViews(text, views(), views())).toEqual({ text, changed: 0 });
  });

  test('an op that is added, a mask of another kind and a mask that is taken away', () => {
    const after = views();
    after[1]!.ops.push({ op: 'solarize', p: 0.2, threshold: 128 });
    after[0]!.mask = { kind: 'random', count: 20 };
    const first = withViews(text, views(), after).text;
    expect(first).toContain('"ops": [{ "op": "horizontalFlip", "p": 0.5 }, { "op": "solarize", "p": 0.2, "threshold": 128 }], "mask": null }');
    expect(first).toContain('"mask": { "kind": "random", "count": 20 } }');
    for (const comment of ['// Which images.', '/* kept */', "// the paper's"]) expect(first).toContain(comment);
    const without = structuredClone(after);
    without[0]!.mask = null;
    expect(withViews(first, after, without).text).toContain('"mask": null },\n    { "name": "target"');
  });

  test('a file without views of its own gets them all, in its own style', () => {
    for (const [indent, eol] of [['    ', '\n'], ['\t', '\r\n'], ['  ', '\n']] as const) {
      const own = `{\n${indent}"name": "flowers",\n${indent}"preset": "demo"\n}\n`.replaceAll('\n', eol);
      const after = views();
      after[0]!.crop.scale = [0.25, 1];
      const { text: changed } = withViews(own, views(), after);
      const parsed = JSON.parse(changed) as { augment: unknown; name: string };
      expect(parsed).toMatchObject({ name: 'flowers', augment: after });
      expect(changed.startsWith(own.slice(0, own.indexOf('"demo"') + 6))).toBe(true);
      expect(changed.includes('\n') && !/[^\r]\n/.test(changed)).toBe(eol === '\r\n');
      // Numbers of a pair stay on one line.
      expect(changed).toContain('[0.25, 1]');
    }
  });

  test('the presets\' own views are written and read again', () => {
    const own = presets.demo!.augment as LabView[];
    const after = structuredClone(own);
    after[1]!.ops = [];
    const file = JSON.stringify({ name: 'x', augment: own }, null, 2);
    expect((JSON.parse(withViews(file, own, after).text) as { augment: unknown }).augment).toEqual(after);
  });
});
