/** What changed between two checkpoints: by part, by tensor, and what only one of them has. */
import type { CheckpointDifference } from '../../backend/protocol.ts';
import { button, element } from '../common/dom.ts';
import { countOf, duration, percent, short, whole } from './numbers.ts';

export function differenceView(difference: CheckpointDifference, onShow: (tensor: number) => void): HTMLElement {
  const { other, matched, compared, identical, groups, changes, shapes, onlyHere, onlyThere, counts, seconds } = difference;
  const differing = compared - identical;
  const same = differing === 0 && counts.shapes + counts.onlyHere + counts.onlyThere === 0;
  const made = element('div', { class: 'difference' },
    element('p', { role: 'status' }, element('b', {}, same ? `Equal to ${other}: ` : `To ${other}: `), `${countOf(differing, 'tensor')} changed, ${whole(identical)} identical`, counts.shapes > 0 ? `, ${whole(counts.shapes)} of another shape` : '', counts.onlyHere > 0 ? `, ${whole(counts.onlyHere)} only here` : '', counts.onlyThere > 0 ? `, ${whole(counts.onlyThere)} only there` : '', '. ', element('span', { class: 'quiet' }, `Read in ${duration(seconds)}.`)));
  if (matched !== null) made.append(element('p', { class: 'quiet' }, matched));
  if (compared === 0 && !same) made.append(element('p', {}, 'They have no tensor in common that could be compared.'));
  if (differing > 0) {
    const most = Math.max(...groups.map(({ change }) => change).filter(Number.isFinite), 1e-30);
    made.append(element('table', { class: 'changes' }, element('caption', { class: 'hidden-text' }, 'Change by part; running statistics and counters are left out'),
      element('thead', {}, element('tr', {}, ...['Part', 'Relative change', 'Parameters'].map((text) => element('th', { scope: 'col' }, text)))),
      element('tbody', {}, ...groups.map(({ title, part, target, tensors, change }) => element('tr', {}, element('th', { scope: 'row' }, element('span', { class: `swatch part-${part}${target ? ' target' : ''}`, 'aria-hidden': 'true' }), ` ${title}`), changeCell(change, most, part, target), element('td', { class: 'number' }, whole(tensors)))))));
    const top = changes[0]!.change;
    made.append(element('details', {}, element('summary', {}, `Tensors by change (${changes.length < differing ? `the first ${whole(changes.length)} of ${whole(differing)}` : whole(differing)})`), scrolled('Tensors by change', element('table', { class: 'changes' },
      element('thead', {}, element('tr', {}, ...['Tensor', 'Relative change', 'Values that differ'].map((text) => element('th', { scope: 'col' }, text)))),
      element('tbody', {}, ...changes.map(({ name, tensor, change, share }) => element('tr', {}, element('th', { scope: 'row' }, button(name, { class: 'quiet name' }, () => onShow(tensor))), changeCell(change, Number.isFinite(top) ? top : 1, 'encoder', false), element('td', { class: 'number' }, percent(share)))))))));
  }
  if (counts.shapes > 0) made.append(element('details', {}, element('summary', {}, `Of another shape (${whole(counts.shapes)})`), scrolled('Tensors of another shape', element('table', { class: 'changes' }, element('thead', {}, element('tr', {}, ...['Tensor', 'Here', 'There'].map((text) => element('th', { scope: 'col' }, text)))), element('tbody', {}, ...shapes.map(({ name, here, there }) => element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, here), element('td', {}, there))))))));
  for (const [title, names, count] of [['Only here', onlyHere, counts.onlyHere], ['Only there', onlyThere, counts.onlyThere]] as const)
    if (count > 0) made.append(element('details', {}, element('summary', {}, `${title} (${whole(count)})`), scrolled(title, element('ul', {}, ...names.map((name) => element('li', {}, name)), ...(names.length < count ? [element('li', { class: 'quiet' }, `and ${whole(count - names.length)} more`)] : [])))));
  return made;
}

function changeCell(change: number, most: number, part: string, target: boolean): HTMLElement {
  const bar = element('span', { class: `change part-${part}${target ? ' target' : ''}`, 'aria-hidden': 'true' });
  bar.style.width = `${Number.isFinite(change) ? Math.max(1, (100 * change) / most) : 100}px`;
  return element('td', {}, bar, element('span', { class: Number.isFinite(change) ? '' : 'bad' }, Number.isFinite(change) ? percent(change) : Number.isNaN(change) ? 'not finite' : `from 0`, element('span', { class: 'hidden-text' }, ` (${short(change)})`)));
}

const scrolled = (label: string, content: HTMLElement): HTMLElement => element('div', { class: 'scrolled', tabindex: 0, role: 'region', 'aria-label': label }, content);
