/** What every method computes, by name. A new method is added here, and to the recipes beside. */
import { beit } from './beit.ts';
import { densecl } from './densecl.ts';
import { dino } from './dino.ts';
import { dvae } from './dvae.ts';
import { ibot } from './ibot.ts';
import { mae } from './mae.ts';
import type { Method } from './method.ts';
import type { MethodConfig } from './recipes.ts';
import { mocov3 } from './mocov3.ts';
import { msn } from './msn.ts';
import { siamese } from './siamese.ts';
import { supervised } from './supervised.ts';

export { methodSchema, type MethodConfig } from './recipes.ts';

const methods: { [N in MethodConfig['name']]: Method<Extract<MethodConfig, { name: N }>> } = { siamese, mae, mocov3, dino, ibot, msn, supervised, densecl, beit, dvae };

/** The method that a run file names. */
export const methodOf = (config: MethodConfig): Method<MethodConfig> => methods[config.name];
