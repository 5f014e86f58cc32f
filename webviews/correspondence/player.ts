/** Plays a run's checkpoints in a column, from the first to the newest, each as long as it takes and a little longer. */
import type { Choices } from './choices.ts';
import type { Shown } from './shown.ts';

/** How long a played checkpoint stays. */
const playMilliseconds = 700;

export class Player {
  private readonly choices: Choices;
  private readonly show: (one: Shown, step: number) => void;
  private readonly stopped: () => void;
  private playing: { shown: Shown; timer: ReturnType<typeof setTimeout> } | null = null;

  /** `show` is called with each step; `stopped` once none follows. */
  constructor(choices: Choices, show: (one: Shown, step: number) => void, stopped: () => void) {
    this.choices = choices;
    this.show = show;
    this.stopped = stopped;
  }

  /** The column that plays. */
  get shown(): Shown | null {
    return this.playing?.shown ?? null;
  }

  /** Begins, or pauses where one plays already. */
  play(one: Shown): void {
    if (this.playing) return this.pause();
    const stepsNow = (): number[] => this.choices.state?.subjects[one.choice.subject]?.steps ?? [];
    const steps = stepsNow(), now = steps.indexOf(this.choices.stepOf(one.choice) ?? -1);
    let next = now < 0 || now === steps.length - 1 ? 0 : now + 1;
    const turn = (): void => {
      const known = stepsNow();
      if (next >= known.length) return this.pause();
      if (one.asking) {
        this.playing = { shown: one, timer: setTimeout(turn, 50) };
        return;
      }
      this.playing = { shown: one, timer: setTimeout(turn, playMilliseconds) };
      this.show(one, known[next++]!);
    };
    turn();
  }

  pause(): void {
    if (!this.playing) return;
    clearTimeout(this.playing.timer);
    this.playing = null;
    this.stopped();
  }
}
