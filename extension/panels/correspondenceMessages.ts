/** What the correspondence view's page may ask, checked; layers and images are checked where they are used. */
import type { LookCalls, LookModel, LookPairRequest, PairChoice } from '../../backend/protocol.ts';
import { isFields, isWhole, refuse, type Fields } from './messages.ts';

const maxSeed = 2 ** 32 - 1, maxSubjects = 100, maxPairs = 4096, maxBlocks = 1000, maxPictureBytes = 2 ** 26, maxGathered = 100_000, maxPictures = 24;

const wholeUpTo = (value: unknown, max: number, what: string): number => (isWhole(value) && value <= max ? value : refuse(`"${what}" is no whole number up to ${max}`));
const truth = (value: unknown, what: string): boolean => (typeof value === 'boolean' ? value : refuse(`"${what}" is neither true nor false`));

function modelOf(value: unknown): LookModel {
  if (!isFields(value)) return refuse('"model" names no model');
  return { subject: wholeUpTo(value.subject, maxSubjects, 'subject'), step: value.step === null ? null : wholeUpTo(value.step, Number.MAX_SAFE_INTEGER, 'step'), untrained: truth(value.untrained, 'untrained') };
}

function viewsOf(value: unknown): PairChoice['views'] {
  if (value === null) return null;
  if (!isFields(value)) return refuse('"views" are none');
  const name = (of: unknown): string => (typeof of === 'string' && of.length <= 64 ? of : refuse('"views" have no names'));
  return { a: name(value.a), b: name(value.b) };
}

function choiceOf({ seed, branch, layer, views, masked }: Fields): PairChoice {
  return {
    seed: wholeUpTo(seed, maxSeed, 'seed'),
    branch: branch === 'online' || branch === 'target' ? branch : refuse('"branch" is none that there is'),
    layer: typeof layer === 'string' && layer.length <= 20 ? layer : refuse('"layer" is no name'),
    views: viewsOf(views),
    masked: truth(masked, 'masked'),
  };
}

const pairOf = (request: Fields): LookPairRequest => ({ model: modelOf(request.model), a: wholeUpTo(request.a, maxSeed, 'a'), b: request.b === null ? null : wholeUpTo(request.b, maxSeed, 'b'), ...choiceOf(request) });

const parsers: { [K in keyof LookCalls]: (request: Fields) => LookCalls[K]['request'] } = {
  model: modelOf,
  pair: pairOf,
  rates: (request) => ({ model: modelOf(request.model), only: request.only === null ? null : wholeUpTo(request.only, maxSeed, 'only'), pairs: Math.max(1, wholeUpTo(request.pairs, maxPairs, 'pairs')), ...choiceOf(request) }),
  stopRates: () => ({}),
  attention: (request) => ({ ...pairOf(request), view: request.view === 'a' || request.view === 'b' ? request.view : refuse('"view" is neither a nor b'), block: wholeUpTo(request.block, maxBlocks, 'block') }),
  codes: pairOf,
  assignments: pairOf,
  gather: (request) => ({ model: modelOf(request.model), by: request.by === 'codes' || request.by === 'prototypes' ? request.by : refuse('"by" is nothing that images are sorted by'), count: Math.max(1, wholeUpTo(request.count, maxGathered, 'count')) }),
  pictures: ({ model, indices }) => ({ model: modelOf(model), indices: Array.isArray(indices) && indices.length <= maxPictures ? indices.map((index) => wholeUpTo(index, maxSeed, 'indices')) : refuse('"indices" are no images') }),
  reconstruction: pairOf,
  addSubject: () => ({}),
  chooseImages: ({ others, run }) => ({ others: truth(others, 'others'), run: truth(run, 'run') }),
  savePicture: ({ name, bytes }) => ({
    name: typeof name === 'string' && /^[\w-]{1,80}$/.test(name) ? name : refuse('"name" is no name of a picture'),
    bytes: bytes instanceof ArrayBuffer && bytes.byteLength <= maxPictureBytes ? bytes : refuse('"bytes" are no picture'),
  }),
  again: () => ({}),
  trust: () => ({}),
};

/** A request of the correspondence view's page. Throws MessageError where it is none. */
export function parseLookRequest(call: string, request: unknown): { [K in keyof LookCalls]: { call: K; request: LookCalls[K]['request'] } }[keyof LookCalls] {
  if (!Object.hasOwn(parsers, call)) return refuse('there is no such request');
  if (!isFields(request)) return refuse('the request has no fields');
  return { call, request: parsers[call as keyof LookCalls](request) } as ReturnType<typeof parseLookRequest>;
}
