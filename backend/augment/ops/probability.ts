/** The setting that every op has. */
import { z } from 'zod';

export const probability = z.number().min(0).max(1).describe('Probability that it is applied to a view.');
