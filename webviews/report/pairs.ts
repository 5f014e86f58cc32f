/** The pairs of views: pointing at a patch of view b shows, on both copies of view a, how similar each patch is, the model's match and the true one. */
import type { PageMatches, PagePair } from '../../backend/protocol.ts';
import { bytes, float32 } from './decode.ts';
import { drawHeat, drawMarks, outcomes, surface, type Cell, type Matches } from './pairDrawing.ts';

type When = 'before' | 'after';
type Marks = When | 'none';

interface Pair {
  element: HTMLElement;
  grid: number;
  truth: Float32Array;
  matches: Record<When, Matches>;
  query: HTMLCanvasElement;
  heat: Record<When, HTMLCanvasElement>;
  readout: HTMLElement;
  selected: number | null;
}

const decode = (m: PageMatches): Matches => ({ similarity: bytes(m.similarity), low: m.low, high: m.high, best: m.best });

function bind(element: HTMLElement, data: PagePair): Pair | null {
  const find = <T extends HTMLElement>(selector: string): T | null => element.querySelector<T>(selector);
  const query = find<HTMLCanvasElement>('[data-query]');
  const before = find<HTMLCanvasElement>('[data-heat="before"]');
  const after = find<HTMLCanvasElement>('[data-heat="after"]');
  const readout = find('[data-readout]');
  if (!query || !before || !after || !readout) return null;
  return { element, grid: data.grid, truth: float32(data.truth), matches: { before: decode(data.before), after: decode(data.after) }, query, heat: { before, after }, readout, selected: null };
}

const cellOf = (patch: number, grid: number): Cell => ({ row: Math.floor(patch / grid), column: patch % grid });

function describe(pair: Pair): string {
  const { grid, selected, truth } = pair;
  if (selected === null) return 'Point at a patch of view b, or choose the picture and use the arrow keys.';
  const name = ({ row, column }: Cell): string => `row ${row + 1}, column ${column + 1}`;
  const inside = !Number.isNaN(truth[selected * 2]);
  const place = inside ? `truly at ${name({ row: Math.min(grid - 1, Math.floor(truth[selected * 2]!)), column: Math.min(grid - 1, Math.floor(truth[selected * 2 + 1]!)) })} of view a` : 'not in view a';
  const found = (['before', 'after'] as const).map((when) => {
    const { similarity, low, high, best } = pair.matches[when];
    const at = best[selected]!;
    const cosine = low + ((high - low) * similarity[selected * grid * grid + at]!) / 255;
    const outcome = { right: ' (right)', near: ' (next to it)', wrong: ' (wrong)', absent: '' }[outcomes(pair.truth, best, grid)[selected]!];
    return `${when} training: ${name(cellOf(at, grid))}${outcome}, cosine ${cosine.toFixed(2)}`;
  });
  return `Patch at ${name(cellOf(selected, grid))}, ${place}. Match ${found.join('; ')}.`;
}

function draw(pair: Pair, marks: Marks): void {
  const { grid, selected, truth, matches } = pair;
  const query = surface(pair.query);
  if (marks !== 'none') drawMarks(query, outcomes(truth, matches[marks].best, grid), grid, selected);
  else drawMarks(query, null, grid, selected);
  for (const when of ['before', 'after'] as const) drawHeat(surface(pair.heat[when]), matches[when], truth, grid, selected);
  pair.readout.textContent = describe(pair);
}

/** Lets pointer and keys choose a patch of view b. */
function listen(pair: Pair, redraw: () => void): void {
  const { query, grid } = pair;
  query.tabIndex = 0;
  query.setAttribute('role', 'application');
  query.setAttribute('aria-label', 'Patches of view b: arrow keys move from patch to patch, Escape leaves');
  const select = (patch: number | null): void => {
    if (patch === pair.selected) return;
    pair.selected = patch;
    redraw();
  };
  const at = (event: PointerEvent): number => {
    const box = query.getBoundingClientRect();
    const index = (offset: number, size: number): number => Math.min(grid - 1, Math.max(0, Math.floor((offset / size) * grid)));
    return index(event.clientY - box.top, box.height) * grid + index(event.clientX - box.left, box.width);
  };
  query.addEventListener('pointermove', (event) => select(at(event)));
  query.addEventListener('pointerdown', (event) => select(at(event)));
  query.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') return select(null);
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const { row, column } = cellOf(pair.selected ?? Math.floor((grid * grid + grid) / 2), grid);
    const held = (value: number): number => Math.min(grid - 1, Math.max(0, value));
    select(held(row + step[0]!) * grid + held(column + step[1]!));
  });
}

/** A patch worth looking at first: the most central one that is now right and was not. */
function firstPatch({ grid, truth, matches }: Pair): number {
  const before = outcomes(truth, matches.before.best, grid);
  const after = outcomes(truth, matches.after.best, grid);
  const order = before.map((_, i) => i).sort((i, j) => distance(i) - distance(j));
  function distance(i: number): number {
    const { row, column } = cellOf(i, grid);
    return Math.hypot(row - (grid - 1) / 2, column - (grid - 1) / 2);
  }
  return order.find((i) => after[i] === 'right' && before[i] === 'wrong') ?? order.find((i) => after[i] !== 'absent') ?? order[0] ?? 0;
}

function press(group: Iterable<HTMLElement>, chosen: HTMLElement): void {
  for (const button of group) button.setAttribute('aria-pressed', String(button === chosen));
}

/** Shows the first pair, listens, and returns a function that draws again (in other colours, at another size). */
export function showPairs(data: PagePair[]): () => void {
  const pairs = Array.from(document.querySelectorAll<HTMLElement>('[data-pair]')).flatMap((element) => {
    const entry = data[Number(element.dataset.pair)];
    const pair = entry ? bind(element, entry) : null;
    return pair ? [pair] : [];
  });
  let shown = 0;
  let marks: Marks = 'after';
  const redraw = (): void => {
    const pair = pairs[shown];
    if (pair) draw(pair, marks);
  };
  pairs.forEach((pair, i) => {
    pair.selected = firstPatch(pair);
    pair.element.hidden = i !== shown;
    listen(pair, redraw);
  });
  const picks = document.querySelectorAll<HTMLElement>('[data-pick]');
  for (const button of picks)
    button.addEventListener('click', () => {
      shown = Number(button.dataset.pick);
      press(picks, button);
      pairs.forEach((pair, i) => (pair.element.hidden = i !== shown));
      redraw();
    });
  const switches = document.querySelectorAll<HTMLElement>('[data-marks]');
  for (const button of switches)
    button.addEventListener('click', () => {
      marks = button.dataset.marks as Marks;
      press(switches, button);
      redraw();
    });
  addEventListener('resize', redraw);
  return redraw;
}
