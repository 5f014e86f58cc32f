/** What a run looks like in a list: one row's words, icon and menu, and its whole story as a tooltip. Knows no editor, so that it can be tested. */
import type { HealthFinding, Measure, RunState, RunStatus } from '../../backend/protocol.ts';
import type { Translate } from '../translate.ts';
import { countText, durationText, escapeMarkdown, numberText, rateText } from './text.ts';

/** A run as the editor knows it (extension/runs/runs.ts). */
export interface ShownRun {
  readonly folder: string;
  readonly state: RunState | 'lost';
  readonly status: RunStatus;
  readonly reason: string | null;
  readonly attached: boolean;
}

export interface Row {
  id: string;
  label: string;
  description: string;
  /** Codicon. */
  icon: string;
  /** Theme colour; null: the icon's own. */
  colour: string | null;
  /** What menus apply: words, one of them `run`. */
  contextValue: string;
  /** For screen readers: a whole sentence. */
  accessibleLabel: string;
}

export const isLiving = ({ state }: Pick<ShownRun, 'state'>): boolean => state === 'starting' || state === 'running' || state === 'stopping' || state === 'queued';

/** Whether there is something to go on from, and steps are left. */
export const isResumable = ({ state, status }: Pick<ShownRun, 'state' | 'status'>): boolean =>
  !isLiving({ state }) && (state !== 'done' || (status.steps !== null && status.step < status.steps));

const icons: Record<ShownRun['state'], [icon: string, colour: string | null]> = {
  queued: ['clock', 'charts.yellow'],
  starting: ['loading~spin', 'charts.blue'],
  running: ['play-circle', 'charts.blue'],
  stopping: ['loading~spin', 'charts.yellow'],
  done: ['pass-filled', 'testing.iconPassed'],
  failed: ['error', 'testing.iconFailed'],
  stopped: ['stop-circle', 'descriptionForeground'],
  lost: ['debug-disconnect', 'testing.iconFailed'],
};

/** The state in one word. */
export function stateText(state: ShownRun['state'], t: Translate): string {
  switch (state) {
    case 'queued': return t('queued');
    case 'starting': return t('starting');
    case 'running': return t('running');
    case 'stopping': return t('stopping');
    case 'done': return t('done');
    case 'failed': return t('failed');
    case 'stopped': return t('stopped');
    case 'lost': return t('lost');
  }
}

/** Whether it measures its own model between two steps (`evaluate` in its run file). Where it was killed meanwhile, its status still says so. */
export const isEvaluating = ({ state, status }: Pick<ShownRun, 'state' | 'status'>): boolean => state === 'running' && status.evaluating;

/** `412/3000`, or `412` where the length is not known yet. */
export const stepText = ({ step, steps }: Pick<RunStatus, 'step' | 'steps'>): string => (steps === null ? String(step) : `${step}/${steps}`);

/** What is worth saying beside the name, the most important first, for a row may be narrow. */
function facts(run: ShownRun, t: Translate): string[] {
  const { state, status, reason } = run;
  const { loss, eta, imagesPerSecond, elapsedSeconds, waiting, step } = status;
  const lossFact = loss === null ? [] : [t('loss {0}', numberText(loss))];
  const took = elapsedSeconds > 0 ? [durationText(elapsedSeconds, t)] : [];
  switch (state) {
    case 'queued': return [waiting ?? t('queued')];
    case 'starting': return [t('starting')];
    case 'running': {
      const evaluating = isEvaluating(run);
      const left = waiting ?? (eta === null ? null : t('{0} left', durationText(eta, t)));
      // The pace is that of steps, and none is taken while the model is measured.
      return [stepText(status), ...(evaluating ? [t('evaluating')] : []), ...(left === null ? [] : [left]), ...lossFact, ...(imagesPerSecond === null || evaluating ? [] : [rateText(imagesPerSecond, t)])];
    }
    case 'stopping': return [stepText(status), t('stopping')];
    case 'done': return [t('{0} steps', step), ...lossFact, ...took];
    case 'stopped': return [stepText(status), t('stopped'), ...lossFact, ...took];
    case 'failed': return [stepText(status), t('failed'), ...(reason === null ? [] : [reason])];
    case 'lost': return [stepText(status), t('lost'), ...(reason === null ? [] : [reason])];
  }
}

export function runRow(run: ShownRun, t: Translate): Row {
  const { folder, state, status } = run;
  const ailing = status.health.length > 0;
  // A run that ends well on collapsed features has not ended well.
  const [icon, colour] = (state === 'running' || state === 'done') && ailing ? ['warning', 'list.warningForeground'] : isEvaluating(run) ? ['beaker', 'charts.blue'] : icons[state];
  const words = ['run', state, isLiving(run) ? 'living' : 'ended', ...(state === 'running' || state === 'starting' || state === 'queued' ? ['stoppable'] : []), ...(isResumable(run) ? ['resumable'] : [])];
  const description = facts(run, t).join(' · ');
  return {
    id: folder, label: status.name, description, icon, colour, contextValue: words.join(' '),
    accessibleLabel: t('Run {0}, {1}: {2}', status.name, stateText(state, t), [...facts(run, t), ...status.health.map(({ summary }) => summary)].join(', ')),
  };
}

