/** `siamscope serve`: the process behind the editor's views. People have no use for it, so it is in no list. */
import type { Command } from 'commander';
import { example } from './example.ts';

export function addServe(program: Command): void {
  program
    .command('serve', { hidden: true })
    .summary('draw for the editor\'s views')
    .description('Answers the editor\'s views over the channel that it was started with.')
    .addHelpText(...example('siamscope serve'))
    .action(async () => {
      const [{ serveViews }, { viewAnswers }] = await Promise.all([import('../views/serve.ts'), import('../views/answers.ts')]);
      await serveViews(viewAnswers);
    });
}
