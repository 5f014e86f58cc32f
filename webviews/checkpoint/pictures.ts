/** Pictures of embeddings: a section that is read when it is unfolded, each picture with its table. */
import type { CheckpointCalls, CheckpointPicture, FilterPictures, PositionSimilarity, RelativeBias } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { heat } from '../common/heat.ts';
import { onKeys } from '../common/keyboard.ts';
import { short, whole } from './numbers.ts';

export type Ask = <K extends 'filters' | 'positions' | 'relative'>(call: K, request: CheckpointCalls[K]['request']) => Promise<CheckpointCalls[K]['reply']>;

/** Shown at first; the rest is a click away. */
const firstFilters = 192;

/** One picture's content: says that it is read, then shows it, or why not. */
export function pictureView({ kind, tensor }: CheckpointPicture, ask: Ask): HTMLElement {
  const holder = element('div', { class: 'picture' }, element('p', { class: 'quiet' }, 'Reading…'));
  const draw = async (): Promise<HTMLElement> => {
    switch (kind) {
      case 'filters': return filtersView(await ask('filters', { tensor }));
      case 'positions': return positionsView(tensor, await ask('positions', { tensor, chosen: 0, overview: true }), ask);
      case 'relative': return relativeView(await ask('relative', { tensor }));
    }
  };
  draw().then((view) => {
    holder.replaceChildren(view);
    performance.mark('picture-shown');
  }, (error: Error) => holder.replaceChildren(element('p', { class: 'bad' }, error.message)));
  return holder;
}

/** Pixels as they are, on a canvas that the style sheet may enlarge. */
function bitmap(width: number, height: number, label: string, paint: (pixels: Uint8ClampedArray) => void): HTMLCanvasElement {
  const canvas = element('canvas', { width, height, role: 'img', 'aria-label': label });
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(width, height);
  paint(image.data);
  context.putImageData(image, 0, 0);
  return canvas;
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  return element('table', { class: 'numbers' }, element('thead', {}, element('tr', {}, ...headings.map((text) => element('th', { scope: 'col' }, text)))),
    element('tbody', {}, ...rows.map(([first = '', ...rest]) => element('tr', {}, element('th', { scope: 'row' }, first), ...rest.map((text) => element('td', {}, text))))));
}

function folded(summary: string, ...children: HTMLElement[]): HTMLElement {
  return element('details', {}, element('summary', {}, summary), ...children);
}

function filtersView(filters: FilterPictures): HTMLElement {
  const { all, order, norms, width, height } = filters;
  const strongest = norms.find(Number.isFinite) ?? NaN;
  const weak = norms.filter((norm) => norm < 0.01 * strongest).length, broken = norms.filter((norm) => !Number.isFinite(norm)).length;
  const readout = element('p', { class: 'quiet', 'aria-live': 'off' });
  const initial = `${whole(all)} filters of ${width} × ${height}, strongest first; each in its own range.${weak > 0 ? ` ${whole(weak)} ${weak === 1 ? 'is' : 'are'} weaker than a hundredth of the strongest.` : ''}${broken > 0 ? ` ${whole(broken)} ${broken === 1 ? 'is' : 'are'} not finite (red).` : ''}`;
  setText(readout, initial);
  const place = element('div');
  const show = (count: number): void => {
    const shown = Math.min(count, filters.shown);
    // As wide as tall, twice over: it is scaled as a whole.
    const columns = Math.max(1, Math.min(shown, Math.ceil(Math.sqrt((shown * 5 * height) / width))));
    const rows = Math.ceil(shown / columns);
    const scale = Math.max(1, Math.round(32 / width));
    const [cellWidth, cellHeight] = [width * scale + 2, height * scale + 2];
    const pixels = new Uint8ClampedArray(filters.pixels);
    const canvas = bitmap(columns * cellWidth, rows * cellHeight, `The ${whole(shown)} strongest of ${whole(all)} filters; a table follows`, (data) => {
      for (let k = 0; k < shown; k++) {
        const left = (k % columns) * cellWidth + 1, top = Math.floor(k / columns) * cellHeight + 1;
        for (let y = 0; y < height * scale; y++) for (let x = 0; x < width * scale; x++) {
          const from = 4 * (k * width * height + Math.floor(y / scale) * width + Math.floor(x / scale)), to = 4 * ((top + y) * columns * cellWidth + left + x);
          for (let c = 0; c < 4; c++) data[to + c] = pixels[from + c]!;
        }
      }
    });
    canvas.classList.add('filters');
    canvas.addEventListener('mousemove', (event) => {
      const box = canvas.getBoundingClientRect();
      const k = Math.floor(((event.clientY - box.top) / box.height) * rows) * columns + Math.floor(((event.clientX - box.left) / box.width) * columns);
      setText(readout, k >= 0 && k < shown ? `Filter ${order[k]!}: norm ${short(norms[k]!)}, ${whole(k + 1)}. of ${whole(all)}` : initial);
    });
    canvas.addEventListener('mouseleave', () => setText(readout, initial));
    place.replaceChildren(canvas);
    if (shown < filters.shown) place.append(button(`Show all ${whole(filters.shown)}`, {}, () => show(filters.shown)));
  };
  show(firstFilters);
  const listed = [...order.keys()].filter((k) => k < 10 || k >= order.length - 5);
  return element('div', {}, readout, place, folded('As a table', table(['Rank', 'Filter', 'Norm'], listed.map((k) => [whole(k + 1), String(order[k]), short(norms[k]!)]))));
}

