/** What the host answers about models, asked for once and kept: pairs, how often they match, what belongs to which code, and what a mode shows besides. */
import type { LookCalls, LookNotice, LookOpen, MatchRates, Sorted } from '../../backend/protocol.ts';
import type { Host } from '../common/messaging.ts';
import type { Attention } from './attention.ts';
import type { Choices } from './choices.ts';
import type { Extras } from './column.ts';
import type { Pictured, Sorting } from './members.ts';
import { Pair } from './pair.ts';
import type { ColumnChoice, Mode } from './view.ts';

/** Pairs that are kept for a slider that goes back. */
const keptPairs = 32;

export class Answers {
  private readonly host: Host<LookCalls, LookOpen, LookNotice>;
  private readonly choices: Choices;
  private readonly pairs = new Map<string, Pair>();
  private readonly rates = new Map<string, MatchRates>();
  private readonly sortings = new Map<string, Sorting>();
  /** Pictures of what belongs to one code or prototype; the last few. */
  private readonly pictured = new Map<string, Pictured>();
  private readonly loadingPictures = new Set<string>();

  constructor(host: Host<LookCalls, LookOpen, LookNotice>, choices: Choices) {
    this.host = host;
    this.choices = choices;
  }

  /** Other images have other pictures under the same numbers. */
  forget(): void {
    for (const kept of [this.pairs, this.rates, this.sortings, this.pictured]) kept.clear();
  }

  async askModel(choice: ColumnChoice): Promise<void> {
    this.choices.know(choice, await this.host.ask('model', this.choices.asked(choice), { patient: true }));
  }

  /** The pair of a key, where it is kept. */
  pairOf(key: string): Pair | undefined {
    return this.pairs.get(key);
  }

  async askPair(choice: ColumnChoice, key: string): Promise<Pair> {
    const { choices } = this, { index, other } = choices.view, settings = choices.choiceFor(choice);
    const reply = await this.host.ask('pair', { model: choices.asked(choice), a: index, b: other, ...settings }, { patient: true });
    return keep(this.pairs, key, new Pair(reply, settings.layer === 'prediction'));
  }

  private ratesKey(choice: ColumnChoice, untrained: boolean, only: number | null): string {
    const { choices } = this, { pairs, seed } = choices.view;
    return JSON.stringify([untrained ? `${choice.subject} untrained` : choices.modelKey(choice), only, only === null ? pairs : 1, only === null ? null : seed, { ...choices.choiceFor({ ...choice, untrained: false }), seed: null }]);
  }

  /** How often patches of one image's views find their place, or those of many images (`only` null); null: it was not measured. */
  ratesOf(choice: ColumnChoice, untrained: boolean, only: number | null): MatchRates | null {
    return this.rates.get(this.ratesKey(choice, untrained, only)) ?? null;
  }

  async askRates(choice: ColumnChoice, untrained: boolean, only: number | null): Promise<void> {
    const { choices } = this, many = only === null, key = this.ratesKey(choice, untrained, only);
    const settings = choices.choiceFor(choice);
    this.rates.set(key, await this.host.ask('rates', { model: { ...choices.asked(choice), untrained }, only, pairs: many ? choices.view.pairs : 1, ...settings, seed: many ? 0 : settings.seed }, { patient: true }));
  }

  private sortingKey(choice: ColumnChoice, by: Sorted): string {
    return JSON.stringify([this.choices.modelKey(choice), by, this.choices.view.pairs]);
  }

  /** Many images by their codes or prototypes; null: they were not sorted. */
  sortingOf(choice: ColumnChoice, by: Sorted): Sorting | null {
    return this.sortings.get(this.sortingKey(choice, by)) ?? null;
  }

  async askSorting(choice: ColumnChoice, by: Sorted): Promise<void> {
    const { choices } = this, key = this.sortingKey(choice, by);
    const { counts, members, shares, ...facts } = await this.host.ask('gather', { model: choices.asked(choice), by, count: Math.min(choices.view.pairs, choices.state?.images?.count ?? 1) }, { patient: true });
    this.sortings.set(key, { ...facts, counts: new Int32Array(counts), members: new Int32Array(members), shares: new Float32Array(shares) });
  }

  /** Pictures of images as a model sees them; null: they are not here. */
  picturesOf(choice: ColumnChoice, indices: readonly number[]): Pictured | null {
    return this.pictured.get(this.picturesKey(choice, indices)) ?? null;
  }

  private picturesKey(choice: ColumnChoice, indices: readonly number[]): string {
    return JSON.stringify([this.choices.modelKey(choice), indices]);
  }

  /** Asks for pictures; false: they are on their way already. */
  async askPictures(choice: ColumnChoice, indices: number[]): Promise<boolean> {
    const key = this.picturesKey(choice, indices);
    if (this.loadingPictures.has(key)) return false;
    this.loadingPictures.add(key);
    try {
      const { imageSize, names, pixels } = await this.host.ask('pictures', { model: this.choices.asked(choice), indices }, { patient: true });
      keep(this.pictured, key, { imageSize, names, pixels: new Uint8Array(pixels) });
      return true;
    } finally {
      this.loadingPictures.delete(key);
    }
  }

  /** What a mode shows besides features; `block`: attention's. */
  async askExtras(mode: Mode, choice: ColumnChoice, block: number): Promise<Partial<Extras>> {
    const { host, choices } = this, { index, other } = choices.view;
    const request = { model: choices.asked(choice), a: index, b: other, ...choices.choiceFor(choice) };
    switch (mode) {
      case 'attention': {
        const of = async (side: 'a' | 'b'): Promise<Attention> => {
          const { probabilities, ...maps } = await host.ask('attention', { ...request, view: side, block }, { patient: true });
          return { ...maps, probabilities: new Float32Array(probabilities) };
        };
        return { attention: { a: await of('a'), b: await of('b') } };
      }
      case 'codes': {
        const { a, b } = await host.ask('codes', request, { patient: true });
        return { codes: { a: new Int32Array(a), b: new Int32Array(b) } };
      }
      case 'prototypes': return { assigned: await host.ask('assignments', request, { patient: true }) };
      case 'reconstruction': {
        const { pixels, mask, normalised } = await host.ask('reconstruction', request, { patient: true });
        return { painted: { mask, normalised, pixels: new Uint8Array(pixels) } };
      }
      default: return {};
    }
  }
}

/** Keeps a value, and of all the last ones. */
function keep<T>(kept: Map<string, T>, key: string, value: T): T {
  kept.set(key, value);
  if (kept.size > keptPairs) kept.delete(kept.keys().next().value!);
  return value;
}
