/** What a run tells as it goes: every step with its pace, what is unwell, what was skipped; to status.json, log.txt and whoever watches. */
import type { HealthFinding, MetricsRow, RunEvaluation, RunEvent, TrainingOpened, TrainingStep } from '../protocol.ts';
import type { RunConfig } from './config.ts';
import { evaluationsAfter } from './evaluations.ts';
import type { RunFolder } from './folder.ts';
import { assessHealth, healthWindow, remedyOf, uniformLossOf } from './health.ts';

const statusMilliseconds = 1000;
/** Steps that the estimate of what is left is made from, and fewest that it needs. */
const paceWindow = 20, paceLeast = 3;

export class RunJournal {
  private readonly config: RunConfig;
  private readonly folder: RunFolder;
  private readonly onEvent: (event: RunEvent) => void;
  /** The latest rows. */
  private readonly rows: MetricsRow[] = [];
  private readonly unwell = new Set<string>();
  private readonly skippedFiles = new Set<string>();
  /** That the newest evaluation took: what is left has as long ones. */
  private evaluationSeconds = 0;
  /** When status.json was last written, on the monotonic clock. */
  private statusAt = -Infinity;

  constructor(config: RunConfig, folder: RunFolder, onEvent: (event: RunEvent) => void) {
    this.config = config;
    this.folder = folder;
    this.onEvent = onEvent;
  }

  tell(event: RunEvent): void {
    this.onEvent(event);
  }

  say(kind: 'note' | 'warning', text: string): void {
    void this.folder.log(text);
    this.tell({ kind, text });
  }

  /** A finished step of a run so long. */
  step(row: MetricsRow, opened: TrainingOpened): void {
    const { totalSteps: steps } = opened;
    this.rows.push(row);
    if (this.rows.length > Math.max(paceWindow, healthWindow(this.config.health.patience))) this.rows.shift();
    const recent = this.rows.slice(-paceWindow).map(({ seconds }) => seconds).sort((a, b) => a - b);
    const evaluations = evaluationsAfter(this.config.evaluate, opened, row.step) * this.evaluationSeconds;
    const eta = recent.length < paceLeast ? null : Math.round(((steps - row.step) * recent[recent.length >> 1]! + evaluations) * 10) / 10;
    Object.assign(this.folder.status, { step: row.step, epoch: row.epoch, loss: row.loss, imagesPerSecond: row.images_per_second, eta, elapsedSeconds: row.elapsed_seconds });
    if (performance.now() - this.statusAt >= statusMilliseconds) {
      this.statusAt = performance.now();
      void this.folder.writeStatus();
    }
    this.tell({ kind: 'step', row, steps, eta });
  }

  /** The model is measured, and no step is taken until that ends. */
  evaluating(step: number): void {
    this.folder.status.evaluating = true;
    void this.folder.writeStatus();
    this.tell({ kind: 'evaluating', step });
  }

  evaluated(evaluation: RunEvaluation, seconds: number): void {
    this.evaluationSeconds = seconds;
    this.folder.status.evaluation = evaluation;
    void this.folder.log(`step ${evaluation.step} evaluated in ${seconds.toFixed(1)} s: ${evaluation.measures.map(({ id, value }) => `${id} ${value}`).join(', ')}`);
    this.tell({ kind: 'evaluated', ...evaluation, seconds });
  }

  evaluationEnded(): void {
    this.folder.status.evaluating = false;
    void this.folder.writeStatus();
  }

  /** Files that a step had to do without; each is told once. */
  skipped(files: TrainingStep['skipped']): void {
    for (const { file, reason } of files) {
      if (this.skippedFiles.has(file)) continue;
      this.skippedFiles.add(file);
      this.folder.status.skipped++;
      void this.folder.log(`skipped ${file}: ${reason}`);
      this.tell({ kind: 'skipped', file, reason });
    }
  }

  /** What is wrong since the last step; told once, and again only after it was well in between. */
  health(): HealthFinding[] {
    const findings = assessHealth(this.rows, { ...this.config.health, uniformLoss: uniformLossOf(this.config), remedy: remedyOf(this.config) });
    for (const kind of this.unwell) if (!findings.some((finding) => finding.kind === kind)) this.unwell.delete(kind);
    const fresh = findings.filter(({ kind }) => !this.unwell.has(kind));
    for (const finding of fresh) {
      this.unwell.add(finding.kind);
      this.folder.status.health.push(finding);
      void this.folder.log(`step ${finding.step}: ${finding.summary}. Cause: ${finding.cause}. What to do: ${finding.advice}`);
      this.tell({ kind: 'health', finding });
    }
    return fresh;
  }
}
