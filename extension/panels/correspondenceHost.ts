/** The correspondence view's host without the editor: which models and images the panel is about, and what its page asks of them. Plain Node, so that tests run it as it is. */
import { join } from 'node:path';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import type { CorrespondenceCalls, ImageSource, LookCalls, LookImages, LookModel, LookNotice, LookOpen, LookPairRequest, ModelSource, PairRequest } from '../../backend/protocol.ts';
import type { AskOptions } from '../viewBackend.ts';
import { parseLookRequest } from './correspondenceMessages.ts';

/** Asks the process that holds models; `ViewBackend` does. */
export interface AsksModels {
  ask<K extends keyof CorrespondenceCalls>(call: K, request: CorrespondenceCalls[K]['request'], options?: AskOptions): Promise<CorrespondenceCalls[K]['reply']>;
}

/** A run by its folder, or a checkpoint of other origin by its file. */
export interface Subject {
  kind: 'run' | 'file';
  path: string;
  /** The step that the panel was opened on; null: the newest. */
  step: number | null;
}

/** What the panel is about, as it is remembered. */
export interface LookAbout {
  subjects: Subject[];
  /** Paths of images; null: those of the first run, and for `others` those of view a. */
  images: string | null;
  others: string | null;
}

export interface LookHostOptions extends LookAbout {
  /** The panel's own name. */
  panel: string;
  backend: AsksModels;
  trusted(): boolean;
  /** A path as people know it. */
  named(path: string): string;
  /** A run's name and whether it goes on, and its finished checkpoints' steps. */
  run(folder: string): { name: string; living: boolean };
  steps(folder: string): Promise<number[]>;
  /** Asks the user; null where they thought better of it. */
  chooseSubject(): Promise<Subject | null>;
  chooseImages(): Promise<string | null>;
  /** Asks where to, and writes; the file's name. */
  save(name: string, bytes: Uint8Array): Promise<string | null>;
  trust(): Promise<void>;
  /** The panel is about something else. */
  onAbout(about: LookAbout): void;
  onNotice(notice: LookNotice): void;
}

export class LookHost {
  private readonly options: LookHostOptions;
  private readonly subjects: Subject[];
  /** Steps of each subject, ascending. */
  private steps: number[][] = [];
  private imagesPath: string | null;
  private othersPath: string | null;
  private images: LookImages | null = null;
  private others: LookImages | null = null;
  private problem: string | null = null;
  private looks = 0;
  /** What was last told, so that a run's every step is no news. */
  private told = '';
  private readonly asked = new Set<CancellationTokenSource>();
  private measuring: CancellationTokenSource | null = null;

  constructor(options: LookHostOptions) {
    this.options = options;
    this.subjects = [...options.subjects];
    this.imagesPath = options.images;
    this.othersPath = options.others;
  }

  open(): LookOpen {
    const { options } = this;
    return {
      panel: options.panel, trusted: options.trusted(), images: this.images, others: this.others, problem: this.problem,
      subjects: this.subjects.map(({ kind, path, step }, i) => ({ ...(kind === 'run' ? options.run(path) : { name: options.named(path), living: false }), steps: this.steps[i] ?? [], opened: step })),
    };
  }

  /** Whether the panel is about this run. */
  isAbout(folder: string): boolean {
    return this.subjects.some(({ kind, path }) => kind === 'run' && path === folder);
  }

  /** Finds out what there is to look at, and tells the page. */
  async look(): Promise<void> {
    const look = ++this.looks;
    let problem: string | null = null;
    const images = this.sourceOf(null), others = this.othersPath === null ? null : this.sourceOf(this.othersPath);
    if (this.options.trusted() && images) {
      try {
        const [own, other] = await Promise.all([this.count(images), others && this.count(others)]);
        if (look !== this.looks) return;
        [this.images, this.others] = [own, other];
      } catch (error) {
        if (look !== this.looks) return;
        problem = (error as Error).message;
        this.images = null;
      }
    }
    await this.readSteps();
    if (look !== this.looks) return;
    this.problem = problem;
    this.tell(true);
  }

