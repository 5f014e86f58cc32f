/** A folder of its own for a test file, removed when the file is done. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Makes the folder; to be called at the top level of a test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'siamscope-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
