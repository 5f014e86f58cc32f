/** The top of the page: what the file is, whether it is healthy, and what can be done with it. */
import type { CheckpointAction, CheckpointFinding, CheckpointGroup, CheckpointOpen, CheckpointSummary, CheckpointUse, ValueCheck } from '../../backend/protocol.ts';
import { button, element } from '../common/dom.ts';
import { bytesText, countOf, duration, percent, rough, whole } from './numbers.ts';

export interface SummaryActions {
  check(): void;
  stop(): void;
  act(action: CheckpointAction): void;
  showGroup(key: string): void;
  showTensor(tensor: number): void;
  trust(): void;
}

/** What is going on with the whole file. */
export interface Going {
  what: 'check' | 'compare';
  done: number;
  total: number;
}

export function headline({ file, summary }: CheckpointOpen): HTMLElement {
  const { method, architecture, format, tensors, values, dtypes, run, opened } = summary!;
  const what = [method, architecture].filter((text) => text !== null);
  const facts: (readonly [string, string])[] = [
    ['Format', format], ['Size', bytesText(file.bytes ?? 0)], ['Tensors', whole(tensors)], ['Values', rough(values)], ['Types', dtypes],
    ...(run ? [['Run', `${run.name}, step ${whole(run.step)}${run.state === null ? '' : ` (${run.state})`}`] as const] : []),
  ];
  const list = element('dl', { class: 'facts' }, ...facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))));
  list.title = `The header was read in ${duration(opened / 1000)}; no value was.`;
  return element('header', { class: 'headline' },
    element('h1', {}, file.name), element('p', { class: 'what' }, what.length > 0 ? what.join(' · ') : tensors === 0 ? 'Nothing is in it' : 'Tensors of no method that is known by its names'), list);
}

/** How the bytes are shared out: a bar, and a legend that opens the group. */
export function composition(groups: readonly CheckpointGroup[], onShow: (key: string) => void): HTMLElement {
  const all = groups.reduce((sum, { bytes }) => sum + bytes, 0);
  const bar = element('div', { class: 'bar', 'aria-hidden': 'true' }, ...groups.filter(({ bytes }) => bytes > 0).map(({ part, target, bytes }) => {
    const piece = element('span', { class: `part-${part}${target ? ' target' : ''}` });
    piece.style.flexGrow = String(bytes / all);
    return piece;
  }));
  const legend = element('ul', { class: 'legend', 'aria-label': 'Parts' }, ...groups.map((group) => element('li', {}, button('', { class: 'quiet', title: group.about }, () => onShow(group.key)))));
  groups.forEach(({ part, target, title, values, bytes }, i) => {
    legend.children[i]!.firstElementChild!.append(element('span', { class: `swatch part-${part}${target ? ' target' : ''}`, 'aria-hidden': 'true' }), element('b', {}, title), element('span', { class: 'quiet' }, `${rough(values)} values, ${percent(all > 0 ? bytes / all : 0)}`));
  });
  return element('section', { class: 'composition', 'aria-label': 'What it is made of' }, bar, legend);
}

const marks = { bad: ['✗', 'problem'], warning: ['!', 'warning'], good: ['✓', 'good'], plain: ['·', 'note'] } as const;

function findingItem({ tone, text, tensor }: CheckpointFinding, actions: SummaryActions): HTMLElement {
  const [mark, word] = marks[tone];
  const item = element('li', { class: tone }, element('span', { class: 'mark', 'aria-hidden': 'true' }, mark), element('span', { class: 'hidden-text' }, `${word}: `), element('span', { class: 'text' }, text));
  if (tensor !== null) item.append(button('Show', { class: 'quiet', 'aria-label': `Show the tensor: ${text.slice(0, 60)}` }, () => actions.showTensor(tensor)));
  return item;
}

export function health(findings: readonly CheckpointFinding[], checked: ValueCheck | null, going: Going | null, actions: SummaryActions): HTMLElement {
  const all = [...findings, ...valueFindings(checked)];
  const worst = all.some(({ tone }) => tone === 'bad') ? 'bad' : all.some(({ tone }) => tone === 'warning') ? 'warning' : 'good';
  const title = worst === 'bad' ? 'It has problems' : worst === 'warning' ? 'Look at the warnings' : checked ? 'It is healthy' : 'Its header is healthy';
  const list = element('ul', { class: 'findings' }, ...all.map((finding) => findingItem(finding, actions)));
  const row = element('div', { class: 'doing' });
  if (going?.what === 'check') row.append(progressOf(going, 'Values looked at'), button('Stop', {}, () => actions.stop()));
  else row.append(button(checked ? 'Check values again' : 'Check all values', { class: checked ? '' : 'primary', disabled: going !== null }, () => actions.check()), element('span', { class: 'quiet' }, checked ? `${countOf(checked.values, 'value')} in ${duration(checked.seconds)}` : 'reads the whole file once: NaN, infinities, dead tensors'));
  return element('section', { class: 'health', 'aria-labelledby': 'health' }, element('h2', { id: 'health', class: worst }, title), list, row);
}