  /** A run may have saved another checkpoint, or have ended. */
  async runChanged(): Promise<void> {
    await this.readSteps();
    this.tell(false);
  }

  dispose(): void {
    this.looks++;
    for (const source of this.asked) source.cancel();
  }

  /** Answers the page. Rejects with MessageError, or with the reason why not. */
  async answer(call: string, request: unknown): Promise<unknown> {
    const parsed = parseLookRequest(call, request);
    switch (parsed.call) {
      case 'model': return this.ask('correspondence/model', { model: this.modelOf(parsed.request) });
      case 'pair': {
        const { a, b, featuresA, featuresB, coloursA, coloursB, best, bestOfB, mutual, aInB, bInA, ...facts } = await this.ask('correspondence/pair', this.pairOf(parsed.request));
        return {
          ...facts, a: buffer(a), b: buffer(b), featuresA: buffer(featuresA), featuresB: buffer(featuresB), coloursA: buffer(coloursA), coloursB: buffer(coloursB),
          best: buffer(best), bestOfB: buffer(bestOfB), mutual: buffer(mutual), aInB: aInB && buffer(aInB), bInA: bInA && buffer(bInA),
        } satisfies LookCalls['pair']['reply'];
      }
      case 'rates': return this.measure(parsed.request);
      case 'stopRates':
        this.measuring?.cancel();
        return null;
      case 'attention': {
        const { view, block, ...pair } = parsed.request;
        const { probabilities, ...facts } = await this.ask('correspondence/attention', { ...this.pairOf(pair), view, block });
        return { ...facts, probabilities: buffer(probabilities) } satisfies LookCalls['attention']['reply'];
      }
      case 'codes': {
        const { a, b } = await this.ask('correspondence/codes', this.pairOf(parsed.request));
        return { a: buffer(a), b: buffer(b) } satisfies LookCalls['codes']['reply'];
      }
      case 'assignments': return this.ask('correspondence/assignments', this.pairOf(parsed.request));
      case 'gather': {
        const { model, ...rest } = parsed.request;
        const { counts, members, shares, ...facts } = await this.overMany((source) => this.ask('correspondence/gather', { model: this.modelOf(model), images: this.imagesSource(), ...rest }, source));
        return { ...facts, counts: buffer(counts), members: buffer(members), shares: buffer(shares) } satisfies LookCalls['gather']['reply'];
      }
      case 'pictures': {
        const { pixels, ...facts } = await this.ask('correspondence/pictures', { model: this.modelOf(parsed.request.model), images: this.imagesSource(), indices: parsed.request.indices });
        return { ...facts, pixels: buffer(pixels) } satisfies LookCalls['pictures']['reply'];
      }
      case 'reconstruction': {
        const { pixels, ...facts } = await this.ask('correspondence/reconstruction', this.pairOf(parsed.request));
        return { ...facts, pixels: buffer(pixels) } satisfies LookCalls['reconstruction']['reply'];
      }
      case 'addSubject': return this.addSubject();
      case 'chooseImages': return this.chooseImages(parsed.request);
      case 'savePicture': return this.options.save(`${parsed.request.name}.png`, new Uint8Array(parsed.request.bytes));
      case 'again':
        await this.look();
        return null;
      case 'trust':
        await this.options.trust();
        return null;
    }
  }

  private async addSubject(): Promise<number | null> {
    const chosen = await this.options.chooseSubject();
    if (!chosen) return null;
    const at = this.subjects.findIndex(({ path }) => path === chosen.path);
    if (at >= 0) {
      this.subjects[at] = chosen;
    } else this.subjects.push(chosen);
    this.remember();
    await this.look();
    return at >= 0 ? at : this.subjects.length - 1;
  }

  private async chooseImages({ others, run }: LookCalls['chooseImages']['request']): Promise<null> {
    const chosen = run ? null : await this.options.chooseImages();
    if (chosen === null && !run) return null;
    if (others) this.othersPath = chosen;
    else this.imagesPath = chosen;
    if (others && chosen === null) this.others = null;
    this.remember();
    await this.look();
    return null;
  }

