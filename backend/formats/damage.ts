/** A file that is not what its format says, and where that shows. */
import { InputError } from '../errors.ts';

export class DamagedFileError extends InputError {
  /** Counted from the beginning of what was parsed; of the file, where the error reaches its opener. */
  readonly byte: number;

  constructor(message: string, byte: number) {
    super(message);
    this.byte = byte;
  }
}

/** The error with another message; its byte, where it has one, is `before` bytes further on in the whole. */
export function retold(error: InputError, message: string, before = 0): InputError {
  return error instanceof DamagedFileError ? new DamagedFileError(message, error.byte + before) : new InputError(message);
}
