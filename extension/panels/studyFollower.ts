/** Follows a study's files: what is done is left alone, what changed is read again. Needs no editor and no watcher, so that it works on any disk. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { liveHolder, type Holder } from '../../backend/link/holder.ts';
import { outputFile } from '../../backend/link/output.ts';
import { statusFile } from '../../backend/link/status.ts';
import { cellPlaces, failureFile, readCell, readStudy, readStudyCopy, resultFile, studyFolder, type CellReading, type Study } from '../../backend/study/reading.ts';

interface KnownCell {
  reading: CellReading;
  /** Of its files, when it was read. */
  mark: string;
}

export interface FollowedStudy {
  study: Study | null;
  /** What is wrong with the file; with a study all the same: the one that last ran. */
  problem: string | null;
  folder: string | null;
  cells: CellReading[];
  holder: Holder | null;
  hasLog: boolean;
}

/** Runs that are not looked at in every round, such as those that are done, are looked at in turn. */
const restingPerRound = 50;

const markOf = async (path: string): Promise<string> => stat(path).then(({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`, () => '-');
const marksOf = async (folder: string): Promise<string> => (await Promise.all([resultFile, statusFile, failureFile].map((name) => markOf(join(folder, name))))).join(' ');

export class StudyFollower {
  private readonly path: string;
  private fileMark: string | null = null;
  private study: Study | null = null;
  private folder: string | null = null;
  private problem: string | null = null;
  private readonly known = new Map<string, KnownCell>();
  private turn = 0;
  private looking: Promise<FollowedStudy> | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** Takes in what changed. Never rejects: what is wrong is said. */
  look(): Promise<FollowedStudy> {
    return (this.looking ??= this.read().finally(() => (this.looking = null)));
  }

  private async read(): Promise<FollowedStudy> {
    await this.readFile();
    const { study, folder, problem } = this;
    if (!study || folder === null) return { study, problem, folder, cells: [], holder: null, hasLog: false };
    const holder = await liveHolder(folder, { sweep: false });
    const places = cellPlaces(study, folder);
    const resting = places.filter(({ folder: cell }) => this.isResting(cell, holder !== null)).length;
    const first = this.turn;
    this.turn = resting === 0 ? 0 : (this.turn + restingPerRound) % resting;
    let place = 0;
    const cells = await Promise.all(places.map(async ({ row, seed, folder: cell }) => {
      const before = this.known.get(cell);
      if (before && this.isResting(cell, holder !== null)) {
        const turn = (place++ - first + resting) % resting;
        if (turn >= restingPerRound) return { ...before.reading, row };
      }
      const mark = await marksOf(cell);
      // Who lives without a word may have died, and what is measured untrained says nothing: only a look at the process tells.
      const mayTurn = before && (before.reading.state === 'running' || before.reading.state === 'measuring' || (!row.trained && holder !== null));
      if (before?.mark === mark && !mayTurn) return { ...before.reading, row };
      const reading = await readCell(row, seed, cell, holder !== null);
      this.known.set(cell, { reading, mark });
      return reading;
    }));
    return { study, problem, folder, cells, holder, hasLog: (await markOf(join(folder, outputFile))) !== '-' };
  }

  /** Nothing of it is expected to change. */
  private isResting(folder: string, atWork: boolean): boolean {
    const state = this.known.get(folder)?.reading.state;
    return state === 'done' || (!atWork && (state === 'waiting' || state === 'stopped' || state === 'failed'));
  }

  private async readFile(): Promise<void> {
    const mark = await markOf(this.path);
    if (mark === this.fileMark) return;
    this.fileMark = mark;
    try {
      this.study = await readStudy(this.path);
      this.folder = studyFolder(this.path, this.study);
      this.problem = null;
      const places = new Set(cellPlaces(this.study, this.folder).map(({ folder }) => folder));
      for (const folder of this.known.keys()) if (!places.has(folder)) this.known.delete(folder);
    } catch (error) {
      this.problem = (error as Error).message;
      // What last ran is better than nothing, where it is known which folder that is.
      if (this.folder !== null) this.study = (await readStudyCopy(this.folder).catch(() => null)) ?? this.study;
    }
  }
}
