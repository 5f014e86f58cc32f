/** The checkpoint inspector's page: what the host knows and what the user chose, brought together. */
import type { CheckpointCalls, CheckpointLane, CheckpointNotice, CheckpointOpen } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { Host, messageOf } from '../common/messaging.ts';
import { onThemeChange } from '../common/theme.ts';
import '../common/common.css';
import './checkpoint.css';
import { Detail } from './detail.ts';
import { Sections } from './sections.ts';
import { composition, headline, health, problem, uses, type Going, type SummaryActions } from './summary.ts';
import { TensorTree } from './tree.ts';
import { restoreView } from './view.ts';

let state: CheckpointOpen | null = null;
let going: Going | null = null;

const host = new Host<CheckpointCalls, CheckpointOpen, CheckpointNotice>(take, (notice) => {
  if (notice.kind === 'state') take(notice.state);
  else if (notice.lane === 'tensor') detail.progress(notice.total > 0 ? notice.done / notice.total : 0);
  else if (going) {
    Object.assign(going, { done: notice.done, total: notice.total });
    const bar = document.querySelector<HTMLProgressElement>('.doing progress');
    if (bar && going.total > 0) bar.value = Math.min(1, going.done / going.total);
  }
});
const view = restoreView(host.state);
const remember = (): void => {
  host.state = view;
};

const alert = element('p', { class: 'trouble', role: 'alert', hidden: true });
const status = element('p', { class: 'status', role: 'status' });
const stale = element('div', { class: 'stale', role: 'status', hidden: true }, 'The file is no longer the one that was read. ', button('Read it again', {}, () => void again()));
const top = element('div', { class: 'top' });
const complain = (error: unknown): void => trouble(messageOf(error));

function trouble(text: string | null): void {
  alert.hidden = text === null;
  setText(alert, text ?? '');
}

function say(text: string): void {
  setText(status, text);
  status.classList.add('fresh');
  setTimeout(() => status.classList.remove('fresh'), 4000);
}

const stop = (lane: CheckpointLane): void => void host.ask('stop', { lane }).catch(complain);

const actions: SummaryActions = {
  check: () => void longly('check', () => host.ask('check', {}, { patient: true })).then(() => tree.refresh()),
  stop: () => stop('whole'),
  act: (action) => void host.ask('act', { action }, { patient: true }).catch(complain),
  showGroup: (key) => tree.show(key),
  showTensor: (tensor) => void choose(tensor),
  trust: () => void host.ask('trust', {}, { patient: true }).catch(complain),
};

const save = button('Save table…', { class: 'quiet', title: 'All tensors as comma-separated values, with what is known of their values' }, () => void host.ask('saveTable', {}, { patient: true }).then(({ saved }) => {
  if (saved !== null) say(`Saved ${saved}`);
}).catch(complain));
const tree = new TensorTree({
  load: (query, open, from, count) => host.ask('rows', { query, open, from, count }),
  select: (tensor) => void choose(tensor),
  changed(query, open) {
    Object.assign(view, { query, open });
    remember();
  },
  trouble: complain,
}, [save]);
tree.restore(view.query, view.open);
const detail = new Detail(view.logCounts, (logCounts) => {
  view.logCounts = logCounts;
  remember();
}, () => stop('tensor'));
const tensors = element('section', { class: 'tensors', 'aria-labelledby': 'tensors' }, element('h2', { id: 'tensors' }, 'Tensors'), element('div', { class: 'columns' }, tree.element, detail.element));
const sections = new Sections({
  ask: (call, request) => host.ask(call, request, { patient: true }),
  toggle(name, open) {
    view.sections = [...view.sections.filter((other) => other !== name), ...(open ? [name] : [])].slice(-50);
    remember();
  },
  compare: (sibling) => void longly('compare', () => host.ask('compare', { sibling }, { patient: true })).then((difference) => {
    if (difference) sections.showDifference(difference);
  }),
  stop: () => stop('whole'),
  showTensor: (tensor) => void choose(tensor),
});
document.querySelector('#view')!.append(alert, stale, top, tensors, sections.element, status);
tensors.hidden = true;
onThemeChange(() => detail.draw());

/** Does what the host takes long for, and shows that it is going on. */
async function longly<T>(what: Going['what'], work: () => Promise<T>): Promise<T | null> {
  going = { what, done: 0, total: 0 };
  trouble(null);
  present();
  try {
    return await work();
  } catch (error) {
    complain(error);
    return null;
  } finally {
    going = null;
    present();
  }
}

/** Counts, so that a late answer is not taken for the last one's. */
let chosen = 0;

async function choose(tensor: number): Promise<void> {
  const order = ++chosen;
  detail.say('Reading…');
  try {
    const found = await host.ask('detail', { tensor }, { patient: true });
    if (order !== chosen) return;
    if (found) detail.show(found);
    else detail.say('Stopped.');
    detail.element.scrollIntoView({ block: 'nearest' });
  } catch (error) {
    if (order === chosen) detail.say(messageOf(error));
  }
}

async function again(): Promise<void> {
  trouble(null);
  await host.ask('again', {}, { patient: true }).catch(complain);
}

function take(next: CheckpointOpen): void {
  const before = state?.summary;
  state = next;
  present();
  if (!next.summary) detail.say('Choose a tensor to see how its values are distributed. Only its own bytes are read.');
  if (next.summary && JSON.stringify(next.summary) !== JSON.stringify(before ?? null)) {
    sections.show(next.summary, view.sections);
    const [only, ...others] = next.summary.groups;
    if (only && others.length === 0 && view.open.length === 0) tree.restore(view.query, [only.key]);
    tree.refresh();
    performance.mark('checkpoint-shown');
  }
}

function present(): void {
  if (!state) return;
  const { summary, checked } = state;
  stale.hidden = !state.changed;
  tensors.hidden = summary === null;
  sections.element.hidden = summary === null;
  sections.present(going);
  if (state.state === 'broken') top.replaceChildren(problem(state, () => void again(), () => void host.ask('asText', {}).catch(complain)));
  else if (!summary) top.replaceChildren(element('p', { class: 'quiet reading' }, `Reading the header of ${state.file.name}…`));
  else top.replaceChildren(headline(state), composition(summary.groups, (key) => tree.show(key)), element('div', { class: 'questions' }, health(summary.findings, checked, going, actions), uses(summary, state, actions)));
}
