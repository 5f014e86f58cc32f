/** What panels show, kept in the workspace's state under their own names, so that a page's saved state names no path. */
import type * as vscode from 'vscode';

const rememberedPanels = 50;

export class PanelMemory<Subject> {
  private readonly context: vscode.ExtensionContext;
  private readonly key: string;

  /** `key` is the kind of panel's own. */
  constructor(context: vscode.ExtensionContext, key: string) {
    this.context = context;
    this.key = key;
  }

  /** The name that a page kept from before a reload; empty where it kept none. */
  static nameIn(state: unknown): string {
    return typeof state === 'object' && state !== null && 'panel' in state && typeof state.panel === 'string' ? state.panel : '';
  }

  get(name: string): Subject | undefined {
    const all = this.all();
    return Object.hasOwn(all, name) ? all[name] : undefined;
  }

  /** The oldest are forgotten. Where it cannot be kept, the panel is empty after a reload, and says how to fill it. */
  async set(name: string, subject: Subject): Promise<void> {
    const others = Object.entries(this.all()).filter(([other]) => other !== name);
    await this.context.workspaceState.update(this.key, Object.fromEntries([...others.slice(1 - rememberedPanels), [name, subject]])).then(undefined, () => undefined);
  }

  private all(): Record<string, Subject> {
    return this.context.workspaceState.get<Record<string, Subject>>(this.key, {});
  }
}
