/** Dense correspondence: models, images and features that the user chooses, brought together on the page. Pairs are asked for one at a time for each column, and the latest choice always. */
import type { LookCalls, LookNotice, LookOpen } from '../../backend/protocol.ts';
import { Host, messageOf } from '../common/messaging.ts';
import { onThemeChange } from '../common/theme.ts';
import '../common/common.css';
import './correspondence.css';
import { Answers } from './answers.ts';
import { Choices } from './choices.ts';
import { Column, legendOfMarks, noExtras } from './column.ts';
import { showMembers } from './columnMembers.ts';
import { MatchTable } from './matchTable.ts';
import { Measuring } from './measuring.ts';
import { Page } from './page.ts';
import { Player } from './player.ts';
import { answerOf, pinRows, scoresOf, type Shown } from './shown.ts';
import { copyPicture, savePicture } from './sharing.ts';
import { lookOf, lookOfMode, mostColumns, mostPins, restoreView, type ColumnChoice, type Pointed } from './view.ts';

/** After a slider rests, what takes a while is asked for. */
const settleMilliseconds = 350;

const shown: Shown[] = [];
let pointed: Pointed | null = null;

const host = new Host<LookCalls, LookOpen, LookNotice>(take, (notice) => {
  if (notice.kind === 'state') return take(notice.state);
  if (measuring.isWorking && notice.done !== null) page.measuring(notice.done, notice.total ?? 0);
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
  measure: () => void measuring.measure(),
  stop: () => void host.ask('stopRates', {}).catch(() => undefined),
  copy: () => void copyPicture(shown, page),
  save: () => void savePicture(shown, page, host, choices.state?.subjects[0]?.name ?? 'pair'),
  // What is chosen first is shown of itself.
  choose: () => void host.ask('addSubject', {}, { patient: true }).catch(complain),
  trust: () => void host.ask('trust', {}, { patient: true }).catch(complain),
  again: () => void host.ask('again', {}, { patient: true }).catch(complain),
}, legendOfMarks(), table.element);
const measuring = new Measuring(answers, choices, shown, page, { rates: answer, sorting: drawAll });

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
  // Of two images nobody knows the truth; while steps are played, the next one is on its way.
  settling = setTimeout(() => void (view.other === null && !player.shown && measuring.compareUntrained()), settleMilliseconds);
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
  showMembers(one, choices, answers, complain);
  showMatches();
}

function repaint(): void {
  for (const one of shown) paint(one);
}

function drawAll(): void {
  for (const one of shown) {
    one.column.draw(choices.viewNow(), pointed, view.pins, one.extras);
    showMembers(one, choices, answers, complain);
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

function complain(error: unknown): void {
  page.trouble(messageOf(error));
}
