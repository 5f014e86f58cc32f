/** Two checkpoints side by side: which tensors only one has, which differ in shape, and by how much the others have changed. */
import { dtypeBits } from '../../backend/formats/dtypes.ts';
import { hasNumbers, toNumbers } from '../../backend/formats/numbers.ts';
import type { TensorFile, TensorInfo } from '../../backend/formats/tensorFile.ts';
import type { CheckpointDifference, CheckpointGroup, TensorChange } from '../../backend/protocol.ts';
import type { Roles } from './roles.ts';
import { rolesOf } from './roles.ts';
import type { Work } from './statistics.ts';
import { shapeText, shownText } from './text.ts';

const mostChanges = 500, mostNames = 200;
const pieceValues = 2 ** 17;
/** What is counted and averaged while training, and is no parameter. */
const isBuffer = /(^|\.)(running_mean|running_var|num_batches_tracked|step|target_updates|queue_ptr)$/;

/** The place in the second file of each of the first one's tensors. */
function pairs(here: readonly TensorInfo[], hereRoles: Roles, there: readonly TensorInfo[], thereRoles: Roles): { places: (number | undefined)[]; matched: string | null } {
  const byName = new Map(there.map(({ name }, place) => [name, place]));
  const places = here.map(({ name }) => byName.get(name));
  const found = places.filter((place) => place !== undefined).length;
  if (found * 2 >= Math.min(here.length, there.length)) return { places, matched: null };
  // Nested or prefixed otherwise: the model's own names, branch by branch, where that finds more.
  const own = (roles: Roles, place: number): string => {
    const { own: name, target, part } = roles.roles[place]!;
    return `${target ? 'target' : 'online'} ${part === 'optimizer' ? 'optimizer ' : ''}${name}`;
  };
  const byOwn = new Map(there.map((_, place) => [own(thereRoles, place), place]));
  const others = here.map((_, place) => byOwn.get(own(hereRoles, place)));
  const more = others.filter((place) => place !== undefined).length;
  return more > found ? { places: others, matched: 'Names are compared without what training code put before them (model., module., backbone., ...).' } : { places, matched: null };
}

interface Sums {
  squares: number;
  changes: number;
  differ: number;
  count: number;
}

/** Reads both at the same pace. A value that is NaN in both has not changed. */
async function changeOf(a: TensorFile, here: TensorInfo, b: TensorFile, there: TensorInfo, { signal, onBytes }: Work): Promise<Sums> {
  const sums: Sums = { squares: 0, changes: 0, differ: 0, count: 0 };
  const others = b.pieces(there.name, (pieceValues * dtypeBits(there.dtype)) / 8)[Symbol.asyncIterator]();
  for await (const bytes of a.pieces(here.name, (pieceValues * dtypeBits(here.dtype)) / 8)) {
    const next = await others.next();
    signal.throwIfAborted();
    const left = toNumbers(bytes, here.dtype), right = toNumbers(next.value as Uint8Array, there.dtype);
    for (let i = 0; i < left.length; i++) {
      const from = left[i]!, to = right[i]!;
      sums.squares += from * from;
      if (from === to || (from !== from && to !== to)) continue;
      sums.changes += (to - from) * (to - from);
      sums.differ++;
    }
    sums.count += left.length;
    onBytes?.(bytes.byteLength);
  }
  return sums;
}

const relative = ({ squares, changes, differ }: Sums): number => (differ === 0 ? 0 : Math.sqrt(changes) / Math.sqrt(squares));

export interface CompareWork extends Work {
  onTotal(bytes: number): void;
}

/** What changed from `here` to `there`. `groupOf` gives the group of a tensor of `here`. */
export async function differenceOf(here: TensorFile, roles: Roles, there: TensorFile, other: string, groupOf: (tensor: number) => CheckpointGroup, work: CompareWork): Promise<CheckpointDifference> {
  const began = performance.now();
  const { places, matched } = pairs(here.tensors, roles, there.tensors, rolesOf(there.tensors.map(({ name }) => name)));
  const taken = new Set(places);
  const shapes: CheckpointDifference['shapes'] = [], onlyHere: string[] = [], comparable: [number, number][] = [];
  here.tensors.forEach(({ name, shape, dtype }, place) => {
    const match = places[place];
    if (match === undefined) return void onlyHere.push(name);
    const second = there.tensors[match]!;
    if (shape.length !== second.shape.length || shape.some((size, d) => size !== second.shape[d])) shapes.push({ name: shownText(name), here: shapeText(shape), there: shapeText(second.shape) });
    else if (hasNumbers(dtype) && hasNumbers(second.dtype)) comparable.push([place, match]);
  });
  const onlyThere = there.tensors.filter((_, place) => !taken.has(place)).map(({ name }) => name);
  work.onTotal(comparable.reduce((sum, [place]) => sum + here.tensors[place]!.bytes, 0));
  const changes: TensorChange[] = [];
  const byGroup = new Map<CheckpointGroup, Sums & { tensors: number }>();
  for (const [place, match] of comparable) {
    const sums = await changeOf(here, here.tensors[place]!, there, there.tensors[match]!, work);
    changes.push({ name: shownText(here.tensors[place]!.name), tensor: place, change: relative(sums), share: sums.count === 0 ? 0 : sums.differ / sums.count });
    // A running variance or a counter would outweigh every weight.
    if (isBuffer.test(here.tensors[place]!.name)) continue;
    const group = byGroup.get(groupOf(place)) ?? { squares: 0, changes: 0, differ: 0, count: 0, tensors: 0 };
    byGroup.set(groupOf(place), { squares: group.squares + sums.squares, changes: group.changes + sums.changes, differ: group.differ + sums.differ, count: group.count + sums.count, tensors: group.tensors + 1 });
  }
  const rank = (change: number): number => (Number.isNaN(change) ? Infinity : change);
  const changed = changes.filter(({ share }) => share > 0).sort((a, b) => (rank(a.change) === rank(b.change) ? 0 : rank(b.change) > rank(a.change) ? 1 : -1));
  const cut = (names: readonly string[]): string[] => names.slice(0, mostNames).map((name) => shownText(name));
  return {
    other, matched, compared: comparable.length, identical: comparable.length - changed.length,
    groups: [...byGroup].map(([{ title, part, target }, sums]) => ({ title, part, target, tensors: sums.tensors, change: relative(sums) })),
    changes: changed.slice(0, mostChanges), shapes: shapes.slice(0, mostNames), onlyHere: cut(onlyHere), onlyThere: cut(onlyThere),
    counts: { shapes: shapes.length, onlyHere: onlyHere.length, onlyThere: onlyThere.length }, seconds: (performance.now() - began) / 1000,
  };
}
