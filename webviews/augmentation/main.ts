/** The augmentation lab: one sample of the pipeline and what the user changes, brought together on the page. */
import type { LabBox, LabCalls, LabNotice, LabOpen, LabOp, LabSample, LabView } from '../../backend/protocol.ts';
import { Host, messageOf } from '../common/messaging.ts';
import { onThemeChange } from '../common/theme.ts';
import '../common/common.css';
import './augmentation.css';
import { Cards } from './cards.ts';
import { Page } from './page.ts';
import { Pipeline, type Path } from './pipeline.ts';
import { Stage } from './stage.ts';
import { Statistics } from './statistics.ts';
import { restoreView } from './view.ts';
import { cellWords } from './words.ts';

let state: LabOpen | null = null;
let sample: LabSample | null = null;
/** Image that the page has the picture of. */
let pictured = -1;
/** Crops that were placed by hand on this image. */
let boxes: (LabBox | null)[] = [];
let selected = 0;
/** The changed pipeline that was written into the file, until the file's own is here: it is the user's change no more, whatever becomes of the file. */
let written: string | null = null;
/** What a long request is about. */
let longWork: 'cards' | 'statistics' | null = null;

const host = new Host<LabCalls, LabOpen, LabNotice>(take, (notice) => {
  if (notice.kind === 'state') return take(notice.state);
  if (longWork === 'cards') cards.progress(notice.done, notice.total);
  else statistics.progress(notice.done, notice.total);
});
const view = restoreView(host.state);

const stage = new Stage({
  place(of, box) {
    // A crop that several views have is placed by placing any of them.
    boxes[cropOf(of)] = box;
    void refresh();
  },
  putBack(of) {
    boxes[cropOf(of)] = null;
    void refresh();
  },
  select(of) {
    selected = of;
    stage.select(of);
  },
  limit(of, end) {
    const shown = sample?.views[of];
    if (!sample || !shown) return;
    const box = boxes[shown.cropOf] ?? shown.box;
    const area = Math.min(1, Math.max(0.001, Math.round((1000 * box.width * box.height) / (sample.imageWidth * sample.imageHeight)) / 1000));
    const owner = sample.views[shown.cropOf]!;
    const scale: [number, number] = [...currentViews()[owner.spec]!.crop.scale];
    scale[end] = area;
    // The other end gives way: a range is never upside down.
    if (scale[0] > scale[1]) scale[1 - end] = area;
    set(owner.spec, ['crop', 'scale'], scale);
    page.say(`${owner.name} is drawn from ${scale[0]} to ${scale[1]} of the image now.`);
  },
});

const pipeline = new Pipeline({
  set,
  addOp(of, op) {
    const known = state?.setup?.ops.find((candidate) => candidate.op === op);
    if (!known) return;
    const made = { op, ...Object.fromEntries(known.settings.map(({ name, initial, min }) => [name, initial ?? min])) } as LabOp;
    change((views) => views[of]!.ops.push(made));
  },
  removeOp: (of, place) => change((views) => views[of]!.ops.splice(place, 1)),
});

const cards = new Cards({
  go,
  load: (from, count) => longly('cards', () => host.ask('cards', { views: currentViews(), seed: seed(), epoch: view.epoch, from, count }, { patient: true })),
});
const statistics = new Statistics({
  measure: (samples) => longly('statistics', () => host.ask('statistics', { views: currentViews(), seed: seed(), samples }, { patient: true })),
  stop: () => void host.ask('stopStatistics', {}).catch(() => undefined),
});

const page = new Page({
  go: (index) => go(index === -1 ? view.index + 1 : index === -2 ? view.index - 1 : index),
  reroll: () => draws(() => { view.epoch++; }),
  draws: (changed) => draws(() => {
    if (changed.epoch !== undefined) view.epoch = changed.epoch;
    if (changed.seed !== undefined) view.seed = changed.seed === state?.setup?.seed ? null : Math.min(2 ** 32 - 1, changed.seed);
  }),
  lock: (locked) => draws(() => { view.drawnAs = locked ? view.index : null; }),
  look(changed) {
    Object.assign(view.look, changed);
    remember();
    present();
  },
  alike(alike) {
    view.alike = alike;
    remember();
  },
  write: () => void write(),
  discard() {
    view.views = null;
    changedPipeline();
  },
  showFile: () => void host.ask('showFile', {}).catch(complain),
  choose: () => void host.ask('chooseFile', {}, { patient: true }).catch(complain),
  trust: () => void host.ask('trust', {}, { patient: true }).catch(complain),
  again: () => void host.ask('again', {}, { patient: true }).catch(complain),
}, { stage: stage.element, pipeline: pipeline.element, below: [cards.element, statistics.element] });

page.show(null, view, false);
onThemeChange(() => {
  stage.draw();
  cards.draw();
  statistics.draw();
});

function take(next: LabOpen): void {
  const { setup } = next;
  state = next;
  view.panel = next.panel;
  if (setup) {
    // Changes of before that no longer fit the file, or that it has taken over.
    if (view.views && (!fits(view.views, setup.views) || !isChanged() || isWritten())) view.views = null;
    written = null;
    if (view.index >= setup.images) view.index = 0;
    pictured = -1;
    statistics.words = cellWords[setup.cell];
  }
  remember();
  page.show(state, view, isChanged());
  if (!setup) return;
  void refresh();
  cards.refresh(setup.images, view.index);
}

