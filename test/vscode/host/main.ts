/** What the extension host runs: the suite that SIAMSCOPE_HOST_SUITE names, by mocha. A rejection is a failure. */
import Mocha from 'mocha';
import { activation } from './activation.ts';
import { runFiles } from './runFiles.ts';
import { runs } from './runs.ts';
import { untrusted } from './untrusted.ts';

const suites: Record<string, (() => void)[]> = { trusted: [activation, runFiles], runs: [runs], untrusted: [untrusted] };

export async function run(): Promise<void> {
  const name = process.env.SIAMSCOPE_HOST_SUITE ?? 'trusted';
  const suite = suites[name];
  if (!suite) throw new Error(`there is no suite of extension-host tests called ${name}`);
  const mocha = new Mocha({ ui: 'bdd', timeout: 30_000, color: false, reporter: 'spec' });
  // Readies describe() and it(), which loading a file by mocha would do; the bundle is loaded already.
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  for (const describeTests of suite) describeTests();
  const failures = await new Promise<number>((done) => mocha.run(done));
  if (failures > 0) throw new Error(`${failures} extension-host tests failed`);
}
