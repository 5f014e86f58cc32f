/** A setting of every method whose second view may be solarised. */
import { z } from 'zod';

export const solarize = z.number().min(0).max(1).default(0.2).describe('Chance that the second view is solarised, 0.2 in the papers. Short runs on small images learn more without it (docs/study.md).');
