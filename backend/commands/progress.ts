/** A run as it is seen from a terminal: one line that moves, plain lines where nobody watches, or JSON lines for machines. */
import type { Measure, MetricsRow, RunEvent } from '../protocol.ts';
import { duration, say, style } from './terminal.ts';

export interface Watcher {
  onEvent(event: RunEvent): void;
  /** Leaves the terminal's line clean. */
  close(): void;
}

const number = (value: number, digits = 4): string => (Number.isFinite(value) ? Number(value.toPrecision(digits)).toString() : String(value));
const large = (value: number): string => (value >= 1e6 ? `${(value / 1e6).toFixed(1)} M` : value >= 1e3 ? `${(value / 1e3).toFixed(1)} k` : String(value));

/** Every event as one JSON line on standard output. */
export const jsonWatcher: Watcher = {
  onEvent: (event) => {
    process.stdout.write(`${JSON.stringify(event, (_key, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value))}\n`);
  },
  close: () => undefined,
};

/** Nothing: the run folder has it all. */
export const silentWatcher: Watcher = { onEvent: () => undefined, close: () => undefined };

const warn = (text: string): void => say(`${style(process.stderr, 'yellow', 'warning:')} ${text}`);

const measureText = ({ name, value, unit }: Measure): string => `${name} ${unit === 'share' ? `${(100 * value).toFixed(1)} %` : number(value, 3)}`;

/** What both kinds of terminal say alike, above the line that moves. */
function describe(event: RunEvent): void {
  switch (event.kind) {
    case 'opened': {
      const { engine, images, classes, parameters, steps, resumedFrom } = event;
      say(`${engine.name} ${engine.version} on ${engine.deviceName} (${engine.device}, ${engine.precision})`);
      say(`${images.toLocaleString('en-US')} images${classes ? ` in ${classes} classes` : ''}, ${large(parameters)} parameters, ${steps.toLocaleString('en-US')} steps${resumedFrom === null ? '' : `, resumed after step ${resumedFrom}`}`);
      return;
    }
    case 'queued': {
      const { device, ahead, holder } = event.place;
      return say(`waits for ${device}: ${ahead === 1 ? '' : `${ahead} runs go first, now `}process ${holder.pid} trains ${holder.run}; --now does not wait`);
    }
    case 'skipped':
      return warn(`skipped ${event.file}: ${event.reason}`);
    case 'health':
      return warn(`step ${event.finding.step}: ${event.finding.summary}\n  cause: ${event.finding.cause}\n  what to do: ${event.finding.advice}`);
    case 'note':
      return say(event.text);
    case 'warning':
      return warn(event.text);
    case 'evaluated':
      return say(`step ${event.step}  ${event.measures.map(measureText).join(', ')}`);
    case 'evaluating':
    case 'saved':
    case 'step':
    case 'ended':
      return;
  }
}

function facts(row: MetricsRow, eta: number | null): string[] {
  return [`loss ${number(row.loss)}`, `${number(row.images_per_second, 3)} images/s`, ...(eta === null ? [] : [`${duration(eta)} left`])];
}

const linePause = 5000;

/** One line now and then: for logs. */
export function plainWatcher(): Watcher {
  let lastLine = -Infinity;
  return {
    onEvent(event) {
      describe(event);
      if (event.kind !== 'step') return;
      const { row, steps, eta } = event;
      if (row.step !== steps && performance.now() - lastLine < linePause) return;
      lastLine = performance.now();
      say(`step ${row.step}/${steps}  ${facts(row, eta).join('  ')}`);
    },
    close: () => undefined,
  };
}

const barPause = 100;
const eraseLine = '\r\u001b[K';

/** A bar on the terminal's last line. */
export function barWatcher(stream: NodeJS.WriteStream): Watcher {
  let drawn = -Infinity;
  let line = '';
  const erase = (): void => {
    if (line) stream.write(eraseLine);
    line = '';
  };
  return {
    onEvent(event) {
      if (event.kind !== 'step') {
        // What has been said stays above the bar.
        if (event.kind !== 'saved') erase();
        if (event.kind === 'evaluating') {
          line = `step ${event.step}  measures the model`;
          stream.write(line);
        }
        return describe(event);
      }
      const { row, steps, eta } = event;
      if (row.step !== steps && performance.now() - drawn < barPause) return;
      drawn = performance.now();
      line = barLine(row, steps, eta, stream.columns || 80);
      stream.write(`\r${line}\u001b[K`);
    },
    close() {
      if (line) stream.write('\n');
      line = '';
    },
  };
}

/** Enough for most losses, speeds and times. */
const tailColumns = 42;

/** Steps, a bar, and facts; no longer than `columns` - 1. */
export function barLine(row: MetricsRow, steps: number, eta: number | null, columns: number): string {
  const head = `step ${String(row.step).padStart(String(steps).length)}/${steps}`;
  const rest = facts(row, eta);
  // What matters least goes first where there is no room.
  while (rest.length > 1 && head.length + rest.join('  ').length + 6 > columns - 1) rest.splice(1, 1);
  const tail = rest.join('  ');
  // The bar keeps its length while the numbers beside it change theirs.
  const room = Math.min(30, columns - 1 - head.length - Math.max(tail.length, tailColumns) - 4);
  if (room < 5) return `${head}  ${tail}`.slice(0, columns - 1);
  const full = Math.floor((row.step / steps) * room);
  return `${head}  ${'█'.repeat(full)}${'░'.repeat(room - full)}  ${tail}`;
}
