/** Colours and dashes of runs: told apart by people who see colours differently, and stable for a run. */
import { colour } from '../common/theme.ts';

const colours = 8, solid = 4;

export interface Look {
  stroke: string;
  /** The second half of the palette is dashed, so that colour is not all there is to go by. */
  dash: number[];
}

export const lookOf = (place: number): Look => ({ stroke: colour(`series-${place % colours}`), dash: place % colours >= solid ? [6, 3] : [] });

/** A run that is not known is drawn as the first. */
export const lookOfRun = (run: { colour: number } | undefined): Look => lookOf(run?.colour ?? 0);
