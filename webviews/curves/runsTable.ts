/** The runs at a glance, in the order of a tired person's questions: is it still going, how far is it, is it well, which one is better. */
import type { CurveMetric, CurveRun } from '../../backend/protocol.ts';
import { element, setText } from '../common/dom.ts';
import { duration, short, whole } from '../common/numbers.ts';

interface Row {
  row: HTMLTableRowElement;
  check: HTMLInputElement;
  name: HTMLElement;
  state: HTMLElement;
  progress: HTMLProgressElement;
  far: HTMLElement;
  now: HTMLElement;
  best: HTMLElement;
  health: HTMLElement;
}

const stateWords: Record<NonNullable<CurveRun['state']>, string> = { queued: 'queued', starting: 'starting', running: 'running', stopping: 'stopping', done: 'done', failed: 'failed', stopped: 'stopped', lost: 'lost' };
/** Files of other tools that grew within this are taken to be still written. */
const livelySeconds = 60;

export class RunsTable {
  readonly element: HTMLElement;
  private readonly body = element('tbody');
  private readonly rows = new Map<number, Row>();
  private readonly onToggle: (run: CurveRun, shown: boolean) => void;
  private runs: readonly CurveRun[] = [];

  constructor(onToggle: (run: CurveRun, shown: boolean) => void) {
    this.onToggle = onToggle;
    const headings = ['Run', 'State', 'Progress', 'Loss now', 'Lowest loss', 'Health'];
    this.element = element('div', { class: 'runs scroll', tabindex: 0, role: 'region', 'aria-label': 'Runs' }, element('table', {}, element('thead', {}, element('tr', {}, ...headings.map((text) => element('th', { scope: 'col' }, text)))), this.body));
  }

  show(runs: readonly CurveRun[], metrics: readonly CurveMetric[], hidden: readonly string[]): void {
    this.runs = runs;
    const lowest = winner(runs, metrics);
    for (const run of runs) {
      const row = this.rows.get(run.id) ?? this.add(run);
      row.check.checked = !hidden.includes(run.place);
      row.check.setAttribute('aria-label', `Show ${run.name}`);
      row.row.classList.toggle('off', !row.check.checked);
      setText(row.name, run.name);
      row.name.title = run.place;
      const [kind, text] = stateOf(run);
      row.state.className = `state ${kind}`;
      setText(row.state, text);
      row.state.title = run.reason ?? '';
      const share = run.read < 1 ? run.read : run.step !== null && run.steps ? run.step / run.steps : null;
      row.progress.hidden = share === null;
      if (share !== null) row.progress.value = Math.min(1, share);
      row.progress.setAttribute('aria-label', `Progress of ${run.name}`);
      setText(row.far, farText(run));
      setText(row.now, run.primary ? short(run.primary.last) : '–');
      const metric = metrics.find(({ id }) => id === run.primary?.metric)?.name ?? '';
      row.now.title = metric;
      setText(row.best, run.primary && !Number.isNaN(run.primary.lowest) ? `${short(run.primary.lowest)} at ${whole(run.primary.lowestStep)}` : '–');
      row.best.classList.toggle('winner', lowest === run.id);
      row.best.title = lowest === run.id ? `The lowest ${metric} of these runs` : metric;
      const [well, words] = healthOf(run);
      row.health.className = `health ${well}`;
      setText(row.health, words);
      row.health.title = [...run.marks.filter(({ kind: other }) => other !== 'resumed').map(({ summary, cause, advice }) => [summary, cause, advice].filter((part) => part !== '').join('. ')), ...run.notes].join('\n');
    }
  }

  private add(run: CurveRun): Row {
    const check = element('input', { type: 'checkbox' });
    check.addEventListener('change', () => {
      const latest = this.runs.find(({ id }) => id === run.id);
      if (latest) this.onToggle(latest, check.checked);
    });
    const name = element('span', { class: 'name' });
    const state = element('span'), progress = element('progress', { max: 1 }), far = element('span', { class: 'far' }), now = element('td', { class: 'number' }), best = element('td', { class: 'number' }), health = element('span');
    const row = element('tr', {}, element('th', { scope: 'row' }, element('label', {}, check, element('span', { class: `swatch series-${run.colour % 8}`, 'aria-hidden': 'true' }), name)), element('td', {}, state), element('td', { class: 'progress' }, progress, far), now, best, element('td', {}, health));
    this.body.append(row);
    const made: Row = { row, check, name, state, progress, far, now, best, health };
    this.rows.set(run.id, made);
    return made;
  }
}

/** The run with the lowest value of the metric that all have as their first; null where there is nothing to compare. */
function winner(runs: readonly CurveRun[], metrics: readonly CurveMetric[]): number | null {
  const compared = runs.filter(({ primary }) => primary && !Number.isNaN(primary.lowest));
  if (compared.length < 2 || new Set(compared.map(({ primary }) => primary!.metric)).size > 1 || metrics.length === 0) return null;
  return compared.reduce((a, b) => (b.primary!.lowest < a.primary!.lowest ? b : a)).id;
}

function stateOf({ state, grown, reason, points }: CurveRun): [string, string] {
  if (state !== null) return [state, reason !== null && state !== 'done' ? `${stateWords[state]}: ${reason}` : stateWords[state]];
  if (grown === null || points === 0) return reason === null ? ['quiet', 'no numbers yet'] : ['failed', reason];
  const ago = (Date.now() - grown) / 1000;
  return ago < livelySeconds ? ['running', 'being written'] : ['quiet', `last written ${duration(ago)} ago`];
}

function farText({ step, steps, eta, read, state }: CurveRun): string {
  if (read < 1) return `reading, ${Math.floor(100 * read)} %`;
  if (step === null) return '–';
  const far = steps === null ? `step ${whole(step)}` : `${whole(step)} of ${whole(steps)}`;
  return eta !== null && (state === 'running' || state === 'stopping') ? `${far}, ${duration(eta)} left` : far;
}

function healthOf({ marks, state, notes, primary }: CurveRun): [string, string] {
  const findings = marks.filter(({ kind }) => kind !== 'resumed' && kind !== 'failed');
  const latest = findings.at(-1);
  if (latest) return ['bad', findings.length > 1 ? `${latest.summary} (and ${findings.length - 1} more)` : latest.summary];
  if (primary && primary.nonFinite > 0) return ['bad', `${whole(primary.nonFinite)} losses are no finite number`];
  if (notes.length > 0) return ['quiet', notes[0]!];
  return state === null ? ['quiet', 'not checked'] : ['good', 'nothing found'];
}
