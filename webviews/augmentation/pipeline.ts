/** The pipeline of each view as a strip: the picture after every step with what was drawn for it, and below it the step's settings. */
import type { LabMask, LabSample, LabSetting, LabSetup, LabStep, LabValue, LabView } from '../../backend/protocol.ts';
import { element, setText } from '../common/dom.ts';
import { drawMask, drawPicture, pictureOf, surface } from './canvas.ts';
import { cardOf, choiceSetting, pictureSide, type Card } from './card.ts';
import { viewColour } from './colours.ts';
import { numberControl, rangeControl, type Control, type SettingLook } from './controls.ts';
import { maskCard } from './maskCard.ts';

export type Path = readonly (string | number)[];

export interface PipelineActions {
  /** Sets a value of a view in the run file's list. */
  set(view: number, path: Path, value: unknown): void;
  addOp(view: number, op: string): void;
  removeOp(view: number, place: number): void;
}

/** Where a setting without a greatest value ends on its slider, and where a wide one does. */
const usualMax: Record<string, number> = { brightness: 1, contrast: 1, saturation: 1, sigma: 5 };
const words: Record<string, string> = { horizontalFlip: 'Flip', randomResizedCrop: 'Crop', colorJitter: 'Colour jitter', grayscale: 'Greyscale', gaussianBlur: 'Blur', solarize: 'Solarize', randAugment: 'RandAugment' };
const titleOf = (op: string): string => words[op] ?? op;

const short = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2).replace('-', '−'));

/** What was drawn, in words. */
export function drawnText({ op, applied, parameters }: LabStep, probability: number | null): string {
  if (op === 'horizontalFlip') return applied ? 'mirrored' : 'as it is';
  if (applied) return valuesText(parameters) || 'applied';
  return probability === 0 ? 'switched off' : 'not this time';
}

/** An op that draws an order of its parts lists them in it. */
function valuesText(parameters: LabStep['parameters']): string {
  const order = Object.values(parameters).find((value): value is readonly string[] => typeof value !== 'number');
  const names = order ?? Object.keys(parameters);
  return names.map((name) => { const value = parameters[name]; return typeof value === 'number' ? `${name} ${short(value)}` : name; }).join(order ? ' → ' : ' · ');
}

export class Pipeline {
  readonly element = element('div', { class: 'strips' });
  private readonly actions: PipelineActions;
  private setup: LabSetup | null = null;
  private cards: Card[][] = [];
  private shape = '';
  /** Probabilities of ops before they were switched off. */
  private readonly before = new Map<string, number>();
  /** Masks of other kinds that a view had. */
  private readonly masksBefore = new Map<number, Map<LabMask['kind'], LabMask>>();
  private sample: LabSample | null = null;
  private source: HTMLCanvasElement | null = null;
  /** Pictures are drawn where the sample is another one; controls move without them. */
  private repaints = true;

  constructor(actions: PipelineActions) {
    this.actions = actions;
  }

  /** Brings the strips in line; they are built anew only where a step was added, removed, or is of another kind. */
  show(setup: LabSetup, views: readonly LabView[], sample: LabSample | null, source: HTMLCanvasElement | null): void {
    this.setup = setup;
    this.repaints = sample !== this.sample;
    this.sample = sample;
    this.source = source;
    const shape = JSON.stringify(views.map(({ name, ops, mask, sameAs }, i) => [name, sameAs, ops.map(({ op }) => op), mask?.kind, mask?.kind === 'varied' && [mask.shape, mask.shares.length], setup.masks[i]]));
    if (shape !== this.shape) {
      this.shape = shape;
      this.repaints = true;
      const focused = document.activeElement?.getAttribute('aria-label');
      this.build(views);
      if (focused) [...this.element.querySelectorAll<HTMLElement>('[aria-label]')].find((part) => part.getAttribute('aria-label') === focused)?.focus();
    }
    views.forEach((view, i) => {
      const shown = sample?.views.find(({ spec }) => spec === i) ?? null;
      for (const card of this.cards[i]!) card.update(view, shown);
    });
  }

