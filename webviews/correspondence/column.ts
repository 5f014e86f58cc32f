/** One model's column: which checkpoint it is, both pictures with what the model says of them, and how often it is right. */
import type { Assignments, LookedModel, LookedView, LookSubject } from '../../backend/protocol.ts';
import { strokeRimmed, surface } from '../common/canvas.ts';
import { button, element, setText } from '../common/dom.ts';
import { heatColour } from '../common/heat.ts';
import { keptByMass, rowOf, type Attention } from './attention.ts';
import { codeColours, codesText, codeText, type Codes } from './codes.ts';
import { Heads } from './heads.ts';
import { Members, type MembersActions } from './members.ts';
import { paintedCaptions, paintedPicture, type Painted } from './painted.ts';
import { mutualMatches, otherSide, type MutualMatch, type Pair, type Place, type Query, type Side } from './pair.ts';
import { markColours, Picture, type Mark, type Overlay } from './picture.ts';
import { scoreTable, type Score } from './scores.ts';
import type { ColumnChoice, LookView, Pointed } from './view.ts';
import { percent, placeText, readout, whole } from './words.ts';

export interface ColumnActions {
  point(pointed: Pointed | null): void;
  pin(pointed: Pointed): void;
  step(value: number | null): void;
  play(): void;
  remove(): void;
  head(head: number | null): void;
  members: MembersActions;
}

/** What is asked of the model besides features, as far as it is there. */
export interface Extras {
  attention: Partial<Record<Side, Attention>>;
  painted: Painted | null;
  codes: Codes | null;
  assigned: Assignments | null;
}

export const noExtras = (): Extras => ({ attention: {}, painted: null, codes: null, assigned: null });

const leastShare = 0.5;
const judgedColours = { right: '#4cc9ff', near: '#f0e442', wrong: '#ff5d3b', unknown: '#e8e8e8' } as const;
const colourOf = (distance: number | null): string => judgedColours[distance === null ? 'unknown' : distance === 0 ? 'right' : distance === 1 ? 'near' : 'wrong'];

export class Column {
  readonly element: HTMLElement;
  pair: Pair | null = null;
  mutual: MutualMatch[] = [];
  readonly wires = element('canvas', { class: 'wires', 'aria-hidden': 'true' });
  readonly pictures: Record<Side, Picture>;
  private readonly original = element('canvas', { 'aria-hidden': 'true' });
  private readonly originalFigure = element('figure', { hidden: true }, element('div', { class: 'picture' }, this.original), element('figcaption', {}, 'The original'));
  private readonly name = element('h2');
  private readonly about = element('span', { class: 'note' });
  private readonly removeButton: HTMLButtonElement;
  private readonly steps: HTMLElement;
  private readonly slider = element('input', { type: 'range', min: 0, step: 1, 'aria-label': 'Checkpoint' });
  private readonly stepText = element('output');
  private readonly playButton: HTMLButtonElement;
  private readonly newestButton: HTMLButtonElement;
  private readonly trouble = element('p', { class: 'trouble', role: 'alert', hidden: true });
  private readonly holder: HTMLElement;
  private readonly legend = element('div', { class: 'legend' });
  private readonly scale = element('canvas', { class: 'scale', width: 128, height: 1, 'aria-hidden': 'true' });
  private readonly low = element('span');
  private readonly high = element('span');
  private readonly said = element('p', { class: 'readout', role: 'status' });
  private readonly scores = element('div', { class: 'score-holder scroll', tabindex: 0, role: 'group', 'aria-label': 'How often patches find their place' });
  readonly members: Members;
  private readonly heads: Heads;
  private subject: LookSubject | null = null;
  private model: LookedModel | null = null;

  constructor(actions: ColumnActions) {
    const act = (side: Side): Picture => new Picture({ point: (share) => actions.point(share && { side, share }), pin: (share) => actions.pin({ side, share }) });
    this.pictures = { a: act('a'), b: act('b') };
    this.removeButton = button('×', { class: 'quiet', title: 'Remove this column' }, () => actions.remove());
    this.playButton = button('▶', { title: 'Play the run\'s checkpoints from the first to the newest' }, () => actions.play());
    this.newestButton = button('Newest', { 'aria-pressed': 'false', title: 'Follow the run: show each new checkpoint' }, () => actions.step(null));
    this.slider.addEventListener('input', () => {
      const steps = this.subject?.steps ?? [];
      actions.step(steps[this.slider.valueAsNumber] ?? null);
    });
    this.steps = element('div', { class: 'steps' }, this.playButton, this.slider, this.stepText, this.newestButton);
    this.holder = element('div', { class: 'pictures' }, this.pictures.a.element, this.pictures.b.element, this.originalFigure, this.wires);
    this.heads = new Heads((head) => actions.head(head));
    this.members = new Members(actions.members);
    this.legend.append(element('span', { class: 'key' }, this.low, this.scale, this.high));
    this.element = element('section', { class: 'column' }, element('header', {}, this.name, this.about, this.removeButton), this.steps, this.trouble, this.holder, element('div', { class: 'aside' }, this.legend, this.said, this.heads.element, this.members.element, this.scores));
    this.drawScale();
  }

