/** What `siamscope doctor` said of this machine: asked once, kept between windows, asked again on request. Nothing is asked in an untrusted workspace. */
import * as vscode from 'vscode';
import type { Diagnosis } from '../../backend/protocol.ts';
import { commandJson, type Command } from '../command.ts';
import { parseDiagnosis } from './parseDiagnosis.ts';

const storageKey = 'diagnosis';
/** With no engine at all the command says so by its exit code, and prints the reasons. */
const noEngineCode = 1;

export class EngineInventory implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly command: Command;
  private readonly memory: vscode.Memento;
  private readonly version: string;
  private readonly log: vscode.LogOutputChannel;
  private asking: Promise<Diagnosis | null> | null = null;
  /** Null where it has not been asked yet. */
  diagnosis: Diagnosis | null;
  /** Why asking failed last time. */
  problem: string | null = null;

  constructor(context: vscode.ExtensionContext, command: Command, log: vscode.LogOutputChannel) {
    this.command = command;
    this.memory = context.globalState;
    this.version = String((context.extension.packageJSON as { version?: unknown }).version);
    this.log = log;
    const kept = this.memory.get<{ version: string; diagnosis: unknown }>(storageKey);
    this.diagnosis = kept?.version === this.version ? parseDiagnosis(kept.diagnosis) : null;
  }

  /** The diagnosis that is known, or else a new one; null where it cannot be had. What failed is tried again on request only. */
  async get(): Promise<Diagnosis | null> {
    return this.diagnosis ?? (this.problem === null ? this.refresh() : null);
  }

  /** Asks anew; two who ask at once wait for one answer. */
  refresh(): Promise<Diagnosis | null> {
    if (!vscode.workspace.isTrusted) return Promise.resolve(null);
    this.asking ??= this.ask().finally(() => {
      this.asking = null;
      this.changed.fire();
    });
    return this.asking;
  }

  private async ask(): Promise<Diagnosis | null> {
    const start = performance.now();
    try {
      const diagnosis = parseDiagnosis(await commandJson(this.command, ['doctor', '--json'], { accepts: [noEngineCode] }));
      if (!diagnosis) throw new Error(vscode.l10n.t('siamscope doctor gave an answer of another version'));
      this.log.info(`looked for engines in ${((performance.now() - start) / 1000).toFixed(1)} s: ${diagnosis.engines.map(({ name, status, device }) => `${name} ${device ?? status}`).join(', ')}`);
      this.diagnosis = diagnosis;
      this.problem = null;
      await this.memory.update(storageKey, { version: this.version, diagnosis });
    } catch (error) {
      this.problem = (error as Error).message;
      this.log.error(`looking for engines failed: ${this.problem}`);
    }
    return this.diagnosis;
  }

  dispose(): void {
    this.changed.dispose();
  }
}
