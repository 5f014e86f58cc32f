/** Dense correspondence: models, images and features that the user chooses, brought together on the page. Pairs are asked for one at a time for each column, and the latest choice always. */
import type { LookCalls, LookedModel, LookModel, LookNotice, LookOpen, LookPairRequest, MatchRates, PairChoice, Sorted } from '../../backend/protocol.ts';
import { Host } from '../common/messaging.ts';
import { onThemeChange } from '../common/theme.ts';
import '../common/common.css';
import './correspondence.css';
import { codesAnswer } from './codes.ts';
import { Column, legendOfMarks, noExtras, type Extras } from './column.ts';
import { MatchTable } from './matchTable.ts';
import { assignedAnswer, membersOf, type Pictured, type Sorting } from './members.ts';
import { Page } from './page.ts';
import { Pair } from './pair.ts';
import { pictureOfColumns } from './snapshot.ts';
import { pairsText, scoreOf, verdict, type Score } from './scores.ts';
import { lookOf, lookOfMode, mostColumns, mostPins, restoreView, sortedBy, type ColumnChoice, type Mode, type Pointed } from './view.ts';
import { errorText, placeText } from './words.ts';

/** Pairs that are kept for a slider that goes back. */
const keptPairs = 32;
/** How long a played checkpoint stays. */
const playMilliseconds = 700;
/** After a slider rests, what takes a while is asked for. */
const settleMilliseconds = 350;

interface Shown {
  choice: ColumnChoice;
  column: Column;
  asking: boolean;
  /** What the column's pair is of. */
  key: string;
  extras: Extras;
  extrasKey: string;
}

let state: LookOpen | null = null;
const shown: Shown[] = [];
let pointed: Pointed | null = null;
let playing: { shown: Shown; timer: ReturnType<typeof setTimeout> } | null = null;
let measuring = false;
const models = new Map<string, LookedModel>();
const pairs = new Map<string, Pair>();
const rates = new Map<string, MatchRates>();
const sortings = new Map<string, Sorting>();
/** Pictures of what belongs to one code or prototype; the last few. */
const pictured = new Map<string, Pictured>();

const host = new Host<LookCalls, LookOpen, LookNotice>(take, (notice) => {
  if (notice.kind === 'state') return take(notice.state);
  if (measuring && notice.done !== null) page.measuring(notice.done, notice.total ?? 0);
  else page.waits(notice.done === null ? `${notice.text}…` : '');
});
const view = restoreView(host.state);
const table = new MatchTable();

const page = new Page({
  change(change) {
    Object.assign(view, change);
    if ('other' in change || 'views' in change) view.pins = [];
    remember();
    render();
    if (['layer', 'branch', 'other', 'views', 'masked'].some((name) => name in change)) refresh();
    else if ('mode' in change) {
      repaint();
      answer();
    }
    else drawAll();
    if (['block', 'mode'].some((name) => name in change)) refreshExtras();
  },
  go(index, other) {
    const count = (other ? (state?.others ?? state?.images) : state?.images)?.count ?? 1;
    const next = index === -1 ? view.index + 1 : index === -2 ? view.index - 1 : index;
    if (!other) return goTo(((next % count) + count) % count);
    view.other = Math.min(count - 1, next);
    goTo(view.index);
  },
  reroll() {
    view.seed = (view.seed + 1) % 2 ** 32;
    view.pins = [];
    remember();
    refresh();
  },
  addColumn: () => void addColumn(),
  addUntrained() {
    const [first] = view.columns;
    if (first) addChoice({ ...first, untrained: true, step: 0 });
  },
  chooseImages(others) {
    void host.ask('chooseImages', { others, run: false }, { patient: true }).then(() => {
      if (others) view.other = 0;
      view.pins = [];
      render();
      refresh();
    }).catch(complain);
  },
  ownImages: () => void host.ask('chooseImages', { others: false, run: true }, { patient: true }).catch(complain),
  unpin() {
    view.pins = [];
    remember();
    drawAll();
  },
  measure: () => void measure(),
  stop: () => void host.ask('stopRates', {}).catch(() => undefined),
  copy: () => void copy(),
  save: () => void save(),
  // What is chosen first is shown of itself.
  choose: () => void host.ask('addSubject', {}, { patient: true }).catch(complain),
  trust: () => void host.ask('trust', {}, { patient: true }).catch(complain),
  again: () => void host.ask('again', {}, { patient: true }).catch(complain),
}, legendOfMarks(), table.element);