/** Values as a heat map of one pixel each, between their lowest and highest. */
function heatMap(values: ArrayLike<number>, columns: number, rows: number, [low, high]: readonly [number, number], label: string): HTMLCanvasElement {
  return bitmap(columns, rows, label, (data) => {
    for (let i = 0; i < rows * columns; i++) paint(data, i, values[i]!, low, high);
  });
}

function paint(data: Uint8ClampedArray, pixel: number, value: number, low: number, high: number): void {
  const colour = Number.isFinite(value) ? heat(high > low ? (value - low) / (high - low) : 0.5) : [255, 0, 0];
  data.set(colour, 4 * pixel);
  data[4 * pixel + 3] = 255;
}

function rangeOf(values: ArrayLike<number>): [number, number] {
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  return low <= high ? [low, high] : [NaN, NaN];
}

function legendOf([low, high]: readonly [number, number]): HTMLElement {
  const strip = bitmap(64, 1, '', (data) => {
    for (let i = 0; i < 64; i++) paint(data, i, i, 0, 63);
  });
  strip.removeAttribute('role');
  strip.removeAttribute('aria-label');
  strip.setAttribute('aria-hidden', 'true');
  return element('p', { class: 'scale quiet' }, short(low), strip, short(high));
}

function positionsView(tensor: number, first: PositionSimilarity, ask: Ask): HTMLElement {
  const { rows, columns, extra } = first;
  const count = rows * columns;
  const overview = first.overview && new Float32Array(first.overview);
  let chosen = Math.floor(rows / 2) * columns + Math.floor(columns / 2);
  const place = element('div', { class: 'chosen', tabindex: 0, role: 'application', 'aria-label': 'The chosen position: arrow keys choose another' });
  const readout = element('p', { 'aria-live': 'polite' });
  const distances = element('div');
  const show = (similarities: Float32Array): void => {
    const range = rangeOf(similarities);
    const [row, column] = [Math.floor(chosen / columns), chosen % columns];
    const canvas = heatMap(similarities, columns, rows, range, `How alike the embedding of row ${row + 1}, column ${column + 1} is to those of all positions; a table follows`);
    const mark = element('span', { class: 'here', 'aria-hidden': 'true' });
    Object.assign(mark.style, { left: `${(100 * column) / columns}%`, top: `${(100 * row) / rows}%`, width: `${100 / columns}%`, height: `${100 / rows}%` });
    canvas.addEventListener('click', (event) => {
      const box = canvas.getBoundingClientRect();
      choose(Math.min(rows - 1, Math.floor(((event.clientY - box.top) / box.height) * rows)) * columns + Math.min(columns - 1, Math.floor(((event.clientX - box.left) / box.width) * columns)));
    });
    place.replaceChildren(element('div', { class: 'map' }, canvas, mark), legendOf(range));
    setText(readout, `Row ${row + 1}, column ${column + 1} of ${rows} × ${columns}`);
    distances.replaceChildren(distanceTable(similarities, rows, columns, chosen));
  };
  const choose = (next: number): void => {
    if (next < 0 || next >= count) return;
    chosen = next;
    if (overview) show(overview.subarray(chosen * count, (chosen + 1) * count));
    else void ask('positions', { tensor, chosen, overview: false }).then(({ similarities }) => {
      if (chosen === next) show(new Float32Array(similarities));
    }, (error: Error) => setText(readout, error.message));
  };
  onKeys(place, {
    ArrowLeft: () => choose(chosen % columns > 0 ? chosen - 1 : -1), ArrowRight: () => choose(chosen % columns < columns - 1 ? chosen + 1 : -1),
    ArrowUp: () => choose(chosen - columns), ArrowDown: () => choose(chosen + columns),
  });
  choose(chosen);
  const parts: HTMLElement[] = [];
  if (overview) {
    const range = rangeOf(overview);
    // Small maps, one for each position, in the places of their positions.
    const [width, height] = [columns * (columns + 1) - 1, rows * (rows + 1) - 1];
    const canvas = bitmap(width, height, `${whole(count)} small maps, one for each position, each of how alike it is to all`, (data) => {
      for (let map = 0; map < count; map++) for (let i = 0; i < count; i++) {
        const x = (map % columns) * (columns + 1) + (i % columns), y = Math.floor(map / columns) * (rows + 1) + Math.floor(i / columns);
        paint(data, y * width + x, overview[map * count + i]!, range[0], range[1]);
      }
    });
    canvas.classList.add('overview');
    canvas.addEventListener('click', (event) => {
      const box = canvas.getBoundingClientRect();
      choose(Math.min(rows - 1, Math.floor(((event.clientY - box.top) / box.height) * rows)) * columns + Math.min(columns - 1, Math.floor(((event.clientX - box.left) / box.width) * columns)));
    });
    parts.push(element('figure', {}, canvas, legendOf(range), element('figcaption', { class: 'quiet' }, 'Each small map: cosine similarity of its position to all. A click chooses.')));
  }
  parts.push(element('figure', {}, place, element('figcaption', {}, readout, extra > 0 ? element('p', { class: 'quiet' }, `${extra === 1 ? 'A class token\'s embedding' : `${extra} embeddings of tokens`} before the patches ${extra === 1 ? 'is' : 'are'} left out.`) : '')), element('div', {}, element('h3', {}, 'Similarity by distance'), distances));
  return element('div', { class: 'positions' }, ...parts);
}