const isWritten = (): boolean => written !== null && JSON.stringify(view.views) === written;
/** Whether changes of before are of these views; their values are checked where they are used. */
const fits = (changed: readonly Partial<LabView>[], own: readonly LabView[]): boolean => changed.length === own.length && own.every(({ name }, i) => changed[i]?.name === name && Array.isArray(changed[i].ops) && changed[i].ops.every((op) => typeof op?.op === 'string') && Array.isArray(changed[i].crop?.scale) && Array.isArray(changed[i].crop.ratio));
const remember = (): void => {
  host.state = isWritten() ? { ...view, views: null } : view;
};
/** The view that view number `of` has its crop from. */
const cropOf = (of: number): number => sample?.views[of]?.cropOf ?? of;
const seed = (): number => view.seed ?? state?.setup?.seed ?? 0;
const currentViews = (): LabView[] => view.views ?? state?.setup?.views ?? [];
const isChanged = (): boolean => view.views !== null && state?.setup != null && JSON.stringify(view.views) !== JSON.stringify(state.setup.views);

function go(index: number): void {
  const images = state?.setup?.images ?? 1;
  const next = ((index % images) + images) % images;
  if (next === view.index) return;
  view.index = next;
  boxes = [];
  remember();
  page.show(state, view, isChanged());
  void refresh();
}

function draws(apply: () => void): void {
  apply();
  boxes = [];
  remember();
  page.show(state, view, isChanged());
  void refresh();
  cards.refresh(state?.setup?.images ?? 0, view.index);
}

/** Changes a value; in all views that have it, where they are to be alike. */
function set(of: number, path: Path, value: unknown): void {
  change((views) => {
    const put = (target: LabView, at: Path): void => {
      let inner = target as unknown as Record<string | number, unknown>;
      for (const key of at.slice(0, -1)) inner = inner[key] as Record<string | number, unknown>;
      inner[at.at(-1)!] = value;
    };
    put(views[of]!, path);
    if (!view.alike || views[of]!.sameAs !== undefined) return;
    const { mask, size } = views[of]!, masks = state?.setup?.masks;
    views.forEach((other, i) => {
      if (i === of || other.sameAs !== undefined) return;
      // Where the method masks one view alone, the others stay whole.
      if (path[0] === 'mask') {
        if (masks?.[i] && other.size === size) other.mask = structuredClone(mask);
        return;
      }
      if (path[0] !== 'ops') return put(other, path);
      const place = other.ops.findIndex(({ op }) => op === views[of]!.ops[path[1] as number]!.op);
      if (place >= 0) put(other, ['ops', place, ...path.slice(2)]);
    });
  });
}

function change(apply: (views: LabView[]) => void): void {
  const views = structuredClone(currentViews());
  apply(views);
  view.views = views;
  changedPipeline();
}

function changedPipeline(): void {
  if (!isChanged()) view.views = null;
  remember();
  // What was changed is asked for first, and controls follow while it is drawn.
  void refresh();
  page.show(state, view, isChanged());
  if (state?.setup) pipeline.show(state.setup, currentViews(), sample, stage.picture);
  statistics.outdated();
  settleCards();
}

let settling: ReturnType<typeof setTimeout> | undefined;
/** Many samples are drawn again when the slider rests. */
function settleCards(): void {
  clearTimeout(settling);
  settling = setTimeout(() => cards.refresh(state?.setup?.images ?? 0, view.index), 400);
}

let asking = false, stale = false;

/** Asks for the sample as it should be now: one request at a time, and the last state always; those in between are never asked for. */
async function refresh(): Promise<void> {
  stale = true;
  if (asking) return;
  asking = true;
  try {
    while (stale && state?.setup) {
      stale = false;
      const began = performance.now(), { index } = view;
      const asked = await host.ask('sample', { views: currentViews(), key: { seed: seed(), epoch: view.epoch, index, drawnAs: view.drawnAs ?? index }, boxes: currentBoxes(), withImage: pictured !== index }, { patient: true });
      sample = asked;
      if (asked.image) pictured = index;
      if (index !== view.index) continue;
      present();
      page.shown(true);
      if (state.problem === null) page.trouble(null);
      requestAnimationFrame(() => performance.measure('lab-shown', { start: began, end: performance.now() }));
    }
  } catch (error) {
    // What cannot be shown has no picture to be drawn on.
    pictured = -1;
    page.shown(false);
    complain(error);
  } finally {
    asking = false;
  }
  // What was changed while this one failed.
  if (stale) void refresh();
}

const currentBoxes = (): (LabBox | null)[] => Array.from({ length: boxes.length }, (_, i) => boxes[i] ?? null);

function present(): void {
  if (!sample || !state?.setup) return;
  page.answer(sample);
  stage.show(sample, sample.pairs.length > 0 ? view.look : { ...view.look, places: false, positions: false }, stage.dragging ? sample.views.map((shown) => boxes[shown.cropOf] ?? null) : [], selected, sample.views.map(({ cropOf: owner }) => currentViews()[sample!.views[owner]!.spec]!.crop.scale), cellWords[state.setup.cell]);
  pipeline.show(state.setup, currentViews(), sample, stage.picture);
}

/** null where it was cancelled, or said why it could not be had. */
async function longly<T>(work: 'cards' | 'statistics', ask: () => Promise<T>): Promise<T | null> {
  longWork = work;
  try {
    return await ask();
  } catch (error) {
    if (!/abort|cancel/i.test(String(error))) complain(error);
    return null;
  }
}

async function write(): Promise<void> {
  try {
    const views = currentViews();
    const { changed, file } = await host.ask('write', { views }, { patient: true });
    written = JSON.stringify(views);
    remember();
    page.say(changed === 0 ? `${file} says so already.` : `Written to ${file}, where it can be undone.`);
  } catch (error) {
    complain(error);
  }
}

function complain(error: unknown): void {
  page.trouble(messageOf(error));
}
