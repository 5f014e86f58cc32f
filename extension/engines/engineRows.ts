/** What this machine can train with, as rows: engines with their device and speed, or why they cannot be used; and the machine itself. */
import type { Diagnosis, EngineDiagnosis } from '../../backend/protocol.ts';
import type { Translate } from '../translate.ts';
import type { Row } from '../views/runItem.ts';
import { countText } from '../views/text.ts';

export const engineTitles: Readonly<Record<EngineDiagnosis['name'], string>> = { torch: 'libtorch', tensorflow: 'TensorFlow', wasm: 'WebAssembly', cpu: 'JavaScript' };

/** The engine that runs get: the selected one, or what `auto` takes. */
export const engineInUse = (diagnosis: Diagnosis, selected: string): EngineDiagnosis['name'] | null => (diagnosis.engines.find(({ name }) => name === selected)?.name ?? diagnosis.chosen);

export function engineRow(engine: EngineDiagnosis, diagnosis: Diagnosis, selected: string, t: Translate): Row {
  const { name, status, version, device, deviceName, reason } = engine;
  const inUse = engineInUse(diagnosis, selected) === name;
  const title = version === null ? engineTitles[name] : `${engineTitles[name]} ${version}`;
  const description = status === 'ready'
    ? [...(inUse ? [selected === name ? t('selected') : t('in use')] : []), ...(device === null ? [] : [device === 'cpu' ? t('CPU') : (deviceName ?? device)])].join(' · ')
    : status === 'broken' ? t('broken') : t('not installed');
  const [icon, colour] = status === 'ready' ? (inUse ? ['pass-filled', 'testing.iconPassed'] : ['pass', 'descriptionForeground']) : status === 'broken' ? ['error', 'testing.iconFailed'] : ['circle-large-outline', 'descriptionForeground'];
  return {
    id: `engine ${name}`, label: title, description, icon, colour,
    contextValue: ['engine', status, ...(name === 'torch' || name === 'tensorflow' ? ['installable'] : []), ...(status === 'ready' && selected !== name ? ['selectable'] : [])].join(' '),
    accessibleLabel: t('Engine {0}: {1}', title, [description, ...(reason === null ? [] : [reason])].join('. ')),
  };
}

/** bf16 first: it is what training takes where it is there. */
const speeds = ({ matmul_gflops: { bf16, fp32 } }: EngineDiagnosis): string[] => [...(bf16 === undefined ? [] : [`${countText(bf16)} GFLOP/s bf16`]), ...(fp32 === undefined ? [] : [`${countText(fp32)} GFLOP/s fp32`])];

export function engineDetails(engine: EngineDiagnosis, t: Translate): Row[] {
  const row = (name: string, label: string, description: string, icon: string): Row => ({ id: `engine ${engine.name} ${name}`, label, description, icon, colour: null, contextValue: `detail ${name}`, accessibleLabel: `${label}: ${description}` });
  return [
    ...(engine.reason === null ? [] : [row('reason', engine.status === 'broken' ? t('Cannot be used') : t('Not here'), engine.reason, 'info')]),
    ...(engine.device === null ? [] : [row('device', t('Device'), [engine.deviceName ?? engine.device, engine.device].join(' · '), engine.device === 'cpu' ? 'chip' : 'circuit-board')]),
    ...speeds(engine).map((speed, i) => row(`speed${i}`, t('Matrix product'), speed, 'dashboard')),
    ...(engine.path === null ? [] : [row('path', t('Loaded from'), engine.path, 'folder')]),
  ];
}

export const machineRow = ({ cpu, gpus }: Diagnosis, t: Translate): Row => {
  const description = gpus[0] ? [gpus[0].name, ...(gpus.length > 1 ? [`+${gpus.length - 1}`] : [])].join(' ') : t('{0}, {1} cores', cpu.model, cpu.cores);
  return { id: 'machine', label: t('This machine'), description, icon: 'server', colour: null, contextValue: 'machine', accessibleLabel: t('This machine: {0}', description) };
};

export function machineDetails({ cpu, gpus, memory, node, platform }: Diagnosis, t: Translate): Row[] {
  const row = (name: string, label: string, description: string, icon: string): Row => ({ id: `machine ${name}`, label, description, icon, colour: null, contextValue: `detail ${name}`, accessibleLabel: `${label}: ${description}` });
  return [
    ...gpus.map((gpu, i) => row(`gpu${i}`, gpus.length > 1 ? t('GPU {0}', i) : t('GPU'), `${gpu.name} · ${(gpu.bytes / 2 ** 30).toFixed(0)} GiB`, 'circuit-board')),
    row('cpu', t('Processor'), t('{0}, {1} cores', cpu.model, cpu.cores), 'chip'),
    row('memory', t('Memory'), `${(memory / 2 ** 30).toFixed(1)} GiB`, 'database'),
    row('node', 'Node', `${node}, ${platform}`, 'terminal'),
  ];
}