  /** What the column is about. */
  show(subject: LookSubject, choice: ColumnChoice, model: LookedModel | null, alone: boolean, playing: boolean): void {
    this.subject = subject;
    this.model = model;
    const { steps, living } = subject;
    const step = choice.untrained ? 0 : (choice.step ?? steps.at(-1) ?? null);
    setText(this.name, subject.name);
    setText(this.about, [...(steps.length === 0 && choice.untrained ? ['untrained'] : []), ...(living ? ['training'] : []), ...(model ? [`${model.grid} × ${model.grid} patches`] : [])].join(' · '));
    this.element.setAttribute('aria-label', `${subject.name}${step === null ? '' : `, step ${step}`}`);
    this.removeButton.hidden = alone;
    this.removeButton.setAttribute('aria-label', `Remove the column of ${subject.name}`);
    this.steps.hidden = steps.length < 2;
    this.slider.max = String(Math.max(0, steps.length - 1));
    this.slider.value = String(Math.max(0, steps.indexOf(step ?? 0)));
    const text = step === 0 ? 'untrained' : `step ${whole(step ?? 0)}`;
    setText(this.stepText, text);
    this.slider.setAttribute('aria-valuetext', text);
    setText(this.playButton, playing ? '❚❚' : '▶');
    this.playButton.setAttribute('aria-label', playing ? 'Pause' : 'Play what was learned');
    this.newestButton.hidden = !living;
    this.newestButton.setAttribute('aria-pressed', String(choice.step === null && !choice.untrained));
  }

  /** Another pair of pictures, or what kept it from being there. */
  take(pair: Pair | null, problem: string | null): void {
    this.trouble.hidden = problem === null;
    setText(this.trouble, problem ?? '');
    this.element.classList.toggle('lost', problem !== null);
    if (!pair || pair === this.pair) return;
    this.pair = pair;
    this.mutual = mutualMatches(pair);
  }

  waits(waiting: boolean): void {
    this.element.classList.toggle('waiting', waiting);
  }

  score(scores: readonly Score[]): void {
    this.scores.replaceChildren(scoreTable(scores));
  }

  /** The pictures anew. */
  paint(view: LookView, extras: Extras): void {
    const { pair } = this;
    if (!pair) return;
    const { imageSize } = pair.facts;
    const { painted } = extras;
    const asPainted = view.mode === 'reconstruction' && painted !== null;
    const [captionA, captionB] = asPainted ? paintedCaptions(painted) : this.captions(pair, view);
    this.pictures.a.show(pair.pixels.a, imageSize.a, captionA, `${captionA}. Arrow keys point at a patch, Enter pins it`);
    this.pictures.b.show(asPainted ? paintedPicture(pair.pixels.a, imageSize.a, pair.grid.a, painted) : pair.pixels.b, asPainted ? imageSize.a : imageSize.b, captionB, `${captionB}. Arrow keys point at a patch, Enter pins it`);
    // A smaller view is shown smaller, though not so small that its patches cannot be pointed at.
    const greatest = Math.max(imageSize.a, imageSize.b);
    for (const side of ['a', 'b'] as const) this.pictures[side].element.style.width = `${100 * Math.max(leastShare, asPainted ? 1 : imageSize[side] / greatest)}%`;
    this.originalFigure.hidden = !asPainted || painted.mask === null;
    this.pictures.a.draw();
    this.pictures.b.draw();
    if (asPainted) {
      const side = this.original.parentElement!.clientWidth;
      const context = surface(this.original, side, side);
      context.drawImage(this.pictures.a.base, 0, 0, side, side);
    }
  }

