/** A run's log.txt in an output channel of its own, followed while the run lives. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Runs } from '../runs/runs.ts';
import { isLiving } from './runItem.ts';

const followMilliseconds = 1000;
/** A log's end is what is looked for; the whole is in the file. */
const mostBytes = 2 ** 20;

interface Followed {
  channel: vscode.OutputChannel;
  position: number;
  timer: NodeJS.Timeout | null;
}

export class RunLogs implements vscode.Disposable {
  private readonly runs: Runs;
  private readonly shown = new Map<string, Followed>();

  constructor(runs: Runs) {
    this.runs = runs;
  }

  /** Shows the log of the run. Rejects where it cannot be read. */
  async show(folder: string): Promise<void> {
    const run = this.runs.get(folder);
    const followed: Followed = this.shown.get(folder) ?? { channel: vscode.window.createOutputChannel(`SiamScope: ${run?.status.name ?? folder}`, 'log'), position: 0, timer: null };
    this.shown.set(folder, followed);
    await this.read(folder, followed);
    followed.channel.show(true);
    followed.timer ??= setInterval(() => void this.follow(folder, followed), followMilliseconds);
  }

  private async follow(folder: string, followed: Followed): Promise<void> {
    const run = this.runs.get(folder);
    await this.read(folder, followed).catch(() => undefined);
    if ((!run || !isLiving(run)) && followed.timer) {
      clearInterval(followed.timer);
      followed.timer = null;
    }
  }

  private async read(folder: string, followed: Followed): Promise<void> {
    const file = await open(join(folder, 'log.txt'), 'r');
    try {
      const { size } = await file.stat();
      // A log that was replaced by a shorter one is another log.
      if (size < followed.position) followed.position = 0;
      const from = Math.max(followed.position, size - mostBytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
      const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
      if (end === 0) return;
      followed.position = from + end;
      followed.channel.append(buffer.toString('utf8', 0, end));
    } finally {
      await file.close();
    }
  }

  dispose(): void {
    for (const { channel, timer } of this.shown.values()) {
      if (timer) clearInterval(timer);
      channel.dispose();
    }
  }
}
