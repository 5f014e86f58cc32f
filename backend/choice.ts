/** An enum of the run file whose values each say what they mean, so that editors show it where they complete them. */
import { z } from 'zod';

/** One of the keys of `meanings`; their texts become the JSON Schema's `enumDescriptions`. */
export function choice<K extends string>(meanings: Readonly<Record<K, string>>) {
  return z.enum(Object.keys(meanings) as [K, ...K[]]).meta({ enumDescriptions: Object.values(meanings) });
}