page.show(null, view, []);
onThemeChange(() => repaint());
let width = 0;
new ResizeObserver(() => {
  if (page.columns.clientWidth === width) return;
  width = page.columns.clientWidth;
  repaint();
}).observe(page.columns);

function take(next: LookOpen): void {
  const before = state;
  state = next;
  view.panel = next.panel;
  if (view.columns.length === 0 && next.subjects.length > 0) view.columns = [{ subject: 0, step: next.subjects[0]!.opened, untrained: false }];
  view.columns = view.columns.filter(({ subject }) => subject < next.subjects.length);
  if (next.images && view.index >= next.images.count) view.index = 0;
  // Other images have other pictures under the same numbers.
  if (before?.images && (JSON.stringify(before.images) !== JSON.stringify(next.images) || JSON.stringify(before.others) !== JSON.stringify(next.others))) {
    pairs.clear();
    rates.clear();
    sortings.clear();
    pictured.clear();
    for (const one of shown) one.key = '';
    view.pins = [];
  }
  remember();
  render();
  refresh();
}

function goTo(index: number): void {
  view.index = index;
  view.pins = [];
  view.entry = null;
  remember();
  render();
  refresh();
}

const remember = (): void => {
  host.state = view;
};

/** Columns as they are chosen. */
function render(): void {
  while (shown.length > view.columns.length) shown.pop()!.column.element.remove();
  view.columns.forEach((choice, i) => {
    if (!shown[i]) {
      shown[i] = makeColumn();
      page.columns.append(shown[i].column.element);
    }
    shown[i].choice = choice;
  });
  page.columns.dataset.count = String(shown.length);
  page.body.dataset.mode = modeNow();
  page.show(state, viewNow(), view.columns.flatMap((choice) => modelOf(choice) ?? []));
  for (const one of shown) {
    const subject = state?.subjects[one.choice.subject];
    if (subject) one.column.show(subject, one.choice, modelOf(one.choice), shown.length === 1, playing?.shown === one);
  }
}

function makeColumn(): Shown {
  const one: Shown = {
    choice: { subject: 0, step: null, untrained: false }, asking: false, key: '', extras: noExtras(), extrasKey: '',
    column: new Column({
      point(at) {
        point(at);
      },
      pin(at) {
        const cell = (other: Pointed): string => `${other.side} ${one.column.pair ? one.column.patchOf(other) : ''}`;
        const same = view.pins.findIndex((pin) => cell(pin) === cell(at));
        view.pins = same >= 0 ? view.pins.filter((_, i) => i !== same) : [...view.pins, at].slice(-mostPins);
        remember();
        drawAll();
      },
      head(head) {
        view.head = head;
        remember();
        render();
        drawAll();
      },
      members: {
        choose(entry) {
          view.entry = entry;
          remember();
          drawAll();
        },
        go(image) {
          goTo(image);
        },
      },
      step(value) {
        pause();
        setStep(one, value);
      },
      play: () => play(one),
      remove() {
        pause();
        view.columns.splice(shown.indexOf(one), 1);
        shown.splice(shown.indexOf(one), 1);
        one.column.element.remove();
        remember();
        render();
        repaint();
      },
    }),
  };
  return one;
}

let pointing = false;

/** Follows the pointer, once a frame at most. */
function point(at: Pointed | null): void {
  pointed = at;
  if (pointing) return;
  pointing = true;
  requestAnimationFrame(() => {
    pointing = false;
    const began = performance.now();
    for (const one of shown) one.column.draw(viewNow(), pointed, view.pins, one.extras);
    performance.measure('look-pointed', { start: began, end: performance.now() });
  });
}

function setStep(one: Shown, value: number | null): void {
  const steps = state?.subjects[one.choice.subject]?.steps ?? [];
  const { living } = state?.subjects[one.choice.subject] ?? { living: false };
  // The newest of a run that goes on is followed.
  one.choice.step = value !== null && living && value === steps.at(-1) ? null : value;
  one.choice.untrained = false;
  remember();
  render();
  refresh();
}

