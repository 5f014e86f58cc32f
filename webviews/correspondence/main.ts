/** Dense correspondence: models, images and features that the user chooses, brought together on the page. Pairs are asked for one at a time for each column, and the latest choice always. */
import type { LookCalls, LookNotice, LookOpen, Sorted } from '../../backend/protocol.ts';
import { Host } from '../common/messaging.ts';
import { onThemeChange } from '../common/theme.ts';
import '../common/common.css';
import './correspondence.css';
import { Answers } from './answers.ts';
import { Choices } from './choices.ts';
import { Column, legendOfMarks, noExtras } from './column.ts';
import { MatchTable } from './matchTable.ts';
import { membersOf } from './members.ts';
import { Page } from './page.ts';
import { Player } from './player.ts';
import { answerOf, pinRows, scoresOf, type Shown } from './shown.ts';
import { pictureOfColumns } from './snapshot.ts';
import { lookOf, lookOfMode, mostColumns, mostPins, restoreView, sortedBy, type ColumnChoice, type Pointed } from './view.ts';

/** After a slider rests, what takes a while is asked for. */
const settleMilliseconds = 350;

const shown: Shown[] = [];
let pointed: Pointed | null = null;
let measuring = false;

const host = new Host<LookCalls, LookOpen, LookNotice>(take, (notice) => {
  if (notice.kind === 'state') return take(notice.state);
  if (measuring && notice.done !== null) page.measuring(notice.done, notice.total ?? 0);
  else page.waits(notice.done === null ? `${notice.text}…` : '');
});
const view = restoreView(host.state);
const choices = new Choices(view);
const answers = new Answers(host, choices);
const player = new Player(choices, setStep, render);
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
    const count = (other ? (choices.state?.others ?? choices.state?.images) : choices.state?.images)?.count ?? 1;
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
  const before = choices.state;
  choices.state = next;
  view.panel = next.panel;
  if (view.columns.length === 0 && next.subjects.length > 0) view.columns = [{ subject: 0, step: next.subjects[0]!.opened, untrained: false }];
  view.columns = view.columns.filter(({ subject }) => subject < next.subjects.length);
  if (next.images && view.index >= next.images.count) view.index = 0;
  if (before?.images && (JSON.stringify(before.images) !== JSON.stringify(next.images) || JSON.stringify(before.others) !== JSON.stringify(next.others))) {
    answers.forget();
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
  page.body.dataset.mode = choices.modeNow();
  page.show(choices.state, choices.viewNow(), view.columns.flatMap((choice) => choices.modelOf(choice) ?? []));
  for (const one of shown) {
    const subject = choices.state?.subjects[one.choice.subject];
    if (subject) one.column.show(subject, one.choice, choices.modelOf(one.choice), shown.length === 1, player.shown === one);
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
        player.pause();
        setStep(one, value);
      },
      play: () => player.play(one),
      remove() {
        player.pause();
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
    for (const one of shown) one.column.draw(choices.viewNow(), pointed, view.pins, one.extras);
    performance.measure('look-pointed', { start: began, end: performance.now() });
  });
}

function setStep(one: Shown, value: number | null): void {
  const steps = choices.state?.subjects[one.choice.subject]?.steps ?? [];
  const { living } = choices.state?.subjects[one.choice.subject] ?? { living: false };
  // The newest of a run that goes on is followed.
  one.choice.step = value !== null && living && value === steps.at(-1) ? null : value;
  one.choice.untrained = false;
  remember();
  render();
  refresh();
}

/** Asks for what each column should show now. */
function refresh(): void {
  if (!choices.state?.images || !choices.state.trusted) return;
  for (const one of shown) void refreshColumn(one);
}

