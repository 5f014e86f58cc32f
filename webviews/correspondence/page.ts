/** The page around the columns: which images and features are compared, the answer in one sentence, what is pinned, and what to do when there is nothing. */
import type { LookedModel, LookOpen } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { lookOf, lookOfMode, modes, sortedBy, type LookView, type Mode } from './view.ts';
import { methodName } from '../../backend/protocol/methodNames.ts';
import { layerText, whole } from './words.ts';

export interface PageActions {
  change(change: Partial<LookView>): void;
  /** Shows another image; for b where `other`. */
  go(index: number, other: boolean): void;
  reroll(): void;
  addColumn(): void;
  addUntrained(): void;
  chooseImages(others: boolean): void;
  ownImages(): void;
  unpin(): void;
  measure(): void;
  stop(): void;
  copy(): void;
  save(): void;
  choose(): void;
  trust(): void;
  again(): void;
}

const modeNames: Readonly<Record<Mode, [name: string, title: string]>> = {
  similarity: ['Similarity', 'What the patch under the pointer is like in the other picture'],
  matches: ['Matches', 'Patches that are each other\'s best match'],
  colours: ['Colours', 'The features\' three main directions as red, green and blue, the same for both pictures'],
  attention: ['Attention', 'Where a patch, or the class token, looks in its own picture'],
  codes: ['Codes', 'The code that the tokenizer gives each patch, and all patches that have the same'],
  prototypes: ['Prototypes', 'Which prototypes the views are assigned to, and the nearest images'],
  reconstruction: ['Reconstruction', 'What the model paints where it sees nothing, or from codes alone'],
};

export class Page {
  readonly body = element('div', { class: 'look', hidden: true });
  readonly columns = element('div', { class: 'columns' });
  private readonly title = element('h1', {}, 'Dense correspondence');
  private readonly about = element('p', { class: 'about' });
  private readonly alert = element('p', { class: 'trouble', role: 'alert', hidden: true });
  private readonly status = element('p', { class: 'status', role: 'status' });
  private readonly headline = element('p', { class: 'headline' });
  private readonly index = element('input', { type: 'range', min: 0, step: 1, id: 'index', 'aria-label': 'Image' });
  private readonly indexText = element('span', { class: 'count' });
  private readonly file = element('span', { class: 'file' });
  private readonly pairing = element('select', { id: 'pairing' }, element('option', { value: 'view' }, 'two crops of it, alike for every method'), element('option', { value: 'training' }, 'its views in training'), element('option', { value: 'other' }, 'another image'), element('option', { value: 'choose' }, 'another image from elsewhere…'));
  private readonly viewA = element('select', { 'aria-label': 'View a' });
  private readonly viewB = element('select', { 'aria-label': 'View b' });
  private readonly viewsPart = element('span', { class: 'part' }, this.viewA, element('span', { 'aria-hidden': 'true' }, 'and'), this.viewB);
  private readonly masked = element('input', { type: 'checkbox' });
  private readonly maskedPart = element('label', { class: 'part', title: 'Hatch what training hides of a view; the prediction does not see it' }, this.masked, 'Mask');
  private readonly otherPart: HTMLElement;
  private readonly other = element('input', { type: 'range', min: 0, step: 1, 'aria-label': 'Image of b' });
  private readonly otherText = element('span', { class: 'count' });
  private readonly rerollButton: HTMLButtonElement;
  private readonly ownButton: HTMLButtonElement;
  private readonly layer = element('select', { id: 'layer' });
  private readonly featurePart = element('span', { class: 'part' }, element('label', { for: 'layer' }, 'Features'), this.layer);
  private readonly branch = element('select', { id: 'branch', 'aria-label': 'Branch' }, element('option', { value: 'online' }, 'online branch'), element('option', { value: 'target' }, 'target branch'));
  private readonly modeButtons: Record<Mode, HTMLButtonElement>;
  private readonly threshold = element('input', { type: 'range', min: -1, max: 1, step: 0.01, id: 'threshold' });
  private readonly thresholdText = element('output');
  private readonly head = element('select', { 'aria-label': 'Head' });
  private readonly block = element('select', { 'aria-label': 'Block' });
  private readonly from = element('select', { 'aria-label': 'Attention from' }, element('option', { value: 'patch' }, 'from the patch pointed at'), element('option', { value: 'class' }, 'from the class token'));
  private readonly mass = element('select', { 'aria-label': 'Patches that are kept' }, element('option', { value: '' }, 'all patches'), ...[0.9, 0.8, 0.6, 0.4].map((share) => element('option', { value: share }, `the ${100 * share} % mass`)));
  private readonly parts: Partial<Record<Mode, HTMLElement>>;
  private readonly pins = element('div', { class: 'pins', hidden: true });
  private readonly pinRows = element('tbody');
  private readonly measureButton: HTMLButtonElement;
  private readonly stopButton: HTMLButtonElement;
  private readonly pairs = element('select', { id: 'pairs' }, ...[16, 64, 256, 1024, 4096].map((n) => element('option', { value: n }, whole(n))));
  private readonly measured = element('span');
  private readonly progress = element('progress', { max: 1, value: 0, hidden: true, 'aria-label': 'Measuring' });
  private readonly waiting = element('span', { class: 'note', role: 'status' });
  private readonly empty = element('div', { class: 'empty' });
  private readonly emptyTitle = element('h2');
  private readonly emptyText = element('p');
  private readonly emptyButton: HTMLButtonElement;
  private readonly addButton: HTMLButtonElement;
  private readonly untrainedButton: HTMLButtonElement;
  private emptyAction: () => void = () => undefined;
  private readonly actions: PageActions;

