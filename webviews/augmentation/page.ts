/** The page around the lab: what it is about, which sample is shown, and what to do when there is nothing. */
import type { LabOpen, LabSample, LabSetup } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { methodName } from '../../backend/protocol/methodNames.ts';
import { Headline } from './headline.ts';
import type { LabViewState, Look } from './view.ts';
import { cellWords, type CellWords } from './words.ts';

export interface PageActions {
  /** Shows another image. */
  go(index: number): void;
  reroll(): void;
  draws(change: { epoch?: number; seed?: number }): void;
  lock(locked: boolean): void;
  look(change: Partial<Look>): void;
  alike(alike: boolean): void;
  write(): void;
  discard(): void;
  showFile(): void;
  choose(): void;
  trust(): void;
  again(): void;
}

const whole = (value: number): string => value.toLocaleString('en');

export class Page {
  /** Where the parts of the lab go. */
  readonly body = element('div', { class: 'lab', hidden: true });
  private readonly title = element('h1');
  private readonly about = element('p', { class: 'about' });
  private readonly alert = element('p', { class: 'trouble', role: 'alert', hidden: true });
  private readonly status = element('p', { class: 'status', role: 'status' });
  private readonly steps: HTMLButtonElement[];
  private readonly index = element('input', { type: 'number', min: 1, step: 1, id: 'index', 'aria-label': 'Image' });
  private readonly count = element('span', { class: 'note' });
  private readonly file = element('span', { class: 'file' });
  private readonly epoch = element('input', { type: 'number', min: 0, step: 1, id: 'epoch' });
  private readonly seed = element('input', { type: 'number', min: 0, step: 1, id: 'seed' });
  private readonly lock: HTMLButtonElement;
  private readonly writeButton: HTMLButtonElement;
  private readonly discardButton: HTMLButtonElement;
  private readonly fileButton: HTMLButtonElement;
  private readonly headline = new Headline();
  private readonly toggles: Record<keyof Look, HTMLInputElement>;
  private readonly gridLabel = element('span');
  private readonly alike = element('input', { type: 'checkbox' });
  private readonly empty = element('div', { class: 'empty' });
  private readonly emptyTitle = element('h2');
  private readonly emptyText = element('p');
  private readonly emptyButton: HTMLButtonElement;
  private emptyAction: () => void = () => undefined;