  private build(views: readonly LabView[]): void {
    this.cards = views.map((view, i) => {
      const flips = view.ops.flatMap(({ op }, place) => (op === 'horizontalFlip' ? [place] : []));
      const colours = view.ops.flatMap(({ op }, place) => (op === 'horizontalFlip' ? [] : [place]));
      if (view.sameAs !== undefined) return [this.cropCard(view, i)];
      return [...flips.map((place) => this.opCard(view, i, place)), this.cropCard(view, i), ...colours.map((place) => this.opCard(view, i, place)), this.maskCard(view, i)];
    });
    this.element.replaceChildren(...views.map((view, i) => {
      const add = element('select', { 'aria-label': `Add a step to ${view.name}` }, element('option', { value: '' }, 'Add a step…'), ...this.setup!.ops.filter(({ op }) => !view.ops.some((own) => own.op === op)).map(({ op, text }) => element('option', { value: op, title: text }, titleOf(op))));
      add.addEventListener('change', () => add.value !== '' && this.actions.addOp(i, add.value));
      const heading = element('h3', {}, element('span', { class: `swatch ${viewColour(i)}`, 'aria-hidden': 'true' }), view.name, element('span', { class: 'note' }, `${view.size} pixels${view.count === undefined ? '' : `, ${view.count} of them`}${view.sameAs === undefined ? '' : `, drawn as ${view.sameAs} is`}`), ...(view.sameAs === undefined ? [add] : []));
      return element('section', { 'aria-label': `Pipeline of ${view.name}` }, heading, element('div', { class: 'strip' }, ...this.cards[i]!.map((card) => card.element)));
    }));
  }

  private cropCard(view: LabView, i: number): Card {
    const owner = `the crop of ${view.name}`;
    const scale = rangeControl(owner, { label: 'area', title: 'Share of the image that the crop takes', min: 0.01, max: 1, logarithmic: true }, (value) => this.actions.set(i, ['crop', 'scale'], value));
    const ratio = rangeControl(owner, { label: 'aspect', title: 'Width / height of the crop', min: 0.25, max: 4, logarithmic: true }, (value) => this.actions.set(i, ['crop', 'ratio'], value));
    const interpolation = element('select', { 'aria-label': `interpolation of ${owner}` }, ...['bicubic', 'bilinear', 'lanczos'].map((name) => element('option', { value: name }, name)));
    interpolation.addEventListener('change', () => this.actions.set(i, ['crop', 'interpolation'], interpolation.value));
    const { element: made, picture, drawn } = cardOf(`Crop of ${view.name}`, 'Crop', [...(view.sameAs === undefined ? [scale.element, ratio.element] : []), choiceSetting('resized by', 'How the crop is resized', interpolation)]);
    return {
      element: made,
      update: ({ crop }, shown) => {
        scale.set(crop.scale);
        ratio.set(crop.ratio);
        interpolation.value = crop.interpolation;
        const step = shown?.steps.find(({ op }) => op === 'randomResizedCrop');
        this.paint(picture, step);
        if (shown && this.sample) setText(drawn, `${shown.box.width} × ${shown.box.height} of ${this.sample.imageWidth} × ${this.sample.imageHeight}${shown.drawn ? '' : ', by hand'}`);
      },
    };
  }

