/** What the user chose to see, kept across reloads in the webview's own state. */
import type { LabView } from '../../backend/protocol.ts';

export interface Look {
  mask: boolean;
  grid: boolean;
  places: boolean;
  positions: boolean;
}

export interface LabViewState {
  panel: string;
  index: number;
  epoch: number;
  /** null: the run file's. */
  seed: number | null;
  /** The image whose draws are kept while others are shown; null: each has its own. */
  drawnAs: number | null;
  look: Look;
  /** All views with the op are changed, not one alone. */
  alike: boolean;
  /** The pipeline as it was changed; null: the run file's. */
  views: LabView[] | null;
}

const whole = (value: unknown, otherwise: number): number => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : otherwise);

/** The state that the editor kept, whatever its shape; views are checked by the host. */
export function restoreView(saved: unknown): LabViewState {
  const { panel, index, epoch, seed, drawnAs, look, alike, views } = (typeof saved === 'object' && saved !== null ? saved : {}) as Record<string, unknown>;
  const shown = (typeof look === 'object' && look !== null ? look : {}) as Record<string, unknown>;
  const chosen = (name: keyof Look, otherwise: boolean): boolean => (typeof shown[name] === 'boolean' ? shown[name] : otherwise);
  return {
    panel: typeof panel === 'string' ? panel : '',
    index: whole(index, 0), epoch: whole(epoch, 0), seed: typeof seed === 'number' ? whole(seed, 0) : null, drawnAs: typeof drawnAs === 'number' ? whole(drawnAs, 0) : null,
    look: { mask: chosen('mask', true), grid: chosen('grid', false), places: chosen('places', true), positions: chosen('positions', false) },
    alike: alike === true, views: Array.isArray(views) && views.length > 0 ? (views as LabView[]) : null,
  };
}
