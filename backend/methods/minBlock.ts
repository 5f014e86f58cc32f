/** A setting of every method whose masks may be rectangles. */
import { z } from 'zod';

export const minBlock = z.int().positive().default(16).describe('Fewest patches of a rectangle, where masks are of these; 16 of a grid of 14 × 14 in the papers.');
