/** All runs that a window knows, newest first, looked at often enough that the death of a process shows within two seconds. */
import type { RunEvent } from '../../backend/protocol.ts';
import { RunTracker, type Run } from './tracker.ts';

export interface RunSetOptions {
  maySweep: () => boolean;
  /** A run has changed; undefined: there are other runs than before. */
  onChange: (run: Run | undefined) => void;
  onEvent: (run: Run, event: RunEvent) => void;
  say: (text: string) => void;
}

const livingMilliseconds = 1000;
/** Watchers of files tell sooner; they do not see everything, such as folders of another machine. */
const restingRounds = 5;

export class RunSet {
  private readonly options: RunSetOptions;
  private readonly trackers = new Map<string, RunTracker>();
  /** Folders whose runs were listed when the list was last told. */
  private listed: readonly string[] = [];
  private readonly timer: NodeJS.Timeout;
  private round = 0;

  constructor(options: RunSetOptions) {
    this.options = options;
    this.timer = setInterval(() => this.poll(), livingMilliseconds);
    this.timer.unref();
  }

  get all(): readonly Run[] {
    const runs = [...this.trackers.values()].map(({ run }) => run).filter((run) => run !== null);
    return runs.sort((a, b) => (a.status.started < b.status.started ? 1 : a.status.started > b.status.started ? -1 : a.folder < b.folder ? -1 : 1));
  }

  get(folder: string): Run | undefined {
    return this.trackers.get(folder)?.run ?? undefined;
  }

  tracker(folder: string): RunTracker | undefined {
    return this.trackers.get(folder);
  }

  /** Looks at the folder now, and keeps it in view. Resolves with its run; undefined where it has none. */
  async look(folder: string): Promise<Run | undefined> {
    let tracker = this.trackers.get(folder);
    if (!tracker) {
      const { maySweep, onEvent, say } = this.options;
      tracker = new RunTracker(folder, {
        maySweep, say,
        onChange: () => this.changed(folder),
        onEvent: (event) => {
          const run = this.get(folder);
          if (run) onEvent(run, event);
        },
      });
      this.trackers.set(folder, tracker);
    }
    await tracker.refresh();
    if (!tracker.run) this.drop(folder);
    return tracker.run ?? undefined;
  }

  /** Keeps exactly these folders in view. */
  async keep(folders: readonly string[]): Promise<void> {
    for (const folder of this.trackers.keys()) if (!folders.includes(folder)) this.drop(folder);
    await Promise.all(folders.map((folder) => this.look(folder)));
  }

  drop(folder: string): void {
    this.trackers.get(folder)?.dispose();
    this.trackers.delete(folder);
    this.tellList();
  }

  dispose(): void {
    clearInterval(this.timer);
    for (const tracker of this.trackers.values()) tracker.dispose();
    this.trackers.clear();
  }

  private poll(): void {
    const all = ++this.round % restingRounds === 0;
    for (const tracker of this.trackers.values()) if (all || tracker.isLiving) void tracker.poll();
  }

  private changed(folder: string): void {
    this.tellList();
    const run = this.get(folder);
    if (run) this.options.onChange(run);
  }

  private tellList(): void {
    const now = this.all.map(({ folder }) => folder);
    if (now.length === this.listed.length && now.every((folder, i) => folder === this.listed[i])) return;
    this.listed = now;
    this.options.onChange(undefined);
  }
}
