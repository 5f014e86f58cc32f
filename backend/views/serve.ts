/**
 * The process behind the editor's views: it answers requests on its IPC channel with the loader and models that train. It lives as long as
 * the channel does. What it is asked came from a webview, so each request is checked against its schema.
 */
import { createMessageConnection, ErrorCodes, IPCMessageReader, IPCMessageWriter, NullLogger, ResponseError, type CancellationToken } from 'vscode-jsonrpc/node';
import { z } from 'zod';
import { InputError } from '../errors.ts';
import { viewProgressMethod, type ViewCalls, type ViewProgress, type ViewRequest } from '../protocol/views.ts';

export interface AnswerContext {
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
  progress: (text: string, done?: number, total?: number) => void;
}

/** A call's check and its answer. Answers reject with InputError or RunError for people. */
export interface ViewAnswer<Request, Reply> {
  schema: z.ZodType<Request>;
  answer: (request: Request, context: AnswerContext) => Reply | Promise<Reply>;
}

/** A table's entry whose types have been forgotten: what its schema gives is what its answer takes. */
export interface AnyViewAnswer {
  schema: z.ZodType;
  answer: (request: never, context: AnswerContext) => unknown;
}

export type ViewAnswers<Calls extends ViewCalls> = { [K in keyof Calls & string]: ViewAnswer<Calls[K]['request'], Calls[K]['reply']> };

const ticketSchema = z.object({ ticket: z.int().nonnegative(), request: z.unknown() });

/** Serves until the channel closes. Throws InputError where this process was not started with one. */
export async function serveViews(answers: Readonly<Record<string, AnyViewAnswer>>): Promise<void> {
  if (!process.send) throw new InputError('siamscope serve is started by the editor, with a channel to it: there is nothing to see here');
  const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process), NullLogger);
  for (const [name, { schema, answer }] of Object.entries(answers)) {
    connection.onRequest(name, async (params: ViewRequest, token: CancellationToken) => {
      const { ticket, request } = ticketSchema.parse(params);
      const controller = new AbortController();
      token.onCancellationRequested(() => controller.abort());
      const progress = (text: string, done: number | null = null, total: number | null = null): void => {
        connection.sendNotification(viewProgressMethod, { ticket, text, done, total } satisfies ViewProgress).catch(() => undefined);
      };
      try {
        return await answer(parsed(schema, request, name) as never, { signal: controller.signal, progress });
      } catch (error) {
        throw new ResponseError(controller.signal.aborted ? ErrorCodes.PendingResponseRejected : ErrorCodes.InternalError, (error as Error).message, { name: (error as Error).name });
      }
    });
  }
  connection.listen();
  await new Promise<void>((resolve) => process.once('disconnect', resolve));
  connection.dispose();
}

function parsed<T>(schema: z.ZodType<T>, request: unknown, name: string): T {
  const result = schema.safeParse(request);
  if (result.success) return result.data;
  throw new InputError(`${name} was asked for what it does not know: ${z.prettifyError(result.error)}`);
}
