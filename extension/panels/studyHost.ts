/** A study's table without the editor: what the page is told, once at most in a second and only what changed, and what it asks for. Plain Node, so that tests run it as it is. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../backend/errors.ts';
import type { Holder } from '../../backend/link/holder.ts';
import { outputFile } from '../../backend/link/output.ts';
import type { StudyCalls, StudyNotice, StudyOpen, StudyProgress } from '../../backend/protocol.ts';
import { csvTable, markdownTable, summarize, type CellReading } from '../../backend/study/reading.ts';
import { StudyFollower, type FollowedStudy } from './studyFollower.ts';
import { parseStudyRequest } from './studyMessages.ts';
import { progressOf, tableOf, type ShownStudy } from './studyRows.ts';

export interface StudyHostOptions {
  panel: string;
  /** The study file. */
  path: string;
  /** The file, for people. */
  file: string;
  trusted(): boolean;
  curves(folders: string[]): Promise<void>;
  correspond(folder: string): Promise<void>;
  reveal(folder: string): Promise<void>;
  copy(text: string): Promise<void>;
  /** Opens a text in the editor. */
  show(path: string): Promise<void>;
  run(path: string): Promise<void>;
  stop(holder: Holder): Promise<void>;
  trust(): Promise<void>;
  onNotice(notice: StudyNotice): void;
  /** Every look, for who shows something of it elsewhere. */
  onLook?(study: FollowedStudy): void;
}

const lookMilliseconds = 1000;

export class StudyHost {
  private readonly options: StudyHostOptions;
  private readonly follower: StudyFollower;
  private followed: FollowedStudy | null = null;
  private shown: ShownStudy | null = null;
  private progress: StudyProgress | null = null;
  private asked: 'run' | 'stop' | null = null;
  private timer: NodeJS.Timeout | null = null;
  private isFollowing = false;

  constructor(options: StudyHostOptions) {
    this.options = options;
    this.follower = new StudyFollower(options.path);
  }

  open(): StudyOpen {
    const { panel, file } = this.options;
    return { panel, file, trusted: this.options.trusted(), table: this.shown?.table ?? null, progress: this.progress, problem: this.followed?.problem ?? null };
  }

  /** Begins to follow the files, as long as somebody looks. */
  resume(): void {
    if (this.isFollowing) return;
    this.isFollowing = true;
    void this.round();
  }

  pause(): void {
    this.isFollowing = false;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  dispose(): void {
    this.pause();
  }

  /** Tells the page everything anew. */
  notify(): void {
    this.options.onNotice({ kind: 'state', state: this.open() });
  }

  /** Looks at the files now; resolves when the page has been told. */
  async look(): Promise<void> {
    const followed = await this.follower.look();
    const { study, cells, holder, hasLog, problem } = followed;
    const shown = study && tableOf(study, cells);
    const progress = study && { ...progressOf(study, cells, holder, hostname()), asked: this.asked, hasLog };
    const before = { shown: this.shown, progress: this.progress, problem: this.followed?.problem };
    [this.followed, this.shown, this.progress] = [followed, shown, progress];
    this.options.onLook?.(followed);
    if (!before.shown || !shown || !progress || before.problem !== problem || headOf(before.shown) !== headOf(shown)) return this.notify();
    const rows = shown.table.rows.filter((row, i) => !isSame(row, before.shown!.table.rows[i]!));
    if (rows.length > 0 || !isSame(progress, before.progress)) this.options.onNotice({ kind: 'changed', progress, rows });
  }

  async answer(call: string, request: unknown): Promise<StudyCalls[keyof StudyCalls]['reply']> {
    const asked = parseStudyRequest(call, request);
    const { options } = this;
    switch (asked.call) {
      case 'curves': {
        const { row, cell } = asked.request;
        const folders = (cell === null ? this.cells(row) : [this.cell(row, cell)]).filter(({ step }) => step > 0).map(({ folder }) => folder);
        if (folders.length === 0) throw new InputError('nothing of it has been trained yet');
        await options.curves(folders);
        return null;
      }
      case 'correspond':
        await options.correspond(this.cell(asked.request.row, asked.request.cell).folder);
        return null;
      case 'reveal':
        await options.reveal(this.cell(asked.request.row, asked.request.cell).folder);
        return null;
      case 'copy': {
        const { study, cells } = this.followed ?? {};
        if (!study || !cells) throw new InputError('there is no table yet');
        const summary = summarize(study, cells);
        await options.copy(asked.request.format === 'csv' ? csvTable(summary) : markdownTable(study, summary));
        return null;
      }
      case 'run':
        await this.asking('run', () => options.run(options.path));
        return null;
      case 'stop': {
        const holder = this.followed?.holder;
        if (holder) await this.asking('stop', () => options.stop(holder));
        return null;
      }
      case 'file':
        await options.show(options.path);
        return null;
      case 'log': {
        const folder = this.followed?.folder;
        if (folder == null) throw new InputError('there is no log yet');
        await options.show(join(folder, outputFile));
        return null;
      }
      case 'trust':
        await options.trust();
        return null;
    }
  }

  /** The page shows that something was asked for, until it is so. */
  private async asking(what: 'run' | 'stop', work: () => Promise<void>): Promise<void> {
    if (this.asked !== null) return;
    this.asked = what;
    try {
      await this.look();
      await work();
    } finally {
      this.asked = null;
      await this.look();
    }
  }

  private cells(row: number): CellReading[] {
    const cells = this.shown?.cells[row];
    if (!cells) throw new InputError('the table has no such row any more');
    return cells;
  }

  private cell(row: number, place: number): CellReading {
    const cell = this.cells(row)[place];
    if (!cell) throw new InputError('the row has no such run any more');
    return cell;
  }

  private async round(): Promise<void> {
    await this.look();
    // A look that takes long is followed by as long a pause.
    if (this.isFollowing) this.timer = setTimeout(() => void this.round(), lookMilliseconds);
  }
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** All of a table but what its rows' runs came to. */
const headOf = ({ table }: ShownStudy): string => JSON.stringify({ ...table, rows: table.rows.map(({ name, group, note, trained, sameAs, paper }) => ({ name, group, note, trained, sameAs, paper })) });
