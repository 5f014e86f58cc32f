/** How slow this machine is right now, so that a bar of time says something of our code rather than of its neighbours. */

/** Milliseconds that `work` takes. */
export type Clock = (work: () => unknown) => Promise<number>;

const document = JSON.stringify(Array.from({ length: 40_000 }, (_, i) => ({ name: `blocks.${i}.weight`, shape: [i, 768], values: [i / 7, -i] })));

/** What the document takes on the machine that the bars were set on (AMD EPYC, Zen 3, 2 quiet cores), in milliseconds. */
const reference = 45;

/** Of this process on the processor: waiting for it is not the code's. */
export const processorTime: Clock = async (work) => {
  const begin = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
};

export const wallTime: Clock = async (work) => {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
};

/** How many times as long as on that machine plain work takes by the clock: the best of five, at least 1. */
async function slowness(clock: Clock): Promise<number> {
  const times: number[] = [];
  for (let k = 0; k < 5; k++) times.push(await clock(() => JSON.stringify(JSON.parse(document))));
  return Math.max(1, Math.min(...times) / reference);
}

/** The limit to hold here for what took `milliseconds` by the clock: the limit itself, or where that is passed, times this machine's slowness. */
export async function limitHere(limit: number, milliseconds: number, clock: Clock): Promise<number> {
  return milliseconds < limit ? limit : limit * (await slowness(clock));
}