  private opCard(view: LabView, i: number, place: number): Card {
    const { op } = view.ops[place]!;
    const owner = `${titleOf(op).toLowerCase()} of ${view.name}`;
    const settings = this.setup!.ops.find((known) => known.op === op)?.settings ?? [];
    const check = element('input', { type: 'checkbox', 'aria-label': `${titleOf(op)} of ${view.name}` });
    const name = `${i} ${place} ${op}`;
    check.addEventListener('change', () => this.actions.set(i, ['ops', place, 'p'], check.checked ? (this.before.get(name) ?? 1) : 0));
    const controls = settings.map((setting) => ({ setting, control: controlOf(owner, setting, (value) => this.actions.set(i, ['ops', place, setting.name], value)) }));
    const remove = element('button', { type: 'button', class: 'quiet', 'aria-label': `Remove ${owner}`, title: 'Remove this step' }, '×');
    remove.addEventListener('click', () => this.actions.removeOp(i, place));
    const { element: made, picture, drawn } = cardOf(`${titleOf(op)} of ${view.name}`, element('span', { class: 'switch' }, element('label', {}, check, titleOf(op)), remove), controls.map(({ control }) => control.element));
    return {
      element: made,
      update: ({ ops }, shown) => {
        const spec = ops[place];
        if (!spec) return;
        if (spec.p > 0) this.before.set(name, spec.p);
        check.checked = spec.p > 0;
        made.classList.toggle('off', spec.p === 0);
        for (const { setting, control } of controls) {
          const value = (spec[setting.name] ?? setting.initial) as LabValue | null;
          if (value !== null) control.set(value as never);
        }
        const at = shown?.steps.findIndex((step) => step.place === place) ?? -1;
        const step = shown?.steps[at];
        made.classList.toggle('idle', step !== undefined && !step.applied);
        if (op === 'horizontalFlip') this.paintSource(picture, step?.applied ?? false);
        // Where nothing was changed, the picture is that of the step before.
        else this.paint(picture, shown?.steps.slice(0, at + 1).findLast((earlier) => earlier.picture));
        setText(drawn, step ? drawnText(step, spec.p) : '');
      },
    };
  }

  private maskCard(view: LabView, i: number): Card {
    const before = this.masksBefore.get(i) ?? new Map<LabMask['kind'], LabMask>();
    this.masksBefore.set(i, before);
    return maskCard({
      view, before, use: this.setup!.masks[i] ?? null, patches: this.patches(view),
      put: (path, value) => this.actions.set(i, path, value),
      paint: (picture, shown) => {
        if (!this.sample || !this.repaints) return;
        const context = surface(picture, pictureSide, pictureSide);
        drawPicture(context, pictureOf(this.sample.buffer, shown.picture), 0, 0, pictureSide, pictureSide);
        if (shown.mask) drawMask(context, shown.mask, shown.grid, pictureSide);
      },
    });
  }

  private patches({ size }: LabView): number {
    return Math.floor(size / this.setup!.patchSize) ** 2;
  }

  private paint(canvas: HTMLCanvasElement, step: LabStep | undefined): void {
    if (!this.repaints) return;
    const context = surface(canvas, pictureSide, pictureSide);
    if (step?.picture && this.sample) drawPicture(context, pictureOf(this.sample.buffer, step.picture), 0, 0, pictureSide, pictureSide);
  }

  /** The whole image, as the crop is taken of it. */
  private paintSource(canvas: HTMLCanvasElement, mirrored: boolean): void {
    if (!this.repaints) return;
    const context = surface(canvas, pictureSide, pictureSide);
    if (!this.source) return;
    const scale = pictureSide / Math.max(this.source.width, this.source.height);
    const [width, height] = [this.source.width * scale, this.source.height * scale];
    if (mirrored) {
      context.translate(pictureSide, 0);
      context.scale(-1, 1);
    }
    drawPicture(context, this.source, (pictureSide - width) / 2, (pictureSide - height) / 2, width, height);
  }
}

function controlOf(owner: string, { name, kind, whole, min, max, text }: LabSetting, onValue: (value: LabValue) => void): Control<never> {
  const top = Math.min(usualMax[name] ?? Infinity, max ?? Infinity);
  const look: SettingLook = { label: name === 'p' ? 'probability' : name, title: text, min, max: Number.isFinite(top) ? top : Math.max(1, min * 10), limit: max, whole };
  return kind === 'range' ? rangeControl(owner, look, onValue) : numberControl(owner, look, onValue);
}
