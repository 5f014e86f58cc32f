/** How one part of a run's description is laid over another: presets, run files and the command line alike. */
export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keys of which giving one takes back the other. */
const exclusive: readonly (readonly [string, string])[] = [['epochs', 'steps'], ['warmupEpochs', 'warmupSteps']];

/** `over` laid over `base`, key by key; lists and methods of another name are replaced whole. */
export function mergeRun(base: JsonObject, over: JsonObject): JsonObject {
  const result = { ...base };
  for (const pair of exclusive) for (const i of [0, 1] as const) if (over[pair[i]] !== undefined && over[pair[1 - i]!] === undefined) delete result[pair[1 - i]!];
  for (const [key, value] of Object.entries(over)) {
    const before = result[key];
    const merges = isObject(before) && isObject(value) && !(key === 'method' && value.name !== undefined && value.name !== before.name);
    result[key] = merges ? mergeRun(before, value) : value;
  }
  return result;
}
