/** Archives that are cut, contradict themselves, or claim what is not there: samples in the tests, the full count in bench/reliability.mjs. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { scanTar, type TarMember } from '../../backend/data/tarIndex.ts';
import { InputError } from '../../backend/errors.ts';
import { Random } from '../../backend/random.ts';

export type Header = Parameters<ReturnType<typeof pack>['entry']>[0];
export type Entry = [Header, string | Buffer];

export async function packed(entries: readonly Entry[]): Promise<Buffer> {
  const stream = pack();
  for (const [header, content] of entries) stream.entry(header, content);
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

/** Rewrites a header's checksum after a change. */
export function seal(bytes: Buffer, header: number): Buffer {
  bytes.fill(0x20, header + 148, header + 156);
  const sum = bytes.subarray(header, header + 512).reduce((a, b) => a + b, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, header + 148, 'latin1');
  return bytes;
}

/** The end marker, which alone may be cut. */
const endBytes = 1024;
const blockBytes = 512;

/** Cuts an archive, written at `path`, at every `every` bytes; gives what was not refused with the archive's name and an offset within it. */
export async function cutEverywhere(path: string, bytes: Buffer, every: number): Promise<{ cuts: number; wrong: string[] }> {
  const wrong: string[] = [];
  let cuts = 0;
  for (let cut = 0; cut <= bytes.length - endBytes; cut += every, cuts++) {
    writeFileSync(path, bytes.subarray(0, cut));
    const error = await scanTar(path).then(() => null, (e: unknown) => e);
    const offset = error instanceof InputError ? Number(/offset (\d+)/.exec(error.message)?.[1] ?? NaN) : NaN;
    if (!(error instanceof InputError && error.message.includes(path) && offset <= cut)) wrong.push(`cut at ${cut} of ${bytes.length}: ${String(error)}`);
  }
  return { cuts, wrong };
}

/** Members of a random archive: samples of an image and its class, names of all lengths. */
function randomEntries(random: Random): [{ name: string }, Buffer][] {
  return Array.from({ length: random.integer(2, 6) }, (_, i) => {
    const name = `${i}${'x'.repeat(random.chance(0.3) ? random.integer(90, 300) : random.integer(0, 20))}`;
    return ['jpg', 'cls'].map((suffix) => [{ name: `${name}.${suffix}` }, Buffer.alloc(random.integer(0, suffix === 'jpg' ? 3000 : 3), random.integer(1, 255))] as [{ name: string }, Buffer]);
  }).flat();
}

/** What is wrong with an archive that must be refused so. */
async function notRefused(path: string, bytes: Buffer, reason: RegExp): Promise<string[]> {
  writeFileSync(path, bytes);
  const error = await scanTar(path).then(() => null, (e: unknown) => e);
  return error instanceof InputError && reason.test(error.message) ? [] : [`not refused as ${reason.source}: ${String(error)}`];
}

/** What is wrong with the members that are found, by what went in. */
async function notFound(path: string, bytes: Buffer, entries: readonly [{ name: string }, Buffer][]): Promise<string[]> {
  writeFileSync(path, bytes);
  const members = await scanTar(path).catch((error: unknown) => String(error));
  const isSame = (member: TarMember | undefined, [{ name }, content]: [{ name: string }, Buffer]): boolean => member?.name === name && member.size === content.length && bytes.subarray(member.offset, member.offset + member.size).equals(content);
  return typeof members !== 'string' && members.length === entries.length && entries.every((entry, i) => isSame(members[i], entry)) ? [] : [`members are not those that went in: ${JSON.stringify(members).slice(0, 200)}`];
}

export interface ArchiveResult {
  archives: number;
  cuts: number;
  hostile: number;
  wrong: string[];
}

/** `count` random archives: found whole, refused where they are cut at any block or half of one, flipped, doubled, contradictory, or a terabyte; links are passed over. */
export async function hostileArchives(folder: string, count: number, seed: number): Promise<ArchiveResult> {
  const result: ArchiveResult = { archives: count, cuts: 0, hostile: 0, wrong: [] };
  for (let i = 0; i < count; i++) {
    const random = new Random(seed, i), path = join(folder, 'shard.tar');
    const entries = randomEntries(random), bytes = await packed(entries), chosen = random.integer(0, entries.length - 1);
    const wrong = await notFound(path, bytes, entries);
    const members = await scanTar(path), header = members[chosen]!.offset - blockBytes;
    const { cuts, wrong: uncut } = await cutEverywhere(path, bytes, blockBytes / 2);
    const terabyte = Buffer.from(bytes), flipped = Buffer.from(bytes);
    terabyte.set([0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], header + 124);
    flipped[header + random.integer(0, blockBytes - 1)]! ^= 1 << random.integer(0, 7);
    // A long name's header says its size once more, and must not be believed either.
    const isLong = entries[chosen]![0].name.length > 100;
    const size = String(entries[chosen]![1].length + random.integer(1, 2 ** 40));
    const contradicted = entries.map(([given, content], at): Entry => [at === chosen ? { ...given, pax: { size } } : given, content]);
    const linked: Entry[] = entries.flatMap((entry, at): Entry[] => (at === chosen ? [[{ name: 'link.jpg', type: 'symlink', linkname: '/etc/passwd' }, ''], [{ name: 'hard.jpg', type: 'link', linkname: '../x' }, ''], entry] : [entry]));
    wrong.push(
      ...uncut,
      ...(await notRefused(path, seal(terabyte, header), isLong ? /two sizes|claims 1099511627776 bytes/ : /claims 1099511627776 bytes/)),
      ...(await notRefused(path, flipped, /./)),
      ...(await notRefused(path, await packed([...entries, entries[chosen]!]), /occurs twice/)),
      ...(await notRefused(path, await packed(contradicted), /two sizes|claims \d+ bytes/)),
      ...(await notFound(path, await packed(linked), entries)),
    );
    const written = readdirSync(folder).filter((name) => name !== 'shard.tar');
    if (written.length > 0) wrong.push(`wrote ${written.join(', ')}`);
    result.cuts += cuts;
    result.hostile += 5;
    result.wrong.push(...wrong.map((text) => `archive ${i}: ${text}`));
  }
  return result;
}
