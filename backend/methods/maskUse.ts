/** Which views of a method may be masked, and whether a run file's own masks are such that the method takes them: a mask that nothing looks at is refused. */
import type { MaskSpec, ViewSpec } from '../augment/plan.ts';
import { InputError } from '../errors.ts';

/** What a method does with masked patches of a view. */
export interface MaskUse {
  /** `same`: drops them, and every image must lose as many; `any`: puts a token in their place. */
  count: 'same' | 'any';
  /** Learns from masked patches alone, so that there must be some. */
  needed?: true;
  /** Goes through the encoder in one batch with the other masked views, which must lose as many. */
  together?: true;
}

/** By the view's name; a view that is not named is always seen whole. */
export type MaskUses = Readonly<Record<string, MaskUse>>;

const hides = (mask: MaskSpec | null): mask is Exclude<MaskSpec, { kind: 'none' }> => mask !== null && mask.kind !== 'none' && (mask.kind === 'varied' || mask.count > 0);

/** Checks the masks of a run file's `augment`. `instead` says what of the method's own to use. Throws InputError that names the key. */
export function checkMasks(views: readonly ViewSpec[], method: string, uses: MaskUses, instead: string | undefined): void {
  let shared: { name: string; count: number } | null = null;
  for (const [i, { name, mask }] of views.entries()) {
    const key = `augment.${i}.mask`, use = Object.hasOwn(uses, name) ? uses[name]! : null;
    if (!use) {
      const others = Object.keys(uses);
      if (hides(mask)) throw new InputError(`${key} hides patches of view ${name}, and method ${method} looks at all of them: set it to null${others.length > 0 ? `; a mask is for ${others.join(' and ')}` : ''}${instead === undefined ? '' : `; ${instead}`}`);
      continue;
    }
    if (mask?.kind === 'varied' && use.count === 'same') throw new InputError(`${key} hides another number of patches of view ${name} in each image; method ${method} drops masked patches and needs an exact count: use the mask "random" or "block"`);
    if (use.needed && !hides(mask)) throw new InputError(`${key} hides nothing of view ${name}, and method ${method} learns from masked patches alone: give it a mask, such as { "kind": "random", "count": 10 }`);
    if (!use.together) continue;
    const count = hides(mask) && mask.kind !== 'varied' ? mask.count : 0;
    if (shared && shared.count !== count) throw new InputError(`${key} hides ${count} patches of view ${name}, and that of ${shared.name} ${shared.count}: method ${method} needs as many in both`);
    shared = { name, count };
  }
}