/** Mean similarity of positions that are so many patches away, by the longer of the two directions. */
function distanceTable(similarities: ArrayLike<number>, rows: number, columns: number, chosen: number): HTMLElement {
  const [row, column] = [Math.floor(chosen / columns), chosen % columns];
  const sums: { sum: number; count: number }[] = [];
  for (let i = 0; i < rows * columns; i++) {
    const distance = Math.max(Math.abs(Math.floor(i / columns) - row), Math.abs((i % columns) - column));
    const entry = (sums[distance] ??= { sum: 0, count: 0 });
    entry.sum += similarities[i]!;
    entry.count++;
  }
  return table(['Patches away', 'Mean', 'Positions'], sums.map(({ sum, count }, distance) => [String(distance), short(sum / count), whole(count)]).slice(0, 16));
}

function relativeView({ heads, side, biases }: RelativeBias): HTMLElement {
  const values = new Float32Array(biases), area = side * side;
  const maps = Array.from({ length: Math.min(heads, 32) }, (_, head) => {
    const own = values.subarray(head * area, (head + 1) * area);
    const range = rangeOf(own);
    return { own, range, figure: element('figure', {}, heatMap(own, side, side, range, `Bias of head ${head} by row and column offset, from ${short(range[0])} to ${short(range[1])}`), element('figcaption', { class: 'quiet' }, `head ${head}: ${short(range[0])} to ${short(range[1])}`)) };
  });
  const middle = Math.floor(area / 2);
  return element('div', {}, element('p', { class: 'quiet' }, `Bias by offset from a query in the middle, up to ${(side - 1) / 2} patches away; bright is attended to more.`), element('div', { class: 'attention' }, ...maps.map(({ figure }) => figure)),
    folded('As a table', table(['Head', 'Itself', 'Above', 'Left', 'Lowest', 'Highest'], maps.map(({ own, range }, head) => [String(head), short(own[middle]!), short(own[middle - side]!), short(own[middle - 1]!), short(range[0]), short(range[1])]))));
}
