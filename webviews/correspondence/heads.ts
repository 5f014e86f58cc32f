/** All heads of a block at once, small: what each takes of the picture, and a click shows it large. */
import { element, setText } from '../common/dom.ts';
import { heat } from '../common/heat.ts';
import { keptByMass, rowOf, type Attention } from './attention.ts';
import type { Side } from './pair.ts';

interface Small {
  button: HTMLButtonElement;
  canvases: Record<Side, HTMLCanvasElement>;
}

const sides = ['a', 'b'] as const;

export class Heads {
  readonly element = element('div', { class: 'heads', role: 'group', 'aria-label': 'All heads', hidden: true });
  private readonly choose: (head: number | null) => void;
  private small: Small[] = [];

  constructor(choose: (head: number | null) => void) {
    this.choose = choose;
  }

  /** `from` is the token of each view whose row is shown, null where none is; `mass` as of `keptByMass`. */
  draw(attention: Partial<Record<Side, Attention>>, from: Partial<Record<Side, number | null>>, head: number | null, mass: number | null): void {
    const heads = Math.max(0, ...Object.values(attention).map((maps) => maps.heads));
    this.element.hidden = heads === 0 || sides.every((side) => (from[side] ?? null) === null);
    if (this.element.hidden) return;
    if (this.small.length !== heads + 1) this.build(heads);
    this.small.forEach(({ button, canvases }, i) => {
      const own = i === 0 ? null : i - 1;
      button.setAttribute('aria-pressed', String(head === own));
      for (const side of sides) {
        const maps = attention[side], token = from[side] ?? null;
        canvases[side].hidden = !maps || token === null;
        if (maps && token !== null) drawSmall(canvases[side], rowOf(maps, token, own).subarray(1), mass);
      }
    });
  }

  hide(): void {
    this.element.hidden = true;
  }

  private build(heads: number): void {
    this.small = Array.from({ length: heads + 1 }, (_, i) => {
      const canvases = { a: element('canvas', { 'aria-hidden': 'true' }), b: element('canvas', { 'aria-hidden': 'true' }) };
      const button = element('button', { type: 'button', class: 'head', 'aria-pressed': 'false' }, element('span', { class: 'maps' }, canvases.a, canvases.b), element('span', {}, ''));
      setText(button.lastChild!, i === 0 ? 'mean' : `head ${i}`);
      button.addEventListener('click', () => this.choose(i === 0 ? null : i - 1));
      return { button, canvases };
    });
    this.element.replaceChildren(...this.small.map(({ button }) => button));
  }
}

/** A pixel a patch; the style sheet makes it larger. */
function drawSmall(canvas: HTMLCanvasElement, values: Float32Array, mass: number | null): void {
  const grid = Math.round(Math.sqrt(values.length));
  if (canvas.width !== grid) canvas.width = canvas.height = grid;
  const image = new ImageData(grid, grid), kept = mass === null ? null : keptByMass(values, mass);
  const high = values.reduce((most, value) => Math.max(most, value), 0) || 1;
  for (let k = 0; k < values.length; k++) image.data.set([...heat(kept && !kept[k] ? 0 : values[k]! / high), 255], 4 * k);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}