/** From the first checkpoint to the newest, each as long as it takes and a little longer. */
function play(one: Shown): void {
  if (playing) return pause();
  const steps = state?.subjects[one.choice.subject]?.steps ?? [];
  const now = steps.indexOf(stepOf(one.choice) ?? -1);
  let next = now < 0 || now === steps.length - 1 ? 0 : now + 1;
  const turn = (): void => {
    const known = state?.subjects[one.choice.subject]?.steps ?? [];
    if (next >= known.length) return pause();
    if (one.asking) {
      playing = { shown: one, timer: setTimeout(turn, 50) };
      return;
    }
    playing = { shown: one, timer: setTimeout(turn, playMilliseconds) };
    setStep(one, known[next++]!);
  };
  turn();
}

function pause(): void {
  if (!playing) return;
  clearTimeout(playing.timer);
  playing = null;
  render();
}

/** The step that is meant; null: a file's. */
const stepOf = ({ subject, step, untrained }: ColumnChoice): number | null => (untrained ? 0 : (step ?? state?.subjects[subject]?.steps.at(-1) ?? null));
const isUntrained = (choice: ColumnChoice): boolean => choice.untrained || stepOf(choice) === 0;
const asked = (choice: ColumnChoice): LookModel => ({ subject: choice.subject, step: stepOf(choice), untrained: isUntrained(choice) });
const modelKey = (choice: ColumnChoice): string => `${choice.subject} ${String(stepOf(choice))} ${isUntrained(choice)}`;
const modelOf = (choice: ColumnChoice | undefined): LookedModel | null => (choice ? (models.get(String(choice.subject)) ?? null) : null);

/** Modes that any model here offers. */
const offered = (mode: Mode): boolean => view.columns.some((choice) => !modelOf(choice) || lookOf(modelOf(choice), lookOfMode[mode]));
const modeNow = (): Mode => (offered(view.mode) ? view.mode : 'similarity');
/** The choice as it can be shown. */
const viewNow = () => ({ ...view, mode: modeNow() });

/** What is asked of a column's model: where it has no such layer, branch or view, the nearest that it has. */
function choiceFor(choice: ColumnChoice): PairChoice {
  const model = modelOf(choice);
  const layer = !model || lookOf(model, 'features')?.layers.includes(view.layer) ? view.layer : 'encoder';
  const has = (name: string): boolean => model?.views.some((own) => own.name === name) ?? true;
  return { seed: view.seed, branch: model && !model.branches.includes(view.branch) ? 'online' : view.branch, layer, views: view.other === null && view.views && has(view.views.a) && has(view.views.b) ? view.views : null, masked: view.masked };
}

/** What a column cannot show as it was chosen. */
function lacking(choice: ColumnChoice): string | null {
  const model = modelOf(choice), asked = choiceFor(choice);
  if (!model) return null;
  const { mode } = viewNow();
  if (!lookOf(model, lookOfMode[mode])) return `this model has no ${mode}`;
  if (asked.layer !== view.layer) return 'this model has no such layer: its encoder\'s output is shown';
  return view.other === null && view.views && !asked.views ? 'training takes no such views here: two crops drawn alike for every method are shown' : null;
}

const pairKey = (choice: ColumnChoice): string => JSON.stringify([modelKey(choice), view.index, view.other, choiceFor(choice)]);

/** Asks for what each column should show now. */
function refresh(): void {
  if (!state?.images || !state.trusted) return;
  for (const one of shown) void refreshColumn(one);
}

async function refreshColumn(one: Shown): Promise<void> {
  if (one.asking) return;
  one.asking = true;
  try {
    while (shown.includes(one)) {
      if (!modelOf(one.choice)) {
        const { choice } = one;
        one.column.waits(true);
        models.set(String(choice.subject), await host.ask('model', asked(choice), { patient: true }));
        settle();
        render();
      }
      const key = pairKey(one.choice);
      if (key === one.key) break;
      const kept = pairs.get(key);
      const began = performance.now();
      if (!kept) one.column.waits(true);
      const pair = kept ?? (await askPair(one.choice, key));
      if (key !== pairKey(one.choice)) continue;
      one.key = key;
      one.extras = noExtras();
      one.extrasKey = '';
      one.column.take(pair, lacking(one.choice));
      one.column.waits(false);
      page.waits('');
      paint(one);
      performance.measure('look-shown', { start: began, end: performance.now() });
      settle();
    }
  } catch (error) {
    one.key = '';
    one.column.waits(false);
    one.column.take(null, messageOf(error));
  } finally {
    one.asking = false;
  }
}