  /** What is pointed at and pinned, over the pictures. Called for every move of the pointer. */
  draw(view: LookView, pointed: Pointed | null, pins: readonly Pointed[], extras: Extras): void {
    const { pair } = this;
    if (!pair) return;
    const side = pointed?.side ?? 'a';
    const patch = pointed ? this.patchOf(pointed) : null;
    const overlays: Record<Side, Overlay> = { a: this.blank(pair, 'a'), b: this.blank(pair, 'b') };
    const lines: Line[] = [];
    let range: { low: number; high: number; what: string } | null = null;
    const { mode } = view;
    let sentence = '';
    if (mode === 'colours') for (const each of ['a', 'b'] as const) overlays[each].colours = pair.colours[each];
    this.heads.hide();
    if (mode === 'reconstruction' || mode === 'attention') for (const each of ['a', 'b'] as const) overlays[each].hidden = null;
    if (mode === 'reconstruction') {
      overlays.a.mask = extras.painted?.mask ?? null;
      sentence = extras.painted?.mask ? 'The mask is drawn as in training; “New views” draws another.' : '';
    } else if (mode === 'attention') {
      [range, sentence] = this.drawAttention(view, extras, pointed, overlays);
    } else if (mode === 'codes') {
      sentence = this.drawCodes(pair, extras.codes, side, patch, pins, overlays);
    } else if (mode === 'prototypes') {
      sentence = extras.assigned ? 'Views of one image should be assigned alike, and images of another kind otherwise.' : '';
    } else {
      if (mode === 'matches') sentence = this.drawMatches(view.threshold, patch, side, lines);
      const asked = pins.map((pin, i) => ({ pin, label: String(i + 1) }));
      for (const { pin, label } of asked) this.drawQuery(pair, pin.side, this.patchOf(pin), label, overlays, lines, false);
      if (patch !== null) {
        const query = this.drawQuery(pair, side, patch, '', overlays, lines, mode === 'matches' || mode === 'colours');
        sentence = readout(pair, side, patch, query);
        if (typeof query !== 'string' && mode === 'similarity') range = layHeat(query, overlays);
      } else if (mode === 'similarity' && pins.length > 0) {
        const query = pair.query(pins.at(-1)!.side, this.patchOf(pins.at(-1)!));
        if (typeof query !== 'string') range = layHeat(query, overlays);
      }
      if (sentence === '') sentence = mode === 'colours' ? 'Like colours are like features: the three main directions of both pictures as red, green and blue.' : 'Point at a patch to see what it is most like; a click pins it.';
    }
    this.pictures.a.lay(overlays.a);
    this.pictures.b.lay(overlays.b);
    this.drawLines(lines);
    this.legend.classList.toggle('idle', range === null);
    if (range) {
      setText(this.low, `${range.what} ${range.low.toFixed(2)}`);
      setText(this.high, range.high.toFixed(2));
    }
    setText(this.said, sentence);
  }

  /** The patch of this model's grid at what is pointed at. */
  patchOf({ side, share }: Pointed): number {
    const grid = this.pair!.grid[side];
    return Math.min(grid - 1, Math.floor(share.y * grid)) * grid + Math.min(grid - 1, Math.floor(share.x * grid));
  }

  /** The column's pictures as they are seen, for a file. */
  snapshot(): { canvas: HTMLCanvasElement; title: string; said: string } {
    const box = this.holder.getBoundingClientRect(), ratio = devicePixelRatio;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    const context = canvas.getContext('2d')!;
    for (const part of this.holder.querySelectorAll('canvas')) {
      const { left, top, width, height } = part.getBoundingClientRect();
      if (width > 0) context.drawImage(part, (left - box.left) * ratio, (top - box.top) * ratio, width * ratio, height * ratio);
    }
    return { canvas, title: this.element.getAttribute('aria-label') ?? '', said: this.said.textContent };
  }

  private blank(pair: Pair, side: Side): Overlay & { marks: Mark[] } {
    return { grid: pair.grid[side], heat: null, colours: null, opacity: 255, mask: null, hidden: pair.facts.masks[side], veiled: null, framed: null, texts: null, marks: [] };
  }

  /** What the pictures are, and what the hatching means. */
  private captions(pair: Pair, { views, mode }: LookView): [string, string] {
    const { nameA, nameB, masks, imageSize } = pair.facts;
    const named = (side: Side): string => {
      const own = this.model?.views.find(({ name }) => name === views?.[side]);
      const hidden = mode === 'attention' || mode === 'reconstruction' ? null : masks[side];
      const what = !pair.isKnown ? `${side}: ${side === 'a' ? nameA : nameB}` : own ? `View ${side}: ${own.name}, ${imageSize[side]} pixels` : side === 'a' ? 'View a' : 'View b, of the same image';
      return hidden ? `${what}. ${hiddenText(hidden, own?.hidden ?? 'mask', pair.predicted && side === 'a')}` : what;
    };
    return [named('a'), named('b')];
  }