function valueFindings(checked: ValueCheck | null): CheckpointFinding[] {
  if (!checked) return [];
  const clean = checked.nan + checked.infinite === 0;
  const first: CheckpointFinding = clean
    ? { tone: 'good', text: `All ${countOf(checked.values, 'value')} of ${countOf(checked.tensors, 'tensor')} are finite.`, tensor: null }
    : { tone: 'bad', text: `${[...(checked.nan > 0 ? [`${whole(checked.nan)} NaN`] : []), ...(checked.infinite > 0 ? [`${whole(checked.infinite)} infinite`] : [])].join(' and ')} among ${countOf(checked.values, 'value')}.`, tensor: null };
  return clean ? [...checked.findings.filter(({ tone }) => tone !== 'good'), first, ...checked.findings.filter(({ tone }) => tone === 'good')] : [first, ...checked.findings];
}

export function progressOf({ done, total }: Going, label: string): HTMLElement {
  return element('progress', { max: 1, value: total > 0 ? Math.min(1, done / total) : 0, 'aria-label': label });
}

const actionNames: Record<CheckpointAction, string> = { correspond: 'Correspond', evaluate: 'Evaluate', export: 'Export…', resume: 'Resume' };
const verdicts = { yes: ['✓', 'yes', 'good'], partly: ['~', 'in part', 'warning'], no: ['✗', 'no', 'quiet'] } as const;

export function uses({ uses: all }: CheckpointSummary, { trusted, actions: there }: CheckpointOpen, actions: SummaryActions): HTMLElement {
  const item = ({ title, verdict, why, action }: CheckpointUse): HTMLElement => {
    const [mark, word, tone] = verdicts[verdict];
    const made = element('li', { class: tone }, element('span', { class: 'mark', 'aria-hidden': 'true' }, mark), element('span', { class: 'text' }, element('b', {}, title), element('span', { class: 'hidden-text' }, `: ${word}; `), element('span', { class: 'why' }, why)));
    // What it opens asks for trust itself.
    const allowed = trusted || action === 'correspond';
    if (action !== null && there.includes(action)) made.append(button(actionNames[action], { disabled: !allowed, title: allowed ? '' : 'Nothing is launched until this workspace is trusted' }, () => actions.act(action)));
    return made;
  };
  const section = element('section', { class: 'uses', 'aria-labelledby': 'uses' }, element('h2', { id: 'uses' }, 'What it can be used for'), element('ul', { class: 'findings' }, ...all.map(item)));
  if (!trusted) section.append(element('div', { class: 'doing' }, button('Manage Trust', {}, () => actions.trust()), element('span', { class: 'quiet' }, 'In Restricted Mode a file can be looked at, and nothing is launched.')));
  return section;
}

/** Why nothing can be shown, and the bytes where that shows. */
export function problem({ file, problem: what }: CheckpointOpen, again: () => void, asText: () => void): HTMLElement {
  const { title, message, byte, excerpt } = what!;
  const made = element('section', { class: 'problem', role: 'alert' }, element('h1', {}, file.name), element('h2', { class: 'bad' }, title), element('p', { class: 'message' }, message));
  if (file.bytes !== null) made.append(element('p', { class: 'quiet' }, `The file has ${countOf(file.bytes, 'byte')}${byte === null ? '' : `; it shows at byte ${whole(byte)}`}. Nothing of it was run.`));
  made.append(element('div', { class: 'doing' }, button('Read again', { class: 'primary' }, again), button('Open as text', {}, asText)));
  if (excerpt) made.append(element('h3', {}, byte === null ? 'How it begins' : `Around byte ${whole(byte)}`), hexTable(excerpt, byte));
  return made;
}

function hexTable({ start, bytes }: { start: number; bytes: number[] }, byte: number | null): HTMLElement {
  const rows = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, i) => {
    const line = bytes.slice(16 * i, 16 * i + 16);
    const hex = element('td', { class: 'hex' });
    line.forEach((value, k) => {
      const text = value.toString(16).padStart(2, '0');
      hex.append(start + 16 * i + k === byte ? element('mark', {}, text) : text, k === 7 ? '  ' : ' ');
    });
    return element('tr', {}, element('th', { scope: 'row' }, String(start + 16 * i)), hex, element('td', { class: 'ascii' }, line.map((value) => (value >= 0x20 && value < 0x7f ? String.fromCharCode(value) : '·')).join('')));
  });
  return element('table', { class: 'bytes' }, element('thead', {}, element('tr', {}, ...['Byte', 'Hexadecimal', 'Text'].map((text) => element('th', { scope: 'col' }, text)))), element('tbody', {}, ...rows));
}
