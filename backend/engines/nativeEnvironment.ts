/** Environment variables as native libraries see them: in a worker thread, Node's `process.env` is a copy that they never read. */
import koffi from 'koffi';

/** Sets a variable of the process for libraries that are loaded later; one that is set already stays. */
export function setNativeEnvironment(name: string, value: string): void {
  if (process.env[name] !== undefined) return;
  process.env[name] = value;
  if (process.platform === 'win32') koffi.load('ucrtbase.dll').func('int _putenv_s(const char* name, const char* value)')(name, value);
  else koffi.load(process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6').func('int setenv(const char* name, const char* value, int overwrite)')(name, value, 0);
}

let tuned = false;

/**
 * Policies of the C library and of OpenMP for a process that trains. To be called before the thread that will hold the tensors
 * begins, and before libtorch is loaded; later calls do nothing.
 *
 * Memory: activations are asked for and given back thousands of times a second. Blocks stay in one heap that is not trimmed, which
 * saves clearing their pages each time (measured: 1.3 s a step in place of 2.6 s), and one arena serves all threads, for a thread's
 * own arena cannot hold large blocks. OpenMP's threads wait asleep after a short spin: the decoding workers share their cores, and
 * a spinning thread that waits for one without a core wastes whole time slices. Only glibc and libgomp have these knobs, and a
 * setting of the user's own wins.
 */
export function tuneNativeRuntime(): void {
  if (tuned || process.platform !== 'linux') return;
  tuned = true;
  if (process.env.OMP_WAIT_POLICY === undefined) setNativeEnvironment('GOMP_SPINCOUNT', '10000');
  try {
    const mallopt = koffi.load('libc.so.6').func('int mallopt(int parameter, int value)') as (parameter: number, value: number) => number;
    const trimThreshold = -1, mmapMax = -4, arenaMax = -8;
    mallopt(arenaMax, 1);
    mallopt(mmapMax, 0);
    mallopt(trimThreshold, -1);
  } catch {
    return; // another C library: musl has no such knobs
  }
}