  constructor(actions: PageActions, parts: { stage: HTMLElement; pipeline: HTMLElement; below: HTMLElement[] }) {
    const numeric = (input: HTMLInputElement, change: (value: number) => void): void => input.addEventListener('change', () => {
      if (Number.isSafeInteger(input.valueAsNumber) && input.valueAsNumber >= 0) change(input.valueAsNumber);
    });
    numeric(this.index, (value) => actions.go(value - 1));
    numeric(this.epoch, (epoch) => actions.draws({ epoch }));
    numeric(this.seed, (seed) => actions.draws({ seed }));
    this.lock = button('Lock draws', { 'aria-pressed': 'false', title: 'Keep this sample\'s draws while other images are shown (L)' }, () => actions.lock(this.lock.getAttribute('aria-pressed') !== 'true'));
    this.writeButton = button('Write to run file', { class: 'primary' }, () => actions.write());
    this.discardButton = button('Discard changes', {}, () => actions.discard());
    this.fileButton = button('Show file', { class: 'quiet' }, () => actions.showFile());
    this.emptyButton = button('', { class: 'primary' }, () => this.emptyAction());
    this.empty.append(this.emptyTitle, this.emptyText, this.emptyButton);
    const toggle = (name: keyof Look, label: HTMLElement | string, title: string): [HTMLInputElement, HTMLElement] => {
      const check = element('input', { type: 'checkbox' });
      check.addEventListener('change', () => actions.look({ [name]: check.checked }));
      return [check, element('label', { title }, check, label)];
    };
    const toggles = [toggle('mask', 'Mask', 'Cover the patches that the model does not see'), toggle('grid', this.gridLabel, ''), toggle('places', 'Same places', 'A dot for each of these in the colour of its place in the first view'), toggle('positions', 'Position embedding', 'For the patch under the pointer: how like its relative position embedding is to that of each place of the first view')] as const;
    this.toggles = { mask: toggles[0][0], grid: toggles[1][0], places: toggles[2][0], positions: toggles[3][0] };
    this.alike.addEventListener('change', () => actions.alike(this.alike.checked));
    this.steps = [button('◂', { 'aria-label': 'Previous image', title: 'Previous image (P)' }, () => actions.go(-2)), button('▸', { 'aria-label': 'Next image', title: 'Next image (N)' }, () => actions.go(-1))];
    const header = element('header', { class: 'top' },
      element('div', { class: 'subject' }, this.title, this.about), element('div', { class: 'keep' }, this.fileButton, this.discardButton, this.writeButton));
    const sample = element('div', { class: 'toolbar', role: 'group', 'aria-label': 'Sample' },
      this.steps[0]!, element('label', { for: 'index' }, 'Image'), this.index, this.count, this.steps[1]!, this.file,
      element('span', { class: 'gap' }), button('Re-roll', { title: 'Draw again, as in the next epoch (R)' }, () => actions.reroll()), this.lock,
      element('label', { for: 'epoch', title: 'A run sees each image once an epoch, drawn anew' }, 'Epoch'), this.epoch, element('label', { for: 'seed', title: 'Everything random follows from it' }, 'Seed'), this.seed);
    const looks = element('div', { class: 'toolbar looks', role: 'group', 'aria-label': 'What is shown on the views' }, element('span', { class: 'note' }, 'Show'), ...toggles.map(([, label]) => label));
    const pipelineHeading = element('div', { class: 'heading' }, element('h2', {}, 'Pipeline'), element('label', { title: 'A step that several views have is changed in all of them' }, this.alike, 'Change all views alike'));
    this.body.append(sample, this.headline.element, parts.stage, looks, pipelineHeading, parts.pipeline, ...parts.below);
    document.querySelector('#view')!.append(header, this.alert, this.empty, this.body, this.status);
    document.addEventListener('keydown', (event) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || /^(input|select|textarea|canvas)$/i.test(target.tagName) || this.body.hidden) return;
      const keys: Record<string, () => void> = { n: () => actions.go(-1), p: () => actions.go(-2), r: () => actions.reroll(), l: () => this.lock.click() };
      keys[event.key]?.();
    });
    this.actions = actions;
  }

  private readonly actions: PageActions;
  private words: CellWords = cellWords.patch;

  /** What the panel is about. */
  show(state: LabOpen | null, view: LabViewState, changed: boolean): void {
    const setup = state?.setup ?? null;
    this.body.hidden = !setup;
    setText(this.title, state?.image ?? state?.file ?? 'Augmentations');
    setText(this.about, setup ? aboutText(setup, state!) : '');
    this.writeButton.hidden = this.discardButton.hidden = !setup || (!changed && state?.file === null);
    this.writeButton.disabled = !changed || state?.file === null;
    this.writeButton.title = state?.file === null ? 'These are SiameseIM\'s own views: open a run file to keep changes' : changed ? '' : 'Nothing is changed';
    this.discardButton.hidden ||= !changed;
    setText(this.writeButton, state?.file === null ? 'No run file to write to' : `Write to ${state?.file?.split(/[\\/]/).at(-1) ?? 'run file'}`);
    this.fileButton.hidden = !setup || state?.file === null;
    if (setup) {
      this.words = cellWords[setup.cell];
      setText(this.gridLabel, this.words.grid);
      this.gridLabel.parentElement!.title = this.words.gridTitle;
      setText(this.count, `of ${whole(setup.images)}`);
      this.index.max = String(setup.images);
      for (const step of [...this.steps, this.index]) step.disabled = setup.images === 1;
      this.put(this.index, view.index + 1);
      this.put(this.epoch, view.epoch);
      this.put(this.seed, view.seed ?? setup.seed);
      this.lock.setAttribute('aria-pressed', String(view.drawnAs !== null));
      for (const name of Object.keys(this.toggles) as (keyof Look)[]) this.toggles[name].checked = view.look[name];
      this.toggles.mask.parentElement!.hidden = !setup.hides;
      this.toggles.positions.parentElement!.hidden = setup.positionWidth === null;
      this.toggles.places.parentElement!.hidden = setup.views.length === 1 && (setup.views[0]!.count ?? 1) === 1;
      this.alike.checked = view.alike;
      this.alike.parentElement!.hidden = setup.views.length === 1;
      this.trouble(state!.problem === null ? null : `The run file cannot be used as it is; what is shown is from before. ${state!.problem}`);
    }
    this.explain(state);
  }

  private put(input: HTMLInputElement, value: number): void {
    if (document.activeElement !== input || input.valueAsNumber !== value) input.value = String(value);
  }

  private explain(state: LabOpen | null): void {
    this.empty.hidden = state?.setup != null;
    const [title, text, label, action] = !state ? ['', '', '', () => undefined]
      : !state.trusted ? ['Nothing is started in Restricted Mode', 'To show what the pipeline makes of an image, SiamScope starts a process of its own. It does so when you trust this workspace.', 'Manage trust', () => this.actions.trust()]
      : state.problem !== null ? ['This cannot be shown', state.problem, 'Try again', () => this.actions.again()]
      : state.file === null && state.image === null ? ['See what your model sees', 'Choose a run file (*.siam.json) to look at its crops, colours and masks on its own images, or choose an image.', 'Choose…', () => this.actions.choose()]
      : ['Looking…', '', '', () => undefined];
    setText(this.emptyTitle, title);
    setText(this.emptyText, text);
    setText(this.emptyButton, label);
    this.emptyButton.hidden = label === '';
    this.emptyAction = action;
  }

  answer(sample: LabSample): void {
    setText(this.file, sample.label === null ? sample.file : `${sample.file} (${sample.label})`);
    this.headline.show(sample, this.words);
  }

  /** Whether the sample that is on the page is the one that was asked for. */
  shown(shown: boolean): void {
    this.body.classList.toggle('unshown', !shown);
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
}

function aboutText({ method, views, cell, patchSize, sameCrop, images }: LabSetup, { file, image }: LabOpen): string {
  const name = methodName(method);
  const shown = views.map((view) => (view.count === undefined ? view.name : `${view.count} × ${view.name}`)).join(', ');
  return `${image !== null ? `${file ?? 'no run file'} · ` : `${whole(images)} images · `}${name}: ${shown} at ${[...new Set(views.map(({ size }) => size))].join(' and ')} pixels, ${cellWords[cell].about(patchSize)}${sameCrop ? ', all of one crop' : ''}`;
}
