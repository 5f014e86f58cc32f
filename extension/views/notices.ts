/** What is worth interrupting a person for: a run that failed, was lost, or collapsed; each once. */
import type { Translate } from '../translate.ts';
import type { ShownRun } from './runItem.ts';

export interface Notice {
  /** The same for the same cause of the same session of a run. */
  key: string;
  kind: 'failed' | 'lost' | 'health';
  message: string;
}

/** Everything there is to say about a run; what has been said is the caller's to remember. */
export function noticesOf({ folder, state, status, reason }: ShownRun, t: Translate): Notice[] {
  const key = (cause: string): string => `${folder}\u0000${status.started}\u0000${cause}`;
  const notices: Notice[] = status.health.map(({ kind, summary, step, advice }) => ({ key: key(kind), kind: 'health', message: t('Run {0}, step {1}: {2} {3}', status.name, step, withStop(summary), advice) }));
  if (state === 'failed') notices.push({ key: key('failed'), kind: 'failed', message: t('Run {0} failed at step {1}: {2}', status.name, status.step, reason ?? t('no reason was left behind; its log may tell')) });
  if (state === 'lost') notices.push({ key: key('lost'), kind: 'lost', message: t('Run {0} was lost at step {1}: {2}', status.name, status.step, reason ?? t('its process is gone')) });
  return notices;
}

const withStop = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/**
 * Which notices are new. Of a run that is seen for the first time, what happened before is not news, unless it was alive when
 * this workspace was last open.
 */
export class NoticeMemory {
  private readonly said: Set<string>;
  private readonly living: Set<string>;
  private readonly known = new Set<string>();

  constructor({ said, living }: { said: readonly string[]; living: readonly string[] }) {
    this.said = new Set(said);
    this.living = new Set(living);
  }

  /** Marks them as said. */
  news(run: ShownRun, isLivingNow: boolean, notices: readonly Notice[]): Notice[] {
    const silent = !this.known.has(run.folder) && !this.living.has(run.folder) && !isLivingNow;
    this.known.add(run.folder);
    if (isLivingNow) this.living.add(run.folder);
    else this.living.delete(run.folder);
    const fresh = notices.filter(({ key }) => !this.said.has(key));
    for (const { key } of fresh) this.said.add(key);
    return silent ? [] : fresh;
  }

  /** What to keep until next time; the oldest are forgotten. */
  get state(): { said: string[]; living: string[] } {
    return { said: [...this.said].slice(-500), living: [...this.living].slice(-200) };
  }
}
