/** The augmentation lab's host without the editor: what the panel is about, what its page asks, and the run file that it changes. Plain Node, so that tests run it as it is. */
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import type { AugmentationCalls, LabCalls, LabNotice, LabOpen, LabPlan, LabSetup, LabSource, LabTraining } from '../../backend/protocol.ts';
import { differenceOf, withViews } from '../config/runFileViews.ts';
import type { AskOptions } from '../viewBackend.ts';
import { parseLabRequest } from './augmentationMessages.ts';

/** Asks the process that draws; `ViewBackend` does. */
export interface Asks {
  ask<K extends keyof AugmentationCalls>(call: K, request: AugmentationCalls[K]['request'], options?: AskOptions): Promise<AugmentationCalls[K]['reply']>;
}

export interface Replacement {
  offset: number;
  length: number;
  text: string;
}

export interface LabHostOptions {
  /** The panel's own name. */
  panel: string;
  backend: Asks;
  /** The run file: its path, its name for people, and its text as it stands in the editor. */
  file: { path: string; name: string; read(): Promise<string> } | null;
  image: { path: string; name: string } | null;
  trusted(): boolean;
  /** Changes the run file, as one edit that can be undone. */
  replace(before: string, replacement: Replacement): Promise<void>;
  /** Lets the user choose a run file or an image, in a panel of their own. */
  choose(): Promise<void>;
  trust(): Promise<void>;
  showFile(): Promise<void>;
  onNotice(notice: LabNotice): void;
}

/** While a file is typed in. */
const settleMilliseconds = 250;

export class LabHost {
  private readonly options: LabHostOptions;
  private setup: (LabSetup & { source: LabSource; training: LabTraining }) | null = null;
  private problem: string | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private looks = 0;
  /** The request of each kind that is being answered: a newer one takes its place. */
  private readonly asked = new Map<string, CancellationTokenSource>();

  constructor(options: LabHostOptions) {
    this.options = options;
  }

  open(): LabOpen {
    const { panel, file, image } = this.options;
    const { source: _, training: __, ...setup } = this.setup ?? { source: null, training: null };
    return { panel, file: file?.name ?? null, image: image?.name ?? null, setup: this.setup ? (setup as LabSetup) : null, problem: this.problem, trusted: this.options.trusted() };
  }

  /** Finds out what the panel is about, and tells the page. `fresh`: what lies on disk is looked at anew. */
  async look(fresh: boolean): Promise<void> {
    const { file, image, backend } = this.options;
    const look = ++this.looks;
    if (this.options.trusted() && (file || image)) {
      try {
        const setup = await backend.ask('augmentation/describe', { file: file && { path: file.path, text: await file.read() }, image: image?.path ?? null, fresh });
        if (look !== this.looks) return;
        this.setup = setup;
        this.problem = null;
      } catch (error) {
        if (look !== this.looks) return;
        // What was right before is still shown: files are wrong while they are typed.
        this.problem = (error as Error).message;
      }
    }
    this.options.onNotice({ kind: 'state', state: this.open() });
  }

  /** The run file's text is another. */
  changed(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look(false), settleMilliseconds);
  }

  dispose(): void {
    if (this.timer) clearTimeout(this.timer);
    this.looks++;
    for (const source of this.asked.values()) source.cancel();
  }

  /** Answers the page. Rejects with MessageError, or with the reason why not. */
  async answer(call: string, request: unknown): Promise<unknown> {
    const parsed = parseLabRequest(call, request);
    switch (parsed.call) {
      case 'sample': {
        const { views, ...rest } = parsed.request;
        const reply = await this.ask('augmentation/sample', { ...this.plan(views), ...rest });
        // A path is nobody's name.
        return withBuffer({ ...reply, file: this.options.image?.name ?? reply.file });
      }
      case 'cards': {
        const { views, ...rest } = parsed.request;
        const reply = await this.ask('augmentation/cards', { ...this.plan(views), ...rest });
        return withBuffer({ ...reply, cards: reply.cards.map((card) => ({ ...card, file: this.options.image?.name ?? card.file })) });
      }
      case 'statistics': {
        const { views, ...rest } = parsed.request;
        return this.ask('augmentation/statistics', { ...this.plan(views), ...rest });
      }
      case 'stopStatistics':
        this.asked.get('augmentation/statistics')?.cancel();
        return null;
      case 'write': return this.write(parsed.request.views);
      case 'again':
        await this.look(true);
        return null;
      case 'trust':
        await this.options.trust();
        return null;
      case 'chooseFile':
        await this.options.choose();
        return null;
      case 'showFile':
        await this.options.showFile();
        return null;
    }
  }

  private plan(views: unknown): LabPlan & { source: LabSource } {
    if (!this.setup) throw new Error(this.problem ?? 'there is no pipeline yet');
    const { patchSize, sameCrop, positionWidth, source, training } = this.setup;
    return { views, patchSize, sameCrop, positionWidth, source, training };
  }

  private async ask<K extends keyof AugmentationCalls>(call: K, request: AugmentationCalls[K]['request']): Promise<AugmentationCalls[K]['reply']> {
    this.asked.get(call)?.cancel();
    const source = new CancellationTokenSource();
    this.asked.set(call, source);
    try {
      return await this.options.backend.ask(call, request, { token: source.token, onProgress: ({ done, total }) => this.options.onNotice({ kind: 'progress', done: done ?? 0, total: total ?? 0 }) });
    } finally {
      if (this.asked.get(call) === source) this.asked.delete(call);
      source.dispose();
    }
  }

  private async write(views: unknown): Promise<LabCalls['write']['reply']> {
    const { file, backend } = this.options;
    if (!file) throw new Error('these views belong to no run file: open one to write them to');
    const text = await file.read();
    const checked = { path: file.path, text };
    const [{ views: before }, { views: after }] = await Promise.all([backend.ask('augmentation/describe', { file: checked, image: null, fresh: false }), backend.ask('augmentation/check', { file: checked, views })]);
    const { text: changed, changed: count } = withViews(text, before, after);
    if (count > 0) await this.options.replace(text, differenceOf(text, changed));
    return { changed: count, file: file.name };
  }
}

/** Bytes as the page takes them: a buffer of their own, which is all that crosses. */
function withBuffer<T extends { bytes: Uint8Array }>({ bytes, ...reply }: T): Omit<T, 'bytes'> & { buffer: ArrayBuffer } {
  return { ...reply, buffer: bytes.slice().buffer };
}
