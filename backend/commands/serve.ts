/** `siamscope serve`: the process behind the editor's views. People have no use for it, so it is in no list. */
import type { Command } from 'commander';

export function addServe(program: Command): void {
  program
    .command('serve', { hidden: true })
    .summary('draw for the editor\'s views')
    .description('Answers the editor\'s views over the channel that it was started with.')
    .action(async () => {
      const [{ serveViews }, { viewAnswers }] = await Promise.all([import('../views/serve.ts'), import('../views/answers.ts')]);
      await serveViews(viewAnswers);
    });
}
