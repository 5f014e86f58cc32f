/** What a column's choice means for its model: which step it is, what of it can be shown, and by which key answers about it are kept. */
import type { LookedModel, LookModel, LookOpen, PairChoice } from '../../backend/protocol.ts';
import { lookOf, lookOfMode, type ColumnChoice, type LookView, type Mode } from './view.ts';

export class Choices {
  state: LookOpen | null = null;
  readonly view: LookView;
  private readonly models = new Map<string, LookedModel>();

  constructor(view: LookView) {
    this.view = view;
  }

  /** The step that is meant; null: a file's. */
  stepOf({ subject, step, untrained }: ColumnChoice): number | null {
    return untrained ? 0 : (step ?? this.state?.subjects[subject]?.steps.at(-1) ?? null);
  }

  isUntrained(choice: ColumnChoice): boolean {
    return choice.untrained || this.stepOf(choice) === 0;
  }

  asked(choice: ColumnChoice): LookModel {
    return { subject: choice.subject, step: this.stepOf(choice), untrained: this.isUntrained(choice) };
  }

  nameOf(choice: ColumnChoice): string {
    const name = this.state?.subjects[choice.subject]?.name ?? '', step = this.stepOf(choice);
    return this.isUntrained(choice) ? `${name}, untrained` : step === null ? name : `${name}, step ${step}`;
  }

  /** What is known of the model; null: it was not asked about yet. */
  modelOf(choice: ColumnChoice): LookedModel | null {
    return this.models.get(String(choice.subject)) ?? null;
  }

  know(choice: ColumnChoice, model: LookedModel): void {
    this.models.set(String(choice.subject), model);
  }

  /** The mode that is chosen, where any model here offers it. */
  modeNow(): Mode {
    const { columns, mode } = this.view;
    return columns.some((choice) => !this.modelOf(choice) || lookOf(this.modelOf(choice), lookOfMode[mode])) ? mode : 'similarity';
  }

  /** The choice as it can be shown. */
  viewNow(): LookView {
    return { ...this.view, mode: this.modeNow() };
  }

  /** What is asked of a column's model: where it has no such layer, branch or view, the nearest that it has. */
  choiceFor(choice: ColumnChoice): PairChoice {
    const { view } = this, model = this.modelOf(choice);
    const layer = !model || lookOf(model, 'features')?.layers.includes(view.layer) ? view.layer : 'encoder';
    const has = (name: string): boolean => model?.views.some((own) => own.name === name) ?? true;
    return { seed: view.seed, branch: model && !model.branches.includes(view.branch) ? 'online' : view.branch, layer, views: view.other === null && view.views && has(view.views.a) && has(view.views.b) ? view.views : null, masked: view.masked };
  }

  /** What a column cannot show as it was chosen. */
  lacking(choice: ColumnChoice): string | null {
    const { view } = this, model = this.modelOf(choice), asked = this.choiceFor(choice), mode = this.modeNow();
    if (!model) return null;
    if (!lookOf(model, lookOfMode[mode])) return `this model has no ${mode}`;
    if (asked.layer !== view.layer) return 'this model has no such layer: its encoder\'s output is shown';
    return view.other === null && view.views && !asked.views ? 'training takes no such views here: two crops drawn alike for every method are shown' : null;
  }

  modelKey(choice: ColumnChoice): string {
    return `${choice.subject} ${String(this.stepOf(choice))} ${this.isUntrained(choice)}`;
  }

  pairKey(choice: ColumnChoice): string {
    return JSON.stringify([this.modelKey(choice), this.view.index, this.view.other, this.choiceFor(choice)]);
  }
}
