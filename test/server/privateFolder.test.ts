/** The private folder and the sockets in it: refused wherever somebody else could have a hand in them. */
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { privateFolder, socketPath, tokenPath, trustedToken } from '../../backend/link/privateFolder.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const skipped = process.platform === 'win32';
if (skipped) console.warn('SKIPPED: owners and modes of the private folder: Windows has none');
const name = `siamscope-${process.getuid?.()}`;
const parent = (label: string): string => {
  const path = join(folder, label);
  mkdirSync(path);
  return path;
};

describe.skipIf(skipped)('the folder', () => {
  test('is made for its user alone, and found again', async () => {
    const place = parent('made');
    expect(await privateFolder({ SIAMSCOPE_RUNTIME_DIR: place })).toBe(join(place, name));
    expect(await privateFolder({ SIAMSCOPE_RUNTIME_DIR: place })).toBe(join(place, name));
  });

  test('is passed over where others may enter it, where it is a link, a file, or too long a path', async () => {
    const open = parent('open'), linked = parent('linked'), file = parent('file');
    mkdirSync(join(open, name), { mode: 0o755 });
    chmodSync(join(open, name), 0o755);
    symlinkSync(parent('elsewhere'), join(linked, name));
    writeFileSync(join(file, name), '');
    const long = parent('x'.repeat(200));
    for (const place of [open, linked, file, long]) {
      const found = await privateFolder({ SIAMSCOPE_RUNTIME_DIR: place });
      expect(found.startsWith(place)).toBe(false);
      expect(Buffer.byteLength(socketPath(found, '0'.repeat(16)))).toBeLessThanOrEqual(103);
    }
  });

  test('is passed over where it belongs to somebody else', async () => {
    if (process.getuid!() !== 0) return void console.warn('SKIPPED: a folder of another user: only root can give one away');
    const place = parent('foreign');
    mkdirSync(join(place, name), { mode: 0o700 });
    chownSync(join(place, name), 65534, 65534);
    expect((await privateFolder({ SIAMSCOPE_RUNTIME_DIR: place })).startsWith(place)).toBe(false);
  });
});

describe.skipIf(skipped)('a socket that a file names', () => {
  const server = createServer();
  afterAll(() => server.close());
  const id = '0123456789abcdef';

  test('is used only where socket and token lie in such a folder, under their names', async () => {
    const own = await privateFolder({ SIAMSCOPE_RUNTIME_DIR: parent('trusted') });
    const path = socketPath(own, id);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    chmodSync(path, 0o600);
    await expect(trustedToken(path)).rejects.toThrow('it is not there');
    writeFileSync(tokenPath(own, id), '{}', { mode: 0o600 });
    expect(await trustedToken(path)).toBe(tokenPath(own, id));
    for (const hostile of ['', '/', '/var/run/docker.sock', 'tmp/0123456789abcdef.sock', join(own, 'x.sock'), `${own}/../${name}/${id}.sock`, `${own}//${id}.sock`, `${path}\0`, '\\\\.\\pipe\\docker_engine'])
      await expect(trustedToken(hostile), hostile).rejects.toThrow('is not used');
    chmodSync(tokenPath(own, id), 0o644);
    await expect(trustedToken(path)).rejects.toThrow('others may enter it (mode 644)');
    chmodSync(tokenPath(own, id), 0o600);
    chmodSync(path, 0o666);
    await expect(trustedToken(path)).rejects.toThrow('mode 666');
    chmodSync(path, 0o600);
    chmodSync(own, 0o711);
    await expect(trustedToken(path)).rejects.toThrow('mode 711');
    chmodSync(own, 0o700);
    const beside = socketPath(own, 'f'.repeat(16));
    symlinkSync(path, beside);
    writeFileSync(tokenPath(own, 'f'.repeat(16)), '{}', { mode: 0o600 });
    await expect(trustedToken(beside)).rejects.toThrow('it is not a socket');
  });
});
