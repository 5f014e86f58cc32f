/** Errors that a person reads: what happened, to what, and what to do. The command prints these without a stack. */

/** The run failed (exit code 1): a device, a disk, a loss that is not finite. */
export class RunError extends Error {
  override name = 'RunError';
}

/** Wrong use or refused input (exit code 2): an unknown key, a malformed file, a missing folder. */
export class InputError extends Error {
  override name = 'InputError';
}