async function askPair(choice: ColumnChoice, key: string): Promise<Pair> {
  const settings = choiceFor(choice);
  const reply = await host.ask('pair', { model: asked(choice), a: view.index, b: view.other, ...settings }, { patient: true });
  const pair = new Pair(reply, settings.layer === 'prediction');
  pairs.set(key, pair);
  if (pairs.size > keptPairs) pairs.delete(pairs.keys().next().value!);
  return pair;
}

let settling: ReturnType<typeof setTimeout> | undefined;
/** Once nothing moves: the untrained model's rates, attention, reconstructions. */
function settle(): void {
  answer();
  refreshExtras();
  clearTimeout(settling);
  settling = setTimeout(() => void compareUntrained(), settleMilliseconds);
}

const ratesKey = (choice: ColumnChoice, untrained: boolean, only: number | null): string => JSON.stringify([untrained ? `${choice.subject} untrained` : modelKey(choice), only, only === null ? view.pairs : 1, only === null ? null : view.seed, { ...choiceFor({ ...choice, untrained: false }), seed: null }]);

/** The same pair by the model before its first step. */
async function compareUntrained(): Promise<void> {
  if (view.other !== null || playing) return;
  for (const { choice } of [...shown]) {
    const key = ratesKey(choice, true, view.index);
    if (rates.has(key) || isUntrained(choice)) continue;
    try {
      rates.set(key, await host.ask('rates', { model: { ...asked(choice), untrained: true }, only: view.index, pairs: 1, ...choiceFor(choice) }, { patient: true }));
    } catch {
      // The pair itself says what is wrong; a newer one has taken this one's place.
      return;
    }
    page.waits('');
    answer();
  }
}

/** Many images, of every column: pairs of views, by the untrained model too; or sorted by codes or prototypes. */
async function measure(): Promise<void> {
  measuring = true;
  const by = sortedBy(modeNow());
  try {
    for (const { choice } of [...shown])
      if (by) await sort(choice, by);
      else for (const untrained of isUntrained(choice) ? [true] : [false, true]) await measureRates(choice, untrained);
  } catch (error) {
    if (!/cancel/i.test(messageOf(error))) complain(error);
  } finally {
    measuring = false;
    page.measuring(null, 0);
    page.waits('');
  }
}

async function measureRates(choice: ColumnChoice, untrained: boolean): Promise<void> {
  const key = ratesKey(choice, untrained, null);
  if (rates.has(key)) return;
  page.measuring(0, 1);
  rates.set(key, await host.ask('rates', { model: { ...asked(choice), untrained }, only: null, pairs: view.pairs, ...choiceFor(choice), seed: 0 }, { patient: true }));
  answer();
}

const sortingKey = (choice: ColumnChoice, by: Sorted): string => JSON.stringify([modelKey(choice), by, view.pairs]);

async function sort(choice: ColumnChoice, by: Sorted): Promise<void> {
  const key = sortingKey(choice, by);
  if (sortings.has(key) || !lookOf(modelOf(choice), by)) return;
  page.measuring(0, 1);
  const { counts, members, shares, ...facts } = await host.ask('gather', { model: asked(choice), by, count: Math.min(view.pairs, state?.images?.count ?? 1) }, { patient: true });
  sortings.set(key, { ...facts, counts: new Int32Array(counts), members: new Int32Array(members), shares: new Float32Array(shares) });
  drawAll();
}

/** The code or prototype that a column shows more of. */
function entryOf({ column, extras }: Shown, by: Sorted): number | null {
  if (by === 'prototypes') return view.entry ?? extras.assigned?.a.prototypes[0] ?? null;
  const pin = view.pins.at(-1);
  return pin && extras.codes && column.pair ? (extras.codes[pin.side][column.patchOf(pin)] ?? null) : null;
}