  private remember(): void {
    this.options.onAbout({ subjects: this.subjects, images: this.imagesPath, others: this.othersPath });
  }

  /** Images at a path; null: those of view a, which are the first run's where nobody chose others. */
  private sourceOf(path: string | null): ImageSource | null {
    const chosen = path ?? this.imagesPath;
    if (chosen !== null) return { kind: 'path', path: chosen };
    const run = this.subjects.find(({ kind }) => kind === 'run');
    return run ? { kind: 'run', checkpoint: run.path } : null;
  }

  private async count(source: ImageSource): Promise<LookImages> {
    const { count } = await this.ask('correspondence/images', { source });
    return { count, name: source.kind === 'path' ? this.options.named(source.path) : this.options.run(source.checkpoint).name };
  }

  private async readSteps(): Promise<void> {
    this.steps = await Promise.all(this.subjects.map(async ({ kind, path }) => {
      const steps = kind === 'run' ? (await this.options.steps(path)).toSorted((a, b) => a - b) : [];
      return kind === 'file' || steps[0] === 0 ? steps : [0, ...steps];
    }));
  }

  private tell(always: boolean): void {
    const state = this.open(), text = JSON.stringify(state);
    if (text === this.told && !always) return;
    this.told = text;
    this.options.onNotice({ kind: 'state', state });
  }

  private modelOf({ subject, step, untrained }: LookModel): ModelSource {
    const of = this.subjects[subject];
    if (!of) throw new Error('there is no such model in this panel');
    if (of.kind === 'file') return { checkpoint: of.path, untrained };
    const steps = this.steps[subject] ?? [];
    const wanted = step ?? steps.at(-1) ?? 0;
    // Step 0 is in the list for comparison: it is drawn, not read.
    if (untrained || wanted === 0) return { checkpoint: of.path, untrained: true };
    return { checkpoint: join(of.path, 'checkpoints', String(wanted)), untrained: false };
  }

  private pairOf({ model, a, b, ...choice }: LookPairRequest): PairRequest {
    return { model: this.modelOf(model), a: { source: this.imagesSource(), index: a }, b: b === null ? null : { source: this.sourceOf(this.othersPath)!, index: b }, ...choice };
  }

  private imagesSource(): ImageSource {
    const source = this.sourceOf(null);
    if (!source) throw new Error('choose images first: this checkpoint belongs to no run, so it brings none');
    return source;
  }

  private measure({ model, ...rest }: LookCalls['rates']['request']): Promise<LookCalls['rates']['reply']> {
    const request = { model: this.modelOf(model), images: this.imagesSource(), ...rest };
    return rest.only !== null ? this.ask('correspondence/rates', request) : this.overMany((source) => this.ask('correspondence/rates', request, source));
  }

  /** One measurement over many images at a time: a new one ends the one before. */
  private overMany<T>(work: (source: CancellationTokenSource) => Promise<T>): Promise<T> {
    this.measuring?.cancel();
    this.measuring = new CancellationTokenSource();
    return work(this.measuring);
  }

  private async ask<K extends keyof CorrespondenceCalls>(call: K, request: CorrespondenceCalls[K]['request'], source = new CancellationTokenSource()): Promise<CorrespondenceCalls[K]['reply']> {
    if (!this.options.trusted()) throw new Error('nothing is started in Restricted Mode: trust this workspace first');
    this.asked.add(source);
    try {
      return await this.options.backend.ask(call, request, { token: source.token, onProgress: (progress) => this.options.onNotice({ kind: 'progress', ...progress }) });
    } finally {
      this.asked.delete(source);
      source.dispose();
    }
  }
}

/** Its values as a buffer of their own, which is what crosses to a page. */
const buffer = (values: Uint8Array | Float32Array | Int32Array): ArrayBuffer => values.slice().buffer;