  /** The pictures in the colours of their codes; of a patch that is pointed at or pinned all that have the same. */
  private drawCodes(pair: Pair, codes: Codes | null, side: Side, patch: number | null, pins: readonly Pointed[], overlays: Record<Side, Overlay>): string {
    if (!codes) return '';
    const pin = pins.at(-1), chosen = patch !== null ? codes[side][patch]! : pin ? codes[pin.side][this.patchOf(pin)]! : null;
    for (const each of ['a', 'b'] as const) {
      const own = codes[each];
      Object.assign(overlays[each], { colours: codeColours(own), opacity: chosen === null ? 205 : 130, texts: Array.from(own, String) });
      if (chosen !== null) Object.assign(overlays[each], { veiled: (k: number) => own[k] !== chosen, framed: (k: number) => own[k] === chosen });
    }
    if (patch !== null) (overlays[side].marks as Mark[]).push({ kind: 'pin', place: pair.centre(side, patch), label: '' });
    const look = this.model?.looks.find(({ kind }) => kind === 'codes');
    return patch !== null ? codeText(pair, codes, side, patch) : pin ? codeText(pair, codes, pin.side, this.patchOf(pin)) : codesText(codes, look?.kind === 'codes' ? look.count : 0);
  }

  /** Marks and lines of one patch: what was pointed at, its best match, its true place. */
  private drawQuery(pair: Pair, side: Side, patch: number, label: string, overlays: Record<Side, Overlay>, lines: Line[], wired: boolean): Query | string {
    const query = pair.query(side, patch);
    const kind = label === '' ? 'pointed' : 'pin';
    const mark = (on: Side, of: Mark['kind'], place: Place, text: string): void => void (overlays[on].marks as Mark[]).push({ kind: of, place, label: text });
    mark(side, kind, pair.centre(side, patch), label);
    if (typeof query === 'string') return query;
    const { over, best, truth, at } = query;
    if (pair.predicted) {
      const elsewhere = otherSide(side), place = at[elsewhere];
      if (place && elsewhere !== over) mark(elsewhere, kind, place, label);
    }
    if (truth) mark(over, 'true', truth, '');
    mark(over, 'best', pair.centre(over, best), label);
    if (label !== '' || wired) {
      const from = over === side ? (at[otherSide(side)] ?? null) : pair.centre(side, patch);
      if (from) lines.push({ from: { side: otherSide(over), place: from }, to: { side: over, place: pair.centre(over, best) }, colour: colourOf(query.distance), width: 2 });
    }
    return query;
  }

  private drawMatches(threshold: number, patch: number | null, side: Side, lines: Line[]): string {
    const pair = this.pair!;
    const shown = this.mutual.filter(({ cosine }) => cosine >= threshold);
    const mine = patch === null ? null : shown.find((match) => (side === 'a' ? match.patch : match.best) === patch);
    for (const match of [...shown].reverse()) {
      const from = pair.predicted ? pair.placeOf('b', match.patch) ?? (pair.isKnown ? null : pair.centre('a', match.patch)) : pair.centre('a', match.patch);
      if (from) lines.push({ from: { side: 'a', place: from }, to: { side: 'b', place: pair.centre('b', match.best) }, colour: colourOf(match.distance), width: match === mine ? 3 : 1.3, alpha: mine && match !== mine ? 0.25 : 0.9 });
    }
    const judged = shown.filter(({ distance }) => distance !== null), right = judged.filter(({ distance }) => distance! <= 1).length;
    return `${shown.length} patches are each other's best match${judged.length > 0 ? `; of ${judged.length} that both views show, ${right} (${percent(right / judged.length)}) are right within one patch` : ''}.`;
  }

  private drawAttention({ head, ofClass, mass }: LookView, { attention }: Extras, pointed: Pointed | null, overlays: Record<Side, Overlay>): [{ low: number; high: number; what: string } | null, string] {
    const pair = this.pair!;
    let range: { low: number; high: number; what: string } | null = null, sentence = ofClass ? '' : 'Point at a patch to see where it looks in its own picture.';
    const from: Partial<Record<Side, number>> = {};
    for (const side of ofClass ? (['a', 'b'] as const) : pointed ? [pointed.side] : []) {
      const maps = attention[side];
      if (!maps) continue;
      const patch = ofClass ? -1 : this.patchOf(pointed!);
      from[side] = patch + 1;
      const row = rowOf(maps, patch + 1, head), values = row.subarray(1);
      const high = values.reduce((most, v) => Math.max(most, v), 0);
      overlays[side].heat = { values, low: 0, high };
      const kept = mass === null ? null : keptByMass(values, mass);
      if (kept) Object.assign(overlays[side], { veiled: (k: number) => !kept[k], framed: (k: number) => kept[k] === 1 });
      if (patch >= 0) (overlays[side].marks as Mark[]).push({ kind: 'pointed', place: pair.centre(side, patch), label: '' });
      range = { low: 0, high, what: 'attention' };
      const which = head === null ? 'The mean of all heads' : `Head ${head + 1}`;
      const most = kept && mass !== null ? ` ${kept.reduce((sum, is) => sum + is, 0)} of ${kept.length} patches of view ${side} have ${percent(mass)} of it.` : '';
      sentence = patch < 0 ? `${which}, from the class token: the brighter a patch, the more of it goes there.${most}`
        : `${which}, from view ${side}, ${placeText(pair.centre(side, patch))}: most (${percent(high)}) goes to ${placeText(pair.centre(side, values.indexOf(high)))}; ${percent(row[0]!)} to the class token.${most}`;
    }
    this.heads.draw(attention, from, head, mass);
    return [range, sentence];
  }

