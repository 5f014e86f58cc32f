/** What is measured of the columns' models beyond the pair that is shown: the untrained model's rates of it, and many images when asked for. */
import type { Sorted } from '../../backend/protocol.ts';
import { messageOf } from '../common/messaging.ts';
import type { Answers } from './answers.ts';
import type { Choices } from './choices.ts';
import type { Page } from './page.ts';
import type { Shown } from './shown.ts';
import { lookOf, sortedBy, type ColumnChoice } from './view.ts';

/** What the page does once something new is known. */
export interface Changed {
  rates(): void;
  sorting(): void;
}

export class Measuring {
  private readonly answers: Answers;
  private readonly choices: Choices;
  private readonly shown: readonly Shown[];
  private readonly page: Page;
  private readonly changed: Changed;
  private working = false;

  constructor(answers: Answers, choices: Choices, shown: readonly Shown[], page: Page, changed: Changed) {
    this.answers = answers;
    this.choices = choices;
    this.shown = shown;
    this.page = page;
    this.changed = changed;
  }

  /** Whether many images are being measured: then notices of progress are about them. */
  get isWorking(): boolean {
    return this.working;
  }

  /** The pair that is shown by each model before its first step. */
  async compareUntrained(): Promise<void> {
    const { answers, choices } = this, { index } = choices.view;
    for (const { choice } of [...this.shown]) {
      if (answers.ratesOf(choice, true, index) || choices.isUntrained(choice)) continue;
      try {
        await answers.askRates(choice, true, index);
      } catch {
        // The pair itself says what is wrong; a newer one has taken this one's place.
        return;
      }
      this.page.waits('');
      this.changed.rates();
    }
  }

  /** Many images, of every column: pairs of views, by the untrained model too; or sorted by codes or prototypes. */
  async measure(): Promise<void> {
    const { choices, page } = this;
    this.working = true;
    const by = sortedBy(choices.modeNow());
    try {
      for (const { choice } of [...this.shown])
        if (by) await this.sort(choice, by);
        else for (const untrained of choices.isUntrained(choice) ? [true] : [false, true]) await this.measureRates(choice, untrained);
    } catch (error) {
      if (!/cancel/i.test(messageOf(error))) page.trouble(messageOf(error));
    } finally {
      this.working = false;
      page.measuring(null, 0);
      page.waits('');
    }
  }

  private async measureRates(choice: ColumnChoice, untrained: boolean): Promise<void> {
    if (this.answers.ratesOf(choice, untrained, null)) return;
    this.page.measuring(0, 1);
    await this.answers.askRates(choice, untrained, null);
    this.changed.rates();
  }

  private async sort(choice: ColumnChoice, by: Sorted): Promise<void> {
    if (this.answers.sortingOf(choice, by) || !lookOf(this.choices.modelOf(choice), by)) return;
    this.page.measuring(0, 1);
    await this.answers.askSorting(choice, by);
    this.changed.sorting();
  }
}
