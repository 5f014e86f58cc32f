/** What a study and the process of one of its cells say to each other. */
import type { MeasureSettings } from '../evaluate/measures.ts';
import type { RunConfig } from '../train/config.ts';
import type { CellResult } from './state.ts';

export interface CellJob extends Pick<MeasureSettings, 'measures' | 'pairs' | 'neighbours'> {
  config: RunConfig;
  folder: string;
  trained: boolean;
  /** Wait for no other run of the device. */
  now: boolean;
}

export type CellRequest = { kind: 'start'; job: CellJob } | { kind: 'stop' };

export type CellMessage =
  | { kind: 'step'; step: number; steps: number; loss: number; eta: number | null }
  | { kind: 'note'; text: string }
  | { kind: 'measuring' }
  | { kind: 'stopped' }
  | { kind: 'failed'; message: string }
  | { kind: 'done'; result: CellResult };
