/**
 * A view's process of the backend (`siamscope serve`): started at the first request, ended some time after the last view is closed, and
 * started anew where it died. Nothing of it listens anywhere: it talks over the channel that it was started with.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createMessageConnection, IPCMessageReader, IPCMessageWriter, NullLogger, CancellationToken, type MessageConnection } from 'vscode-jsonrpc/node';
import { RunError } from '../backend/errors.ts';
import { viewProgressMethod, type ViewCalls, type ViewProgress, type ViewRequest } from '../backend/protocol/views.ts';
import { environment, type Launch } from './launch.ts';

export interface AskOptions {
  token?: CancellationToken;
  onProgress?: (progress: Omit<ViewProgress, 'ticket'>) => void;
}

interface Running {
  child: ChildProcess;
  connection: MessageConnection;
  /** Settles with the reason when the process is gone. */
  gone: Promise<string>;
}

const lastWordsBytes = 4096;
const endMilliseconds = 5000;

export class ViewBackend<Calls extends ViewCalls> {
  private readonly launch: () => Promise<Launch>;
  private readonly log: (line: string) => void;
  private running: Promise<Running> | null = null;
  private tickets = 0;
  private readonly progress = new Map<number, (progress: ViewProgress) => void>();

  /** `launch` rejects where nothing may be launched; `log` is told what the process prints. */
  constructor(launch: () => Promise<Launch>, log: (line: string) => void) {
    this.launch = launch;
    this.log = log;
  }

  /** Asks, starting the process where there is none. Rejects with RunError: the answer's own reason, or why there is no process. */
  async ask<K extends keyof Calls & string>(call: K, request: Calls[K]['request'], { token = CancellationToken.None, onProgress }: AskOptions = {}): Promise<Calls[K]['reply']> {
    this.running ??= this.start().catch((error: Error) => {
      this.running = null;
      throw error;
    });
    const { connection, gone } = await this.running;
    const ticket = this.tickets++;
    if (onProgress) this.progress.set(ticket, onProgress);
    try {
      const params: ViewRequest = { ticket, request };
      const answer = connection.sendRequest<Calls[K]['reply']>(call, params, token);
      answer.catch(() => undefined);
      return await Promise.race([answer, gone.then((reason) => Promise.reject(new RunError(reason)))]);
    } catch (error) {
      throw error instanceof RunError ? error : new RunError((error as Error).message, { cause: error as Error });
    } finally {
      this.progress.delete(ticket);
    }
  }

  /** Ends the process; the next request starts another. */
  end(): void {
    const { running } = this;
    this.running = null;
    running?.then(({ child }) => {
      child.disconnect();
      setTimeout(() => child.kill('SIGKILL'), endMilliseconds).unref();
    }, () => undefined);
  }

  private async start(): Promise<Running> {
    const { command, args, env } = await this.launch();
    const child = spawn(command, [...args, 'serve'], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'advanced', windowsHide: true, env: environment(env) });
    let lastWords = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        lastWords = (lastWords + text).slice(-lastWordsBytes);
        this.log(text.trimEnd());
      });
    const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child), NullLogger);
    connection.onNotification(viewProgressMethod, (progress: ViewProgress) => this.progress.get(progress.ticket)?.(progress));
    const gone = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`${command} cannot be run: ${error.message}`));
      child.once('close', (code, signal) => resolve(`the process behind this view ended (${signal ?? `exit code ${code}`}); ask again to start another${lastWords.trim() === '' ? '' : `: ${lastWords.trim().split('\n').at(-1)}`}`));
    });
    const started: Running = { child, connection, gone };
    void gone.then(() => {
      connection.dispose();
      void this.running?.then((now) => {
        if (now === started) this.running = null;
      });
    });
    connection.listen();
    return started;
  }
}
