/** Before any test: torch is installed where it is not there yet, so that no run begins on another engine than the one it goes on with. */
import { testTorchPath } from './engines.ts';

export default async function setup(): Promise<void> {
  if (!(process.env.SIAMSCOPE_TEST_ENGINES?.split(',').includes('torch') ?? true)) return;
  try {
    await testTorchPath();
  } catch (error) {
    console.log(`torch is not installed (${(error as Error).message}): tests use the engine that is here`);
  }
}
