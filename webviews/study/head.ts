/** Above the table: how far the study is, how long it takes yet, what goes on now, and what can be done. */
import type { StudyCellState, StudyOpen, StudyProgress, StudyTable } from '../../backend/protocol.ts';
import { button, element, setText } from '../common/dom.ts';
import { duration } from '../common/numbers.ts';
import { farText, shareOf, stateWords } from './words.ts';

export interface HeadActions {
  run(): void;
  stop(): void;
  copy(format: 'markdown' | 'csv'): void;
  file(): void;
  log(): void;
  trust(): void;
}

const drawnStates: readonly StudyCellState[] = ['done', 'measuring', 'running', 'failed', 'stopped', 'waiting'];

export class HeadView {
  readonly element: HTMLElement;
  private readonly title = element('h1');
  private readonly far = element('p', { class: 'summary' });
  private readonly bar = element('div', { class: 'bar', role: 'img' });
  private readonly parts = new Map(drawnStates.map((state) => [state, element('span', { class: state })] as const));
  private readonly now = element('ul', { class: 'now', 'aria-label': 'Running now' });
  private readonly run: HTMLButtonElement;
  private readonly stop: HTMLButtonElement;
  private readonly log: HTMLButtonElement;
  private readonly trust: HTMLButtonElement;
  private readonly problem = element('p', { class: 'trouble', role: 'alert', hidden: true });

  constructor(actions: HeadActions) {
    this.run = button('Run study', { class: 'primary' }, () => actions.run());
    this.stop = button('Stop', { title: 'Finishes the step in work, saves, and ends' }, () => actions.stop());
    this.log = button('Log', { class: 'quiet' }, () => actions.log());
    this.trust = button('Manage trust', {}, () => actions.trust());
    this.bar.append(...this.parts.values());
    const tools = element('div', { class: 'tools', role: 'group', 'aria-label': 'The study' }, this.run, this.trust, this.stop, element('span', { class: 'gap' }), button('Copy as Markdown', { class: 'quiet' }, () => actions.copy('markdown')), button('Copy as CSV', { class: 'quiet' }, () => actions.copy('csv')), button('Study file', { class: 'quiet' }, () => actions.file()), this.log);
    this.element = element('header', {}, this.title, this.far, this.bar, this.now, tools, this.problem);
  }

  show({ trusted, problem }: StudyOpen, table: StudyTable, progress: StudyProgress): void {
    const { counts, total, worker, asked, hasLog } = progress;
    setText(this.title, table.title);
    setText(this.far, summaryOf(progress, table.seeds));
    this.bar.setAttribute('aria-label', drawnStates.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${stateWords[state]}`).join(', '));
    for (const [state, part] of this.parts) {
      part.hidden = counts[state] === 0;
      part.style.flexGrow = String(counts[state]);
    }
    const left = total - counts.done;
    const runs = worker !== null;
    this.run.hidden = runs || left === 0 || !trusted;
    this.run.disabled = asked !== null;
    setText(this.run, asked === 'run' ? 'Starting…' : counts.done + counts.stopped + counts.failed === 0 ? 'Run study' : counts.failed === left ? 'Try again' : 'Go on');
    this.trust.hidden = trusted || left === 0;
    this.stop.hidden = worker !== 'here' || !trusted;
    this.stop.disabled = asked !== null;
    setText(this.stop, asked === 'stop' ? 'Stopping after this step…' : 'Stop');
    this.log.hidden = !hasLog;
    this.problem.hidden = problem === null;
    setText(this.problem, problem === null ? '' : `The study file is not understood, and the table is as before: ${problem}`);
    this.showNow(table);
  }

  private showNow({ rows }: StudyTable): void {
    const running = rows.filter(({ sameAs }) => sameAs === null).flatMap((row) => row.cells.filter(({ state }) => state === 'running' || state === 'measuring').map((cell) => ({ row, cell })));
    this.now.hidden = running.length === 0;
    while (this.now.children.length > running.length) this.now.lastElementChild!.remove();
    while (this.now.children.length < running.length) this.now.append(element('li', {}, element('span', { class: 'which' }), element('progress', { max: 1 }), element('span', { class: 'far' })));
    running.forEach(({ row, cell }, i) => {
      const line = this.now.children[i]!;
      const which = `${row.name}, seed ${cell.seed}`;
      setText(line.querySelector('.which')!, which);
      const progress = line.querySelector('progress')!;
      progress.setAttribute('aria-label', `Progress of ${which}`);
      progress.value = shareOf(cell);
      setText(line.querySelector('.far')!, cell.state === 'measuring' ? 'being measured' : (cell.why ?? (farText(cell) || 'starting')));
    });
  }
}

/** `3 of 12 runs done, 1 failed · 40 min of computing · about 2 h left`. */
function summaryOf({ counts, total, worker, secondsLeft, seconds }: StudyProgress, seeds: readonly number[]): string {
  const others = (['failed', 'stopped'] as const).filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${stateWords[state]}`);
  const left = total - counts.done;
  return [
    [left === 0 ? `all ${total} runs done` : `${counts.done} of ${total} runs done`, ...others].join(', '),
    ...(seconds > 0 ? [`${duration(seconds)} of computing`] : []),
    ...(left > 0 && secondsLeft !== null && secondsLeft > 0 ? [`about ${duration(secondsLeft)} ${worker === null ? 'to go' : 'left'}`] : []),
    ...(worker === 'elsewhere' ? ['another machine runs it'] : []),
    seeds.length === 1 ? `seed ${seeds[0]}` : `mean ± standard deviation over seeds ${seeds.join(', ')}`,
  ].join(' · ');
}