async function refreshColumn(one: Shown): Promise<void> {
  if (one.asking) return;
  one.asking = true;
  try {
    while (shown.includes(one)) {
      if (!choices.modelOf(one.choice)) {
        const { choice } = one;
        one.column.waits(true);
        await answers.askModel(choice);
        settle();
        render();
      }
      const key = choices.pairKey(one.choice);
      if (key === one.key) break;
      const kept = answers.pairOf(key);
      const began = performance.now();
      if (!kept) one.column.waits(true);
      const pair = kept ?? (await answers.askPair(one.choice, key));
      if (key !== choices.pairKey(one.choice)) continue;
      one.key = key;
      one.extras = noExtras();
      one.extrasKey = '';
      one.column.take(pair, choices.lacking(one.choice));
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

let settling: ReturnType<typeof setTimeout> | undefined;
/** Once nothing moves: the untrained model's rates, attention, reconstructions. */
function settle(): void {
  answer();
  refreshExtras();
  clearTimeout(settling);
  settling = setTimeout(() => void compareUntrained(), settleMilliseconds);
}

/** The same pair by the model before its first step. */
async function compareUntrained(): Promise<void> {
  if (view.other !== null || player.shown) return;
  for (const { choice } of [...shown]) {
    if (answers.ratesOf(choice, true, view.index) || choices.isUntrained(choice)) continue;
    try {
      await answers.askRates(choice, true, view.index);
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
  const by = sortedBy(choices.modeNow());
  try {
    for (const { choice } of [...shown])
      if (by) await sort(choice, by);
      else for (const untrained of choices.isUntrained(choice) ? [true] : [false, true]) await measureRates(choice, untrained);
  } catch (error) {
    if (!/cancel/i.test(messageOf(error))) complain(error);
  } finally {
    measuring = false;
    page.measuring(null, 0);
    page.waits('');
  }
}

async function measureRates(choice: ColumnChoice, untrained: boolean): Promise<void> {
  if (answers.ratesOf(choice, untrained, null)) return;
  page.measuring(0, 1);
  await answers.askRates(choice, untrained, null);
  answer();
}

async function sort(choice: ColumnChoice, by: Sorted): Promise<void> {
  if (answers.sortingOf(choice, by) || !lookOf(choices.modelOf(choice), by)) return;
  page.measuring(0, 1);
  await answers.askSorting(choice, by);
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
  const by = sortedBy(choices.modeNow()), { members } = one.column;
  if (!by || !lookOf(choices.modelOf(one.choice), by)) return members.show(null, null, null, null, null);
  const entry = entryOf(one, by), sorting = answers.sortingOf(one.choice, by);
  const images = sorting && entry !== null && entry < sorting.counts.length ? membersOf(sorting, entry).map(({ image }) => image) : [];
  const pictured = answers.picturesOf(one.choice, images);
  members.grid = choices.modelOf(one.choice)?.grid ?? 1;
  members.show(by, one.extras.assigned, entry, sorting, pictured);
  if (images.length > 0 && !pictured) void loadPictures(one, images);
}

async function loadPictures(one: Shown, images: number[]): Promise<void> {
  try {
    if (await answers.askPictures(one.choice, images)) showMembers(one);
  } catch (error) {
    complain(error);
  }
}

/** The screen's question, answered for the first column. */
function answer(): void {
  for (const one of shown) one.column.score(scoresOf(one, choices, answers));
  const [first] = shown;
  const found = first ? answerOf(first, scoresOf(first, choices, answers), choices.modeNow(), view.other === null) : null;
  if (found) page.answer(found.bold, found.rest, found.of);
}

/** Attention and reconstructions, where they are shown. */
function refreshExtras(): void {
  for (const one of shown) void loadExtras(one);
}

async function loadExtras(one: Shown): Promise<void> {
  const model = choices.modelOf(one.choice), mode = choices.modeNow();
  if (!one.column.pair || !model || !lookOf(model, lookOfMode[mode])) return;
  const block = Math.min(view.block ?? Infinity, (lookOf(model, 'attention')?.blocks ?? 1) - 1);
  const key = JSON.stringify([one.key, mode, mode === 'attention' ? block : null]);
  if (key === one.extrasKey) return;
  one.extrasKey = key;
  try {
    const found = await answers.askExtras(mode, one.choice, block);
    if (key === one.extrasKey) Object.assign(one.extras, found);
  } catch (error) {
    complain(error);
  }
  paint(one);
  answer();
}

function paint(one: Shown): void {
  one.column.paint(choices.viewNow(), one.extras);
  one.column.draw(choices.viewNow(), pointed, view.pins, one.extras);
  showMembers(one);
  showMatches();
}

function repaint(): void {
  for (const one of shown) paint(one);
}

function drawAll(): void {
  for (const one of shown) {
    one.column.draw(choices.viewNow(), pointed, view.pins, one.extras);
    showMembers(one);
  }
  showMatches();
}

/** The tables beside the pictures, and the span of the threshold. */
function showMatches(): void {
  const all = shown.flatMap(({ column }) => column.mutual.map(({ cosine }) => cosine));
  if (all.length > 0) page.matches(Math.min(...all), Math.max(...all), view.threshold);
  table.show(shown.map(({ column, choice }) => ({ name: choices.nameOf(choice), pair: column.pair })));
  page.pinned(pinRows(view.pins, shown, choices));
}

async function addColumn(): Promise<void> {
  try {
    const subject = await host.ask('addSubject', {}, { patient: true });
    if (subject !== null) addChoice({ subject, step: choices.state?.subjects[subject]?.opened ?? null, untrained: false });
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
    const name = `correspondence-${(choices.state?.subjects[0]?.name ?? 'pair').replace(/[^\w-]+/g, '-').slice(0, 40)}`;
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
