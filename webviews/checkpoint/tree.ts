/** The tree of tensors: rows are asked for as they come into view, so that a hundred thousand are no more than thirty. */
import type { CheckpointRow, CheckpointRows } from '../../backend/protocol.ts';
import { element, setText } from '../common/dom.ts';
import { onKeys } from '../common/keyboard.ts';
import { bytesText, rough, short, whole } from './numbers.ts';

export interface TreeActions {
  load(query: string, open: string[], from: number, count: number): Promise<CheckpointRows>;
  select(tensor: number): void;
  /** The open groups, or the query, are others. */
  changed(query: string, open: string[]): void;
  trouble(error: unknown): void;
}

const rowHeight = 24;
/** Asked for at once: some screens. */
const windowRows = 240;
const mostOpen = 5000;
const searchMilliseconds = 120;

export class TensorTree {
  readonly element = element('div', { class: 'tree' });
  private readonly actions: TreeActions;
  private readonly search = element('input', { type: 'search', placeholder: 'Search names, types, shapes (768x3x16x16)', 'aria-label': 'Search tensors' });
  private readonly count = element('span', { class: 'quiet', role: 'status' });
  private readonly none = element('p', { class: 'quiet none', hidden: true });
  private readonly grid = element('div', { class: 'grid', role: 'treegrid', tabindex: 0, 'aria-label': 'Tensors' });
  private readonly body = element('div', { class: 'body', role: 'rowgroup' });
  private open = new Set<string>();
  private total = 0;
  /** Rows that are known, by their place. */
  private from = 0;
  private rows: CheckpointRow[] = [];
  private active = 0;
  /** Counts, so that what comes late does not take the reader away from where they have gone since. */
  private moves = 0;
  /** What is on the screen, by place. */
  private drawn = new Map<number, { element: HTMLElement; state: string }>();
  private selected: number | null = null;
  private asking = false;
  private stale = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(actions: TreeActions, tools: HTMLElement[]) {
    this.actions = actions;
    const headings = ['Name', 'Shape', 'Type', 'Values', 'Size', 'Mean ± deviation'];
    const head = element('div', { class: 'row head', role: 'row' }, ...headings.map((text) => element('span', { role: 'columnheader' }, text)));
    this.grid.append(element('div', { role: 'rowgroup', class: 'heads' }, head), this.body);
    this.element.append(element('div', { class: 'searching' }, this.search, this.count, ...tools), this.none, this.grid);
    this.search.addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.restart(), searchMilliseconds);
    });
    this.search.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' && this.total > 0) {
        event.preventDefault();
        this.grid.focus();
      }
    });
    this.grid.addEventListener('scroll', () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.grid);
    this.body.addEventListener('click', (event) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-place]') : null;
      if (row) this.act(Number(row.dataset.place));
    });
    const page = (): number => Math.max(1, Math.floor(this.grid.clientHeight / rowHeight) - 2);
    onKeys(this.grid, {
      ArrowDown: () => this.move(this.active + 1), ArrowUp: () => this.move(this.active - 1), PageDown: () => this.move(this.active + page()), PageUp: () => this.move(this.active - page()),
      Home: () => this.move(0), End: () => this.move(this.total - 1), Enter: () => this.act(this.active), ' ': () => this.act(this.active),
      ArrowRight: () => this.inward(), ArrowLeft: () => this.outward(),
    });
  }

  restore(query: string, open: readonly string[]): void {
    this.search.value = query;
    this.open = new Set(open);
  }

  /** Another file, or other numbers: everything is asked for anew. */
  refresh(): void {
    void this.load();
  }

  /** Opens a group and shows it. */
  show(key: string): void {
    this.search.value = '';
    this.open.add(key);
    this.tell();
    const { moves } = this;
    void this.load().then(async () => {
      const { rows } = await this.actions.load('', [...this.open], 0, windowRows);
      const row = rows.find((candidate) => candidate.key === key);
      if (row && moves === this.moves) this.move(rows.indexOf(row), true);
      this.grid.focus();
    }).catch((error: unknown) => this.actions.trouble(error));
  }

  private restart(): void {
    this.grid.scrollTop = 0;
    this.active = 0;
    this.tell();
    void this.load();
  }

  private tell(): void {
    this.actions.changed(this.search.value, [...this.open].slice(-mostOpen));
  }

  private row(place: number): CheckpointRow | undefined {
    return this.rows[place - this.from];
  }

  private act(place: number): void {
    const row = this.row(place);
    if (!row) return;
    this.active = place;
    if (row.tensor !== null) {
      this.selected = row.tensor;
      this.actions.select(row.tensor);
      this.draw();
    } else this.toggle(row, !row.open);
  }

  private toggle(row: CheckpointRow, open: boolean): void {
    if (open) this.open.add(row.key);
    else this.open.delete(row.key);
    this.tell();
    void this.load();
  }

  private move(place: number, toTop = false): void {
    this.moves++;
    this.active = Math.max(0, Math.min(this.total - 1, place));
    const top = this.active * rowHeight, { scrollTop, clientHeight } = this.grid;
    // The heading covers the first row's height.
    if (toTop || top < scrollTop) this.grid.scrollTop = top;
    else if (top + 2 * rowHeight > scrollTop + clientHeight) this.grid.scrollTop = top + 2 * rowHeight - clientHeight;
    this.draw();
  }

  private inward(): void {
    const row = this.row(this.active);
    if (row?.kind !== 'group') return;
    if (row.open) this.move(this.active + 1);
    else this.toggle(row, true);
  }

  private outward(): void {
    const row = this.row(this.active);
    if (!row) return;
    if (row.open) this.toggle(row, false);
    else if (row.parent !== null) this.move(row.parent);
  }

  /** Asks for the rows around what is in view, one request at a time and the last view always. */
  private async load(): Promise<void> {
    this.stale = true;
    if (this.asking) return;
    this.asking = true;
    try {
      while (this.stale) {
        this.stale = false;
        const first = Math.floor(this.grid.scrollTop / rowHeight);
        const { total, from, rows } = await this.actions.load(this.search.value, [...this.open], Math.max(0, first - Math.floor(windowRows / 3)), windowRows);
        Object.assign(this, { total, from, rows });
        this.active = Math.max(0, Math.min(this.active, total - 1));
        this.body.style.height = `${total * rowHeight}px`;
        this.grid.setAttribute('aria-rowcount', String(total + 1));
        const searching = this.search.value.trim() !== '';
        setText(this.count, searching ? `${whole(total)} found` : '');
        this.none.hidden = total > 0;
        this.grid.hidden = total === 0;
        setText(this.none, searching ? 'No tensor has all these words in its name, type or shape.' : 'There are no tensors.');
        this.draw();
      }
      performance.mark('rows-shown');
    } catch (error) {
      this.actions.trouble(error);
    } finally {
      this.asking = false;
    }
  }

  private draw(): void {
    const first = Math.floor(this.grid.scrollTop / rowHeight), count = Math.min(windowRows / 2, Math.ceil(this.grid.clientHeight / rowHeight) + 1);
    const last = Math.min(this.total, first + count);
    if (first < this.from || last > this.from + this.rows.length) {
      if (this.total > 0) void this.load();
    }
    const drawn = new Map<number, { element: HTMLElement; state: string }>();
    for (let place = Math.max(0, first - 2); place < last; place++) {
      const row = this.row(place);
      if (!row) continue;
      const state = JSON.stringify([row, place === this.active, row.tensor === this.selected, this.search.value.trim() !== '']);
      const before = this.drawn.get(place);
      // An element that stays may be in the middle of a click.
      drawn.set(place, before?.state === state ? before : { element: this.rowElement(row, place), state });
    }
    const kept = new Set([...drawn.values()].map((one) => one.element));
    for (const { element: old } of this.drawn.values()) if (!kept.has(old)) old.remove();
    let next: Element | null = this.body.firstElementChild;
    for (const { element: wanted } of drawn.values()) {
      if (wanted === next) next = next.nextElementSibling;
      else this.body.insertBefore(wanted, next);
    }
    this.drawn = drawn;
    if (drawn.has(this.active)) this.grid.setAttribute('aria-activedescendant', `row-${this.active}`);
    else this.grid.removeAttribute('aria-activedescendant');
  }

  private rowElement(row: CheckpointRow, place: number): HTMLElement {
    const isGroup = row.kind === 'group';
    const searching = this.search.value.trim() !== '';
    const cell = (text: string, name = ''): HTMLElement => element('span', { role: 'gridcell', class: name }, text);
    const label = element('span', { role: 'gridcell', class: 'label' },
      element('span', { class: 'indent', 'aria-hidden': 'true' }), element('span', { class: `twist${isGroup ? (row.open ? ' open' : ' closed') : ''}`, 'aria-hidden': 'true' }),
      ...(row.level === 1 || searching ? [element('span', { class: `swatch part-${row.part}${row.target ? ' target' : ''}`, 'aria-hidden': 'true' })] : []), element('span', { class: 'name' }, row.label));
    label.querySelector<HTMLElement>('.indent')!.style.width = `${(row.level - 1) * 14}px`;
    const made = element('div', {
      role: 'row', id: `row-${place}`, class: `row ${row.kind}${place === this.active ? ' active' : ''}${row.tensor !== null && row.tensor === this.selected ? ' selected' : ''}`,
      'aria-level': row.level, 'aria-rowindex': place + 2, 'aria-setsize': row.siblings, 'aria-posinset': row.place, 'aria-selected': row.tensor !== null && row.tensor === this.selected ? 'true' : 'false',
      'aria-expanded': isGroup ? String(row.open) : null, 'data-place': place,
    }, label, cell(isGroup ? `${whole(row.tensors)} tensors` : row.shape, isGroup ? 'quiet' : ''), cell(row.dtype), cell(rough(row.values), 'number'), cell(bytesText(row.bytes), 'number'), statisticsCell(row));
    made.style.top = `${place * rowHeight}px`;
    return made;
  }
}

function statisticsCell({ statistics }: CheckpointRow): HTMLElement {
  const cell = element('span', { role: 'gridcell', class: 'number' });
  if (!statistics) return cell;
  const { nan, positiveInfinite, negativeInfinite, mean, deviation } = statistics;
  const infinite = positiveInfinite + negativeInfinite;
  if (nan + infinite > 0) cell.append(element('b', { class: 'bad' }, [...(nan > 0 ? [`${whole(nan)} NaN`] : []), ...(infinite > 0 ? [`${whole(infinite)} ∞`] : [])].join(', ')));
  else cell.append(`${short(mean)} ± ${short(deviation)}`);
  return cell;
}
