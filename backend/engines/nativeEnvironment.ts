/** Environment variables as native libraries see them: in a worker thread, Node's `process.env` is a copy that they never read. */
import koffi from 'koffi';

/** Sets a variable of the process for libraries that are loaded later; one that is set already stays. */
export function setNativeEnvironment(name: string, value: string): void {
  if (process.env[name] !== undefined) return;
  process.env[name] = value;
  if (process.platform === 'win32') koffi.load('ucrtbase.dll').func('int _putenv_s(const char* name, const char* value)')(name, value);
  else koffi.load(process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6').func('int setenv(const char* name, const char* value, int overwrite)')(name, value, 0);
}
