/** What the augmentation lab's page may ask, checked; the pipeline itself is checked by the schema of run files, where it is used. */
import type { LabBox, LabCalls, LabKey } from '../../backend/protocol.ts';
import { isFields, isWhole, refuse, type Fields } from './messages.ts';

const maxViewsText = 2 ** 16, maxBoxes = 256, maxSeed = 2 ** 32 - 1, maxEpoch = 1e9, maxCards = 60, maxSamples = 100_000, maxPixels = 1e6;

const wholeUpTo = (value: unknown, max: number, what: string): number => (isWhole(value) && value <= max ? value : refuse(`"${what}" is no whole number up to ${max}`));
const truth = (value: unknown, what: string): boolean => (typeof value === 'boolean' ? value : refuse(`"${what}" is neither true nor false`));
const pixels = (value: unknown): number => (typeof value === 'number' && Math.abs(value) <= maxPixels ? value : refuse('a box is no place in an image'));

/** The views as plain JSON, whatever they are. */
function viewsOf(value: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    return refuse('"views" are no list');
  }
  return Array.isArray(value) && text !== undefined && text.length <= maxViewsText ? JSON.parse(text) as unknown : refuse('"views" are no list');
}

function keyOf(value: unknown): LabKey {
  if (!isFields(value)) return refuse('"key" names no sample');
  return { seed: wholeUpTo(value.seed, maxSeed, 'seed'), epoch: wholeUpTo(value.epoch, maxEpoch, 'epoch'), index: wholeUpTo(value.index, maxSeed, 'index'), drawnAs: wholeUpTo(value.drawnAs, maxSeed, 'drawnAs') };
}

function boxOf(value: unknown): LabBox | null {
  if (value === null) return null;
  if (!isFields(value)) return refuse('a box is no place in an image');
  return { top: pixels(value.top), left: pixels(value.left), height: pixels(value.height), width: pixels(value.width), mirrored: truth(value.mirrored, 'mirrored') };
}

const boxesOf = (value: unknown): (LabBox | null)[] => (Array.isArray(value) && value.length <= maxBoxes ? value.map(boxOf) : refuse('"boxes" are no list'));

const parsers: { [K in keyof LabCalls]: (request: Fields) => LabCalls[K]['request'] } = {
  sample: ({ views, key, boxes, withImage }) => ({ views: viewsOf(views), key: keyOf(key), boxes: boxesOf(boxes), withImage: truth(withImage, 'withImage') }),
  cards: ({ views, seed, epoch, from, count }) => ({ views: viewsOf(views), seed: wholeUpTo(seed, maxSeed, 'seed'), epoch: wholeUpTo(epoch, maxEpoch, 'epoch'), from: wholeUpTo(from, maxSeed, 'from'), count: Math.max(1, wholeUpTo(count, maxCards, 'count')) }),
  statistics: ({ views, seed, samples }) => ({ views: viewsOf(views), seed: wholeUpTo(seed, maxSeed, 'seed'), samples: Math.max(1, wholeUpTo(samples, maxSamples, 'samples')) }),
  stopStatistics: () => ({}),
  write: ({ views }) => ({ views: viewsOf(views) }),
  again: () => ({}),
  trust: () => ({}),
  chooseFile: () => ({}),
  showFile: () => ({}),
};

/** A request of the lab's page. Throws MessageError where it is none. */
export function parseLabRequest(call: string, request: unknown): { [K in keyof LabCalls]: { call: K; request: LabCalls[K]['request'] } }[keyof LabCalls] {
  if (!Object.hasOwn(parsers, call)) return refuse('there is no such request');
  if (!isFields(request)) return refuse('the request has no fields');
  return { call, request: parsers[call as keyof LabCalls](request) } as ReturnType<typeof parseLabRequest>;
}