/** The rows under a run: what its own row has no room for. */
export function detailRows(run: ShownRun, t: Translate): Row[] {
  const { folder, status, state, reason } = run;
  const row = (name: string, label: string, value: string, icon: string, colour: string | null = null): Row => ({ id: `${folder}\u0000${name}`, label, description: value, icon, colour, contextValue: `detail ${name}`, accessibleLabel: `${label}: ${value}` });
  const rows: Row[] = [];
  if (reason !== null) rows.push(row('reason', state === 'lost' ? t('Lost') : t('Failed'), reason, 'error', 'testing.iconFailed'));
  status.health.forEach(({ summary, step }, i) => rows.push(row(`health${i}`, summary, t('since step {0}', step), 'warning', 'list.warningForeground')));
  if (status.waiting !== null) rows.push(row('waiting', t('Waiting'), status.waiting, 'clock', 'charts.yellow'));
  if (status.loss !== null) rows.push(row('loss', t('Loss'), numberText(status.loss), 'graph-line'));
  rows.push(row('progress', t('Progress'), [t('step {0}', stepText(status)), t('epoch {0}', Number(status.epoch.toFixed(2)))].join(' · '), 'dashboard'));
  if (isEvaluating(run)) rows.push(row('evaluating', t('Evaluating'), t('the model after step {0}', status.step), 'beaker', 'charts.blue'));
  if (status.evaluation && status.evaluation.measures.length > 0) rows.push(row('evaluation', t('Evaluation'), [t('step {0}', status.evaluation.step), ...status.evaluation.measures.slice(0, mostMeasures).map(measureText)].join(' · '), 'beaker'));
  if (status.imagesPerSecond !== null && isLiving(run)) rows.push(row('rate', t('Throughput'), rateText(status.imagesPerSecond, t), 'zap'));
  if (status.elapsedSeconds > 0) rows.push(row('time', t('Time'), isLiving(run) && status.eta !== null ? t('{0}, {1} left', durationText(status.elapsedSeconds, t), durationText(status.eta, t)) : durationText(status.elapsedSeconds, t), 'watch'));
  if (status.images !== null) rows.push(row('images', t('Images'), status.skipped > 0 ? t('{0}, {1} files skipped', countText(status.images), status.skipped) : countText(status.images), 'file-media', status.skipped > 0 ? 'list.warningForeground' : null));
  if (status.engine) rows.push(row('engine', t('Engine'), engineText(status.engine), 'circuit-board'));
  return rows;
}

const mostMeasures = 12;

const measureText = ({ name, value, unit }: Measure): string => `${name} ${unit === 'share' ? `${(100 * value).toFixed(1)} %` : numberText(value)}`;

const engineText = ({ name, version, deviceName, device, precision }: NonNullable<RunStatus['engine']>): string => `${name} ${version} · ${deviceName} (${device}) · ${precision}`;

const findingText = ({ summary, cause, advice, step }: HealthFinding, t: Translate): string =>
  `$(warning) **${escapeMarkdown(summary)}** (${t('since step {0}', step)})\n\n${escapeMarkdown(cause)}\n\n*${escapeMarkdown(advice)}*`;

/** The whole story in Markdown. Everything that comes from files is escaped. */
export function runTooltip(run: ShownRun, t: Translate): string {
  const { status, state, reason, folder } = run;
  const [icon] = icons[state];
  const cells = detailRows(run, t).filter(({ contextValue }) => !/^detail (reason|health|waiting)/.test(contextValue)).map(({ label, description }) => `| ${escapeMarkdown(label)} | ${escapeMarkdown(description)} |`);
  if (status.checkpoint !== null) cells.push(`| ${t('Checkpoint')} | ${t('step {0}', status.checkpoint)} |`);
  if (status.resumedFrom !== null) cells.push(`| ${t('Resumed from')} | ${t('step {0}', status.resumedFrom)} |`);
  const files = status.error?.files ?? [];
  return [
    `**${escapeMarkdown(status.name)}** $(${icon}) ${stateText(state, t)}`,
    ...(reason === null ? [] : [`$(error) ${escapeMarkdown(reason)}`]),
    ...(files.length > 0 ? [`${t('Images of that step:')} ${files.slice(0, 3).map(escapeMarkdown).join(', ')}${files.length > 3 ? t(' and {0} more', files.length - 3) : ''}`] : []),
    ...(isResumable(run) ? [status.checkpoint === null ? t('Resume starts it again from the beginning: it had saved nothing.') : t('Resume goes on from step {0}.', status.checkpoint)] : []),
    ...(status.waiting === null ? [] : [`$(clock) ${escapeMarkdown(status.waiting)}`]),
    ...status.health.map((finding) => findingText(finding, t)),
    ['| | |', '|---|---|', ...cells].join('\n'),
    `$(folder) ${escapeMarkdown(folder)}`,
  ].join('\n\n');
}