  private drawLines(lines: readonly Line[]): void {
    const { grid } = this.pair!;
    const { clientWidth: width, clientHeight: height } = this.holder;
    const context = surface(this.wires, width, height);
    if (lines.length === 0) return;
    const origin = this.holder.getBoundingClientRect();
    const boxes = { a: this.pictures.a.over.getBoundingClientRect(), b: this.pictures.b.over.getBoundingClientRect() };
    const inHolder = ({ side, place }: Line['from']): [number, number] => [boxes[side].left - origin.left + (place.column / grid[side]) * boxes[side].width, boxes[side].top - origin.top + (place.row / grid[side]) * boxes[side].height];
    for (const { from, to, colour, width: stroke, alpha = 1 } of lines) {
      const path = new Path2D();
      const [x0, y0] = inHolder(from), [x1, y1] = inHolder(to);
      // Lines of one row would lie on each other.
      const sag = (from.place.column / grid[from.side] - 0.5) * 0.09 * Math.hypot(x1 - x0, y1 - y0);
      path.moveTo(x0, y0);
      path.quadraticCurveTo((x0 + x1) / 2, (y0 + y1) / 2 + sag, x1, y1);
      for (const end of [from, to]) {
        const [x, y] = inHolder(end);
        path.moveTo(x + 2, y);
        path.arc(x, y, 2, 0, 2 * Math.PI);
      }
      context.globalAlpha = alpha;
      strokeRimmed(context, path, colour, stroke);
    }
    context.globalAlpha = 1;
  }

  private drawScale(): void {
    const context = this.scale.getContext('2d')!;
    for (let x = 0; x < 128; x++) {
      context.fillStyle = heatColour(x / 127, 1);
      context.fillRect(x, 0, 1, 1);
    }
  }
}

interface Line {
  from: { side: Side; place: Place };
  to: { side: Side; place: Place };
  colour: string;
  width: number;
  alpha?: number;
}

/** Puts the similarities over their picture, from the least to the most. */
function layHeat({ values, over }: Query, overlays: Record<Side, Overlay>): { low: number; high: number; what: string } {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  overlays[over].heat = { values, low, high };
  return { low, high, what: 'cosine' };
}

/** What training hides of a view, in words. */
function hiddenText(mask: readonly number[], by: NonNullable<LookedView['hidden']>, isUsed: boolean): string {
  const hidden = mask.reduce((sum, is) => sum + is, 0);
  if (hidden === 0) return 'Nothing of it is masked this time';
  const what = `Hatched: ${hidden} of ${mask.length} patches`;
  return by === 'dropped' ? `${what}, which the method drops, the same places in a whole batch` : isUsed ? `${what}, which the prediction does not see` : `${what}, masked in training; features are of the whole view`;
}

/** What marks and lines mean; the style sheet shows those that the mode has. */
export function legendOfMarks(): HTMLElement {
  const key = (name: string, kind: string, colour: string, text: string): HTMLElement => {
    const swatch = element('span', { class: `mark ${kind}` });
    swatch.style.borderColor = colour;
    return element('span', { class: name }, swatch, text);
  };
  return element('div', { class: 'marks', 'aria-hidden': 'true' },
    key('of-all', 'pointed', markColours.pointed, 'pointed at'), key('of-match', 'best', markColours.best, 'best match'), key('of-match', 'true', markColours.true, 'true place'),
    key('of-line', 'line', judgedColours.right, 'the right patch'), key('of-line', 'line', judgedColours.near, 'one patch off'), key('of-line', 'line', judgedColours.wrong, 'wrong'), key('of-line', 'line', judgedColours.unknown, 'truth not in view'));
}
