/** The training thread: takes the main thread's calls one after the other and answers each; only a cancellation comes in between. */
import { parentPort } from 'node:worker_threads';
import type { ErrorMessage, TrainingReply, TrainingRequest } from '../protocol.ts';
import type { RunConfig } from './config.ts';
import { StepError, TrainingSession } from './session.ts';

let session: TrainingSession | null = null;
let last: Promise<void> = Promise.resolve();

async function answer(request: TrainingRequest<RunConfig>): Promise<unknown> {
  if (request.kind === 'open') {
    session = await TrainingSession.open(request.config, request.checkpoint);
    return session.opened;
  }
  if (request.kind === 'close') {
    await session?.close();
    return null;
  }
  if (!session) throw new Error(`"${request.kind}" before "open"`);
  switch (request.kind) {
    case 'step':
      return session.step(request.rates);
    case 'save':
      return session.save(request.folder);
    case 'evaluate':
      return session.evaluate();
    case 'cancel':
      return session.cancel();
  }
}

function errorMessage(thrown: unknown): ErrorMessage {
  const files = thrown instanceof StepError ? thrown.files : undefined;
  const error = (thrown instanceof StepError ? thrown.cause : thrown) as NodeJS.ErrnoException;
  return { name: error.name, message: error.message, stack: error.stack, code: error.code, files };
}

parentPort!.on('message', (request: TrainingRequest<RunConfig>) => {
  // What is to end something else does not wait for it.
  const turn = request.kind === 'cancel' ? Promise.resolve() : last;
  const answered = turn.then(async () => {
    const reply: TrainingReply = await answer(request).then(
      (value) => ({ kind: 'reply' as const, id: request.id, value }),
      (error: unknown) => ({ kind: 'error' as const, id: request.id, error: errorMessage(error) }),
    );
    parentPort!.postMessage(reply);
    // Without its port the thread has nothing to wait for, and ends.
    if (request.kind === 'close') parentPort!.close();
  });
  if (request.kind !== 'cancel') last = answered;
});
