/** The answer of `siamscope doctor --json` and of `presets --json`, checked: another version's answer, or a damaged one that was kept, counts as none. */
import type { Diagnosis, EngineDiagnosis, PresetSummary } from '../../backend/protocol.ts';

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);
const isListOf = (value: unknown, fits: (item: unknown) => boolean): boolean => Array.isArray(value) && value.every(fits);

const names: readonly unknown[] = ['torch', 'tensorflow', 'wasm', 'cpu'] satisfies EngineDiagnosis['name'][];
const states: readonly unknown[] = ['ready', 'unavailable', 'broken'] satisfies EngineDiagnosis['status'][];

const isEngine = (value: unknown): boolean =>
  isRecord(value) && names.includes(value.name) && states.includes(value.status) && [value.reason, value.version, value.device, value.deviceName, value.path].every(isTextOrNull)
  && isListOf(value.precisions, isText) && isRecord(value.matmul_gflops) && Object.values(value.matmul_gflops).every((speed) => typeof speed === 'number');

export function parseDiagnosis(value: unknown): Diagnosis | null {
  const fits = isRecord(value) && isText(value.node) && isText(value.platform) && typeof value.memory === 'number' && isRecord(value.cpu) && isText(value.cpu.model) && typeof value.cpu.cores === 'number'
    && isListOf(value.gpus, (gpu) => isRecord(gpu) && isText(gpu.name) && typeof gpu.bytes === 'number') && isListOf(value.engines, isEngine) && (value.chosen === null || names.includes(value.chosen));
  return fits ? (value as unknown as Diagnosis) : null;
}

export const parsePresets = (value: unknown): PresetSummary[] =>
  Array.isArray(value) ? value.filter((entry): entry is PresetSummary => isRecord(entry) && isText(entry.preset) && isText(entry.summary)) : [];