/** What belongs to the code or prototype, of the images that were sorted; pictures of it come when they are here. */
function showMembers(one: Shown): void {
  const by = sortedBy(modeNow()), { members } = one.column;
  if (!by || !lookOf(modelOf(one.choice), by)) return members.show(null, null, null, null, null);
  const entry = entryOf(one, by), sorting = sortings.get(sortingKey(one.choice, by)) ?? null;
  const nearest = sorting && entry !== null && entry < sorting.counts.length ? membersOf(sorting, entry) : [];
  const key = JSON.stringify([modelKey(one.choice), nearest.map(({ image }) => image)]);
  members.grid = modelOf(one.choice)?.grid ?? 1;
  members.show(by, one.extras.assigned, entry, sorting, pictured.get(key) ?? null);
  if (nearest.length > 0 && !pictured.has(key)) void loadPictures(one, key, nearest.map(({ image }) => image));
}

const loadingPictures = new Set<string>();

async function loadPictures(one: Shown, key: string, indices: number[]): Promise<void> {
  if (loadingPictures.has(key)) return;
  loadingPictures.add(key);
  try {
    const { imageSize, names, pixels } = await host.ask('pictures', { model: asked(one.choice), indices }, { patient: true });
    pictured.set(key, { imageSize, names, pixels: new Uint8Array(pixels) });
    if (pictured.size > keptPairs) pictured.delete(pictured.keys().next().value!);
    showMembers(one);
  } catch (error) {
    complain(error);
  } finally {
    loadingPictures.delete(key);
  }
}

/** What is known of a column, the pair that is shown first. */
function scoresOf({ choice, column }: Shown): Score[] {
  const scores: Score[] = [];
  const own = column.pair?.facts.pck;
  if (own) scores.push(scoreOf('this pair', own, isUntrained(choice) ? null : (rates.get(ratesKey(choice, true, view.index)) ?? null)));
  const many = rates.get(ratesKey(choice, isUntrained(choice), null));
  if (many) scores.push(scoreOf(pairsText(many.pairs), many, isUntrained(choice) ? null : (rates.get(ratesKey(choice, true, null)) ?? null)));
  return scores;
}

/** The screen's question, answered for the first column. */
function answer(): void {
  for (const one of shown) one.column.score(scoresOf(one));
  const [first] = shown;
  const pair = first?.column.pair;
  if (!first || !pair) return;
  const { nameA, nameB, pck } = pair.facts;
  const many = scoresOf(first).find(({ title }) => title !== 'this pair'), own = scoresOf(first).find(({ title }) => title === 'this pair');
  const { bold, rest } = answerOf(first) ?? (many ? verdict(many, null) : own && pck ? verdict(own, pck.patches)
    : { bold: view.other === null ? 'These views share nothing' : `${first.column.mutual.length} of ${pair.grid.a ** 2} patches are each other's best match`, rest: view.other === null ? ': draw others.' : '. Of two images nobody knows the truth.' });
  page.answer(bold, rest, view.other === null ? nameA : `${nameA} · ${nameB}`);
}

/** The answer of the modes that are not about matches; null: those are asked about, or it is not known yet. */
function answerOf({ column, extras }: Shown): { bold: string; rest: string } | null {
  const { pair } = column;
  if (modeNow() === 'codes' && extras.codes && pair) return codesAnswer(pair, extras.codes);
  return modeNow() === 'prototypes' && extras.assigned ? assignedAnswer(extras.assigned) : null;
}

/** Attention and reconstructions, where they are shown. */
function refreshExtras(): void {
  for (const one of shown) void loadExtras(one);
}

async function loadExtras(one: Shown): Promise<void> {
  const model = modelOf(one.choice), mode = modeNow();
  if (!one.column.pair || !model || !lookOf(model, lookOfMode[mode])) return;
  const block = Math.min(view.block ?? Infinity, (lookOf(model, 'attention')?.blocks ?? 1) - 1);
  const key = JSON.stringify([one.key, mode, mode === 'attention' ? block : null]);
  if (key === one.extrasKey) return;
  one.extrasKey = key;
  const request = { model: asked(one.choice), a: view.index, b: view.other, ...choiceFor(one.choice) };
  try {
    const found = await askExtras(mode, request, block);
    if (key === one.extrasKey) Object.assign(one.extras, found);
  } catch (error) {
    complain(error);
  }
  paint(one);
  answer();
}