  constructor(actions: PageActions, marks: HTMLElement, table: HTMLElement) {
    this.actions = actions;
    this.index.addEventListener('input', () => actions.go(this.index.valueAsNumber, false));
    this.other.addEventListener('input', () => actions.go(this.other.valueAsNumber, true));
    this.pairing.addEventListener('change', () => {
      if (this.pairing.value === 'choose') actions.chooseImages(true);
      else actions.change(this.pairing.value === 'other' ? { other: this.other.valueAsNumber || 0 } : { other: null, views: this.pairing.value === 'training' ? this.firstViews() : null });
    });
    for (const select of [this.viewA, this.viewB]) select.addEventListener('change', () => actions.change({ views: { a: this.viewA.value, b: this.viewB.value } }));
    this.masked.addEventListener('change', () => actions.change({ masked: this.masked.checked }));
    this.mass.addEventListener('change', () => actions.change({ mass: this.mass.value === '' ? null : Number(this.mass.value) }));
    this.layer.addEventListener('change', () => actions.change({ layer: this.layer.value }));
    this.branch.addEventListener('change', () => actions.change({ branch: this.branch.value === 'target' ? 'target' : 'online' }));
    this.threshold.addEventListener('input', () => actions.change({ threshold: this.threshold.valueAsNumber }));
    this.block.addEventListener('change', () => actions.change({ block: Number(this.block.value) }));
    this.head.addEventListener('change', () => actions.change({ head: this.head.value === '' ? null : Number(this.head.value) }));
    this.from.addEventListener('change', () => actions.change({ ofClass: this.from.value === 'class' }));
    this.pairs.addEventListener('change', () => actions.change({ pairs: Number(this.pairs.value) }));
    this.modeButtons = Object.fromEntries(modes.map((mode) => [mode, button(modeNames[mode][0], { 'aria-pressed': 'false', title: modeNames[mode][1] }, () => actions.change({ mode }))])) as Record<Mode, HTMLButtonElement>;
    this.rerollButton = button('New views', { title: 'Draw other crops and colours (R)' }, () => actions.reroll());
    this.ownButton = button('Back to the run\'s images', { class: 'quiet' }, () => actions.ownImages());
    this.measureButton = button('Measure', { title: 'How often patches find their place, over many pairs of views' }, () => actions.measure());
    this.stopButton = button('Stop', { hidden: true }, () => actions.stop());
    this.emptyButton = button('', { class: 'primary' }, () => this.emptyAction());
    this.addButton = button('Compare with…', { title: 'Another run or checkpoint beside it, with the same pictures and pointer' }, () => actions.addColumn());
    this.untrainedButton = button('Beside untrained', { title: 'The model before its first step, beside it' }, () => actions.addUntrained());
    this.empty.append(this.emptyTitle, this.emptyText, this.emptyButton);
    this.parts = {
      matches: element('span', { class: 'part' }, element('label', { for: 'threshold' }, 'cosine at least'), this.threshold, this.thresholdText),
      attention: element('span', { class: 'part' }, this.block, this.head, this.from, this.mass),
    };
    this.otherPart = element('span', { class: 'part' }, this.other, this.otherText);
    const header = element('header', { class: 'top' }, element('div', {}, this.title, this.about),
      element('div', { class: 'keep' }, this.untrainedButton, this.addButton, button('Copy picture', {}, () => actions.copy()), button('Save picture…', {}, () => actions.save())));
    const images = element('div', { class: 'toolbar', role: 'group', 'aria-label': 'Images' },
      button('◂', { 'aria-label': 'Previous image', title: 'Previous image (P)' }, () => actions.go(-2, false)), this.index, button('▸', { 'aria-label': 'Next image', title: 'Next image (N)' }, () => actions.go(-1, false)), this.indexText, this.file,
      element('span', { class: 'gap' }), element('label', { for: 'pairing' }, 'Compare'), this.pairing, this.viewsPart, this.otherPart, this.rerollButton, button('Images…', { title: 'Other images: a file or a folder' }, () => actions.chooseImages(false)), this.ownButton);
    const features = element('div', { class: 'toolbar', role: 'group', 'aria-label': 'What is shown' },
      element('span', { class: 'segments', role: 'group', 'aria-label': 'Show' }, ...Object.values(this.modeButtons)), ...Object.values(this.parts), element('span', { class: 'gap' }), this.maskedPart, this.featurePart, this.branch);
    this.pins.append(element('div', { class: 'heading' }, element('h2', {}, 'Pinned patches'), button('Remove all', { class: 'quiet' }, () => actions.unpin())),
      element('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Pinned patches' }, element('table', {}, element('thead', {}, element('tr', {}, ...['Pin', 'Model', 'Patch', 'Best match', 'Cosine', 'Truly at', 'Error'].map((text) => element('th', { scope: 'col' }, text)))), this.pinRows)));
    const measuring = element('div', { class: 'toolbar measuring', role: 'group', 'aria-label': 'Over many pairs' }, element('label', { for: 'pairs' }, 'Over many images:'), this.pairs, this.measured, this.measureButton, this.stopButton, this.progress);
    this.body.append(element('div', { class: 'answer' }, this.headline, this.waiting), images, features, marks, this.columns, measuring, this.pins, table);
    document.querySelector('#view')!.append(header, this.alert, this.empty, this.body, this.status);
    document.addEventListener('keydown', (event) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || /^(input|select|textarea)$/i.test(target.tagName) || this.body.hidden) return;
      const keys: Record<string, () => void> = { n: () => actions.go(-1, false), p: () => actions.go(-2, false), r: () => actions.reroll() };
      keys[event.key]?.();
    });
  }

  /** The first column's. */
  private model: LookedModel | null = null;

  show(state: LookOpen | null, view: LookView, models: readonly LookedModel[]): void {
    const model = models[0] ?? null;
    this.model = model;
    const ready = state !== null && state.trusted && state.images !== null && state.subjects.length > 0;
    this.body.hidden = !ready;
    this.addButton.hidden = this.untrainedButton.hidden = !ready;
    this.explain(state);
    if (!ready) return;
    const { images, others, subjects } = state;
    setText(this.title, subjects.length === 1 ? subjects[0]!.name : 'Dense correspondence');
    setText(this.about, model ? [methodName(model.method), model.arch, `${model.imageSize} pixels, ${model.grid} × ${model.grid} patches`, model.engine, ...model.assumptions].join(' · ') : '');
    this.range(this.index, view.index, images!.count);
    setText(this.indexText, `${whole(view.index + 1)} of ${whole(images!.count)}`);
    const second = others ?? images!;
    this.pairing.value = view.other !== null ? 'other' : view.views ? 'training' : 'view';
    this.pairing.options[1]!.hidden = !models.some(({ views }) => views.length > 1);
    this.showViews(view, models);
    this.otherPart.hidden = view.other === null;
    this.range(this.other, view.other ?? 0, second.count);
    setText(this.otherText, `${whole((view.other ?? 0) + 1)} of ${whole(second.count)}${others ? ` in ${others.name}` : ''}`);
    this.rerollButton.disabled = view.other !== null && view.mode !== 'reconstruction';
    this.ownButton.hidden = images!.name === subjects[0]!.name || subjects[0]!.steps.length === 0;
    for (const mode of modes) this.modeButtons[mode].setAttribute('aria-pressed', String(view.mode === mode));
    for (const [mode, part] of Object.entries(this.parts)) part.hidden = mode !== view.mode;
    for (const mode of modes) this.modeButtons[mode].hidden = !models.some((each) => lookOf(each, lookOfMode[mode]));
    if (model) {
      const features = lookOf(model, 'features'), attention = lookOf(model, 'attention');
      if (features) this.options(this.layer, features.layers.map((name) => [name, layerText(name, features.blocks)]), view.layer);
      this.options(this.head, [['', 'mean of all heads'], ...Array.from({ length: attention?.heads ?? 0 }, (_, h): [string, string] => [String(h), `head ${h + 1}`])], view.head === null ? '' : String(view.head));
      this.options(this.block, Array.from({ length: attention?.blocks ?? 0 }, (_, k): [string, string] => [String(k), `block ${k + 1} of ${attention?.blocks}`]), String(view.block ?? (attention?.blocks ?? 1) - 1));
      this.branch.hidden = model.branches.length === 1 || (view.layer === 'prediction' && lookOfMode[view.mode] === 'features') || !(lookOfMode[view.mode] === 'features' || view.mode === 'attention');
    }
    this.featurePart.hidden = lookOfMode[view.mode] !== 'features';
    this.branch.value = view.branch;
    this.from.value = view.ofClass ? 'class' : 'patch';
    this.mass.value = view.mass === null ? '' : String(view.mass);
    this.pairs.value = String(view.pairs);
    setText(this.measured, sortedBy(view.mode) ? 'images' : 'pairs of views');
    this.measureButton.title = sortedBy(view.mode) ? `Sort many images by their ${view.mode}, to see which belong together` : 'How often patches find their place, over many pairs of views';
    this.trouble(state.problem);
  }

  /** What a and b are first, where views of training are chosen: the first two. */
  private firstViews(): LookView['views'] {
    const [a, b] = this.model?.views ?? [];
    return a && b ? { a: a.name, b: b.name } : null;
  }

  private showViews(view: LookView, models: readonly LookedModel[]): void {
    const own = models.find(({ views }) => views.length > 1)?.views ?? [];
    this.viewsPart.hidden = view.other !== null || !view.views;
    const entries = own.map(({ name, imageSize }): [string, string] => [name, `${name}, ${imageSize} pixels`]);
    this.options(this.viewA, entries, view.views?.a ?? '');
    this.options(this.viewB, entries, view.views?.b ?? '');
    const isHidden = view.other === null && view.views ? own.some(({ name, hidden }) => hidden && (name === view.views?.a || name === view.views?.b)) : view.layer === 'prediction' && models.some(({ views }) => views.some(({ hidden }) => hidden));
    this.maskedPart.hidden = !isHidden || view.mode === 'attention' || view.mode === 'reconstruction';
    this.masked.checked = view.masked;
  }

  /** The cosines between which mutual matches lie. */
  matches(low: number, high: number, threshold: number): void {
    this.threshold.min = (Math.floor(100 * low) / 100).toFixed(2);
    this.threshold.max = high.toFixed(2);
    this.threshold.value = String(Math.max(low, threshold));
    setText(this.thresholdText, Math.max(low, threshold).toFixed(2));
  }

  answer(bold: string, rest: string, file: string): void {
    this.headline.replaceChildren(element('b', {}, bold), rest);
    setText(this.file, file);
  }

  pinned(rows: readonly (readonly string[])[]): void {
    this.pins.hidden = rows.length === 0;
    this.pinRows.replaceChildren(...rows.map((cells) => element('tr', {}, ...cells.map((text, i) => (i === 0 ? element('th', { scope: 'row' }, text) : element('td', {}, text))))));
  }

  measuring(done: number | null, total: number): void {
    this.progress.hidden = this.stopButton.hidden = done === null;
    this.measureButton.disabled = done !== null;
    this.progress.value = total > 0 ? (done ?? 0) / total : 0;
  }

  /** What is being waited for. */
  waits(text: string): void {
    setText(this.waiting, text);
  }

  say(text: string): void {
    setText(this.status, text);
    this.status.classList.add('fresh');
    setTimeout(() => this.status.classList.remove('fresh'), 5000);
  }

  trouble(text: string | null): void {
    this.alert.hidden = text === null;
    setText(this.alert, text ?? '');
  }

  private range(input: HTMLInputElement, value: number, count: number): void {
    input.max = String(count - 1);
    input.disabled = count < 2;
    if (input.valueAsNumber !== value) input.value = String(value);
  }

  private options(select: HTMLSelectElement, entries: readonly (readonly [string, string])[], value: string): void {
    const text = JSON.stringify(entries);
    if (select.dataset.entries !== text) {
      select.dataset.entries = text;
      select.replaceChildren(...entries.map(([name, label]) => element('option', { value: name }, label)));
    }
    select.value = value;
  }

  private explain(state: LookOpen | null): void {
    const { actions } = this;
    const [title, text, label, action]: [string, string, string, () => void] = !state ? ['', '', '', () => undefined]
      : !state.trusted ? ['Nothing is started in Restricted Mode', 'To compute features, SiamScope starts a process of its own. It does so when you trust this workspace.', 'Manage trust', () => actions.trust()]
      : state.subjects.length === 0 ? ['Do these features find their place?', 'Choose a run or a checkpoint: point at a patch of one picture, and see what it is most like in another.', 'Choose…', () => actions.choose()]
      : state.problem !== null ? ['This cannot be shown', state.problem, 'Try again', () => actions.again()]
      : state.images === null && state.subjects.every(({ steps }) => steps.length === 0) ? ['Which images?', 'This checkpoint belongs to no run, so it brings no images: choose an image, or a folder of them.', 'Choose images…', () => actions.chooseImages(false)]
      : ['Looking…', '', '', () => undefined];
    this.empty.hidden = state !== null && state.trusted && state.images !== null && state.subjects.length > 0;
    setText(this.emptyTitle, title);
    setText(this.emptyText, text);
    setText(this.emptyButton, label);
    this.emptyButton.hidden = label === '';
    this.emptyAction = action;
  }
}
