/** Damaged and hostile archives: every cut is an error that names archive and offset, and no claim is believed unchecked. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scanTar } from '../../backend/data/tarIndex.ts';
import { cutEverywhere, hostileArchives, packed, seal } from './archives.ts';
import { tar, temporaryFolder } from './images.ts';

async function archive(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'shard.tar');
  await writeFile(path, bytes);
  return path;
}

const whole = () => tar({ 'a.jpg': Buffer.alloc(700, 1), [`${'x'.repeat(150)}.jpg`]: Buffer.alloc(10, 2), 'c.cls': '1' });

test('members are where their contents are', async () => {
  const bytes = await whole();
  const members = await scanTar(await archive(bytes));
  expect(members.map((m) => [m.name.length, m.size])).toEqual([[5, 700], [154, 10], [5, 1]]);
  expect([...bytes.subarray(members[1]!.offset, members[1]!.offset + 10)]).toEqual(Array(10).fill(2));
});

test('a cut at any block, or inside one, is an error with archive and offset', async () => {
  const { cuts, wrong } = await cutEverywhere(join(await temporaryFolder(), 'shard.tar'), await whole(), 256);
  expect(wrong).toEqual([]);
  expect(cuts).toBeGreaterThan(12);
});

test('random archives, cut everywhere and made hostile', async () => {
  const { cuts, wrong } = await hostileArchives(await temporaryFolder(), 4, 1);
  expect(wrong).toEqual([]);
  expect(cuts).toBeGreaterThan(100);
});

describe('refused', () => {
  test('a size beyond the archive, up to the terabyte', async () => {
    const claim = await tar({ 'a.jpg': Buffer.alloc(700, 1) });
    claim.write('00000002000\0', 124, 'latin1');
    await expect(scanTar(await archive(seal(claim, 0)))).resolves.toHaveLength(1);
    const huge = await tar({ 'a.jpg': Buffer.alloc(700, 1) });
    huge.set([0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], 124);
    await expect(scanTar(await archive(seal(huge, 0)))).rejects.toThrow(/claims 1099511627776 bytes/);
    huge.fill(0xff, 124, 136);
    await expect(scanTar(await archive(seal(huge, 0)))).rejects.toThrow(/size of a member is no number/);
  });

  test('one name twice', async () => {
    await expect(scanTar(await archive(await packed([[{ name: 'a.jpg' }, 'x'], [{ name: 'a.jpg' }, 'y']])))).rejects.toThrow(/"a.jpg" occurs twice/);
  });

  test('PAX sizes that contradict the header', async () => {
    await expect(scanTar(await archive(await packed([[{ name: 'a.jpg', pax: { size: '2' } }, 'xyz']])))).rejects.toThrow(/two sizes/);
  });

  test('a header that was tampered with, and data behind the end', async () => {
    const bytes = await whole();
    const changed = Buffer.from(bytes);
    changed[0]! ^= 1;
    await expect(scanTar(await archive(changed))).rejects.toThrow(/offset 0: this is no tar header/);
    await expect(scanTar(await archive(Buffer.concat([bytes, bytes])))).rejects.toThrow(/data behind the end marker/);
  });
});

test('links and folders are passed over, whatever they point to', async () => {
  const bytes = await packed([[{ name: 'd/', type: 'directory' }, ''], [{ name: 'e.jpg', type: 'symlink', linkname: '/etc/passwd' }, ''], [{ name: 'f.jpg', type: 'link', linkname: '../x' }, ''], [{ name: '../g.jpg' }, 'g']]);
  expect((await scanTar(await archive(bytes))).map((m) => m.name)).toEqual(['../g.jpg']);
});
