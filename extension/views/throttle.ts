/** Calls a function at most once in an interval: at once the first time, and at the interval's end for all that came meanwhile. */

export interface Throttle {
  (): void;
  dispose(): void;
}

export function throttle(run: () => void, milliseconds: number): Throttle {
  let timer: NodeJS.Timeout | null = null, again = false;
  const tick = (): void => {
    timer = null;
    if (again) call();
  };
  const call = (): void => {
    again = timer !== null;
    if (again) return;
    timer = setTimeout(tick, milliseconds);
    run();
  };
  return Object.assign(call, { dispose: () => (timer ? clearTimeout(timer) : undefined) });
}