/** What a mode shows besides features. */
async function askExtras(mode: Mode, request: LookPairRequest, block: number): Promise<Partial<Extras>> {
  switch (mode) {
    case 'attention': {
      const of = async (side: 'a' | 'b') => {
        const { probabilities, ...maps } = await host.ask('attention', { ...request, view: side, block }, { patient: true });
        return { ...maps, probabilities: new Float32Array(probabilities) };
      };
      return { attention: { a: await of('a'), b: await of('b') } };
    }
    case 'codes': {
      const { a, b } = await host.ask('codes', request, { patient: true });
      return { codes: { a: new Int32Array(a), b: new Int32Array(b) } };
    }
    case 'prototypes': return { assigned: await host.ask('assignments', request, { patient: true }) };
    case 'reconstruction': {
      const { pixels, mask, normalised } = await host.ask('reconstruction', request, { patient: true });
      return { painted: { mask, normalised, pixels: new Uint8Array(pixels) } };
    }
    default: return {};
  }
}

function paint(one: Shown): void {
  one.column.paint(viewNow(), one.extras);
  one.column.draw(viewNow(), pointed, view.pins, one.extras);
  showMembers(one);
  showMatches();
}

function repaint(): void {
  for (const one of shown) paint(one);
}

function drawAll(): void {
  for (const one of shown) {
    one.column.draw(viewNow(), pointed, view.pins, one.extras);
    showMembers(one);
  }
  showMatches();
}

/** The tables beside the pictures, and the span of the threshold. */
function showMatches(): void {
  const all = shown.flatMap(({ column }) => column.mutual.map(({ cosine }) => cosine));
  if (all.length > 0) page.matches(Math.min(...all), Math.max(...all), view.threshold);
  table.show(shown.map(({ column, choice }) => ({ name: nameOf(choice), pair: column.pair })));
  page.pinned(view.pins.flatMap((pin, i) => shown.flatMap(({ column, choice }) => {
    const { pair } = column;
    if (!pair) return [];
    const patch = column.patchOf(pin), query = pair.query(pin.side, patch);
    const from = `${pin.side}, ${placeText(pair.centre(pin.side, patch))}`;
    if (typeof query === 'string') return [[String(i + 1), nameOf(choice), from, query, '', '', '']];
    const { best, values, over, truth, distance, error } = query;
    return [[String(i + 1), nameOf(choice), from, `${over}, ${placeText(pair.centre(over, best))}`, values[best]!.toFixed(3), truth ? placeText(truth) : '–', errorText(distance, error)]];
  })));
}

function nameOf(choice: ColumnChoice): string {
  const name = state?.subjects[choice.subject]?.name ?? '', step = stepOf(choice);
  return isUntrained(choice) ? `${name}, untrained` : step === null ? name : `${name}, step ${step}`;
}

async function addColumn(): Promise<void> {
  try {
    const subject = await host.ask('addSubject', {}, { patient: true });
    if (subject !== null) addChoice({ subject, step: state?.subjects[subject]?.opened ?? null, untrained: false });
  } catch (error) {
    complain(error);
  }
}

function addChoice(choice: ColumnChoice): void {
  if (view.columns.length >= mostColumns) return page.say(`There is room for ${mostColumns}: remove one first.`);
  view.columns.push(choice);
  remember();
  render();
  refresh();
  repaint();
}

const snapshot = (): Promise<Blob> => pictureOfColumns(shown.map(({ column }) => column.snapshot()));

async function copy(): Promise<void> {
  try {
    // Given as a promise, so that the click still counts as one when it is there.
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': snapshot() })]);
    page.say('The picture is on the clipboard.');
  } catch (error) {
    complain(new Error(`The picture cannot be copied here (${messageOf(error)}): save it instead.`));
  }
}

async function save(): Promise<void> {
  try {
    const bytes = await (await snapshot()).arrayBuffer();
    const name = `correspondence-${(state?.subjects[0]?.name ?? 'pair').replace(/[^\w-]+/g, '-').slice(0, 40)}`;
    const saved = await host.ask('savePicture', { name, bytes }, { patient: true });
    if (saved !== null) page.say(`Saved as ${saved}.`);
  } catch (error) {
    complain(error);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function complain(error: unknown): void {
  page.trouble(messageOf(error));
}
