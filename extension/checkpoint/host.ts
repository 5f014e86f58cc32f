/** The checkpoint inspector's host without the editor: reads a file's header, and its values when they are asked for. Plain Node, so that tests run it as it is. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { InputError } from '../../backend/errors.ts';
import { DamagedFileError } from '../../backend/formats/damage.ts';
import { elementCount } from '../../backend/formats/dtypes.ts';
import { hasNumbers, toNumbers } from '../../backend/formats/numbers.ts';
import { openSource, readAt } from '../../backend/formats/positioned.ts';
import type { TensorFile, TensorInfo } from '../../backend/formats/tensorFile.ts';
import type { CheckpointAction, CheckpointCalls, CheckpointDifference, CheckpointFinding, CheckpointLane, CheckpointNotice, CheckpointOpen, CheckpointProblem, CheckpointSummary, TensorDetail, ValueCheck, ValueStatistics } from '../../backend/protocol.ts';
import { findEncoder } from './architecture.ts';
import { differenceOf } from './difference.ts';
import { KeptFile } from './keptFile.ts';
import { filterPictures, positionSimilarity, readValues, relativeBias } from './pictures.ts';
import { parseCheckpointRequest } from './requests.ts';
import { partText, rolesOf, type Roles } from './roles.ts';
import { runAround, type RunAround } from './run.ts';
import { histogramOf, statisticsOf } from './statistics.ts';
import { countOf, entriesOf, numberText, shapeText, shownText } from './text.ts';
import { TensorTree } from './tree.ts';
import { headerFindings, picturesOf, usesOf, valueFinding } from './uses.ts';

export interface CheckpointHostOptions {
  path: string;
  /** False: in a place that only the editor can read, such as a commit. */
  onDisk: boolean;
  /** Where it lies, for people. */
  place: string;
  trusted(): boolean;
  /** Actions whose command is there. */
  actions(): CheckpointAction[];
  /** Does it with the file, or with the checkpoint of the run that it lies in. */
  act(action: CheckpointAction, run: RunAround | null): Promise<void>;
  /** A checkpoint that the user points at; null: none. */
  choose(): Promise<string | null>;
  save(name: string, text: string): Promise<string | null>;
  asText(): Promise<void>;
  trust(): Promise<void>;
  onNotice(notice: CheckpointNotice): void;
}

interface Opened {
  tensors: readonly TensorInfo[];
  roles: Roles;
  tree: TensorTree;
  run: RunAround | null;
  bytes: number;
  summary: CheckpointSummary;
}

const progressMilliseconds = 100;
const histogramBins = 61;
const mostFindings = 12;

export class CheckpointHost {
  private readonly options: CheckpointHostOptions;
  private readonly file: KeptFile;
  private bytes: number | null = null;
  private opened: Opened | null = null;
  private problem: CheckpointProblem | null = null;
  private checked: ValueCheck | null = null;
  private changed = false;
  private readonly statistics = new Map<number, ValueStatistics>();
  /** What takes long: one at a time of the whole file, and one of a tensor. */
  private readonly working: Record<CheckpointLane, AbortController | null> = { whole: null, tensor: null };
  private loading: Promise<void> = Promise.resolve();

  constructor(options: CheckpointHostOptions) {
    this.options = options;
    this.file = new KeptFile(options.path);
  }

  /** Reads the header. Never throws: what is wrong becomes the problem that is shown. */
  load(): Promise<void> {
    return (this.loading = this.read());
  }

  open(): CheckpointOpen {
    const { path, place } = this.options;
    return {
      file: { name: shownText(basename(path), 120), place: shownText(place), bytes: this.bytes },
      state: this.problem ? 'broken' : this.opened ? 'ready' : 'reading',
      problem: this.problem, summary: this.opened?.summary ?? null, checked: this.checked, trusted: this.options.trusted(), changed: this.changed, actions: this.options.actions(),
    };
  }

  notify(): void {
    this.options.onNotice({ kind: 'state', state: this.open() });
  }

  /** To be called when the file may have changed, and when the panel is looked at again. */
  async lookAgain(): Promise<void> {
    await this.loading;
    const changed = this.problem ? false : await this.file.isChanged();
    if (changed === this.changed) return;
    this.changed = changed;
    this.notify();
  }

  dispose(): void {
    this.stop();
    this.file.dispose();
  }

  async answer(call: string, request: unknown): Promise<CheckpointCalls[keyof CheckpointCalls]['reply']> {
    const asked = parseCheckpointRequest(call, request);
    await this.loading;
    switch (asked.call) {
      case 'again':
        await this.again();
        return null;
      case 'asText':
        await this.options.asText();
        return null;
      case 'trust':
        await this.options.trust();
        return null;
      case 'stop':
        this.working[asked.request.lane]?.abort();
        return null;
      case 'rows': {
        const { query, open, from, count } = asked.request;
        return this.known().tree.rows(query, new Set(open), from, count, this.statistics);
      }
      case 'detail': return this.detail(asked.request.tensor);
      case 'check': return this.check();
      case 'filters': return this.file.use(async (file) => filterPictures(await readValues(file, this.tensor(asked.request.tensor)), this.tensor(asked.request.tensor).shape));
      case 'positions': return this.file.use(async (file) => positionSimilarity(await readValues(file, this.tensor(asked.request.tensor)), this.tensor(asked.request.tensor).shape, asked.request.chosen, asked.request.overview));
      case 'relative': return this.file.use(async (file) => relativeBias(await readValues(file, this.tensor(asked.request.tensor)), this.tensor(asked.request.tensor).shape));
      case 'compare': return this.compare(asked.request.sibling);
      case 'act':
        await this.options.act(asked.request.action, this.known().run);
        return null;
      case 'saveTable': return { saved: await this.options.save(`${basename(this.options.path)}.tensors.csv`, this.table()) };
    }
  }

  private stop(): void {
    this.working.whole?.abort();
    this.working.tensor?.abort();
  }

  private async read(): Promise<void> {
    const began = performance.now();
    const { path } = this.options;
    try {
      if (!this.options.onDisk) throw new InputError(`${this.options.place} lies on no disk of this machine: copy it to a folder, and open it there`);
      this.bytes = await stat(path).then(({ size }) => size, () => null);
      const run = await runAround(path);
      this.opened = await this.file.use((file) => Promise.resolve(this.describe(file, run, began)));
      this.problem = null;
    } catch (error) {
      this.opened = null;
      this.problem = await problemOf(path, error as Error, this.options.onDisk);
    }
    this.notify();
  }

  private async again(): Promise<void> {
    this.stop();
    this.file.forget();
    this.statistics.clear();
    this.checked = null;
    this.changed = false;
    this.opened = null;
    this.problem = null;
    this.notify();
    await this.load();
  }

  private describe(file: TensorFile, run: RunAround | null, began: number): Opened {
    const { tensors } = file;
    const bytes = this.bytes ?? 0;
    const roles = rolesOf(tensors.map(({ name }) => name));
    const tree = new TensorTree(tensors, roles);
    const found = { file, bytes, roles, run, online: findEncoder(tensors, roles, false), target: findEncoder(tensors, roles, true) };
    const dtypes = new Map<string, number>();
    for (const { dtype } of tensors) dtypes.set(dtype, (dtypes.get(dtype) ?? 0) + 1);
    const byCount = [...dtypes].sort((a, b) => b[1] - a[1]);
    const summary: CheckpointSummary = {
      method: roles.method, architecture: (found.online ?? found.target)?.text ?? null, format: file.format === 'pth' ? 'PyTorch checkpoint' : 'safetensors',
      tensors: tensors.length, values: tensors.reduce((sum, { shape }) => sum + (elementCount(shape) ?? 0), 0),
      dtypes: byCount.length === 1 ? `all ${byCount[0]![0]}` : byCount.map(([dtype, count]) => `${count} ${dtype}`).join(', '),
      groups: tree.groups, uses: usesOf(found), findings: headerFindings(found), pictures: picturesOf(found), metadata: entriesOf(file.metadata),
      run: run && { name: shownText(run.name, 100), step: run.step, state: run.state, config: entriesOf(run.config) },
      siblings: (run?.siblings ?? []).map(({ step }, id) => ({ id, title: `step ${step}` })),
      opened: performance.now() - began,
    };
    return { tensors, roles, tree, run, bytes, summary };
  }

  private known(): Opened {
    if (!this.opened) throw new InputError(this.problem?.message ?? 'the file is still being read');
    return this.opened;
  }

  private tensor(place: number): TensorInfo {
    const tensor = this.known().tensors[place];
    if (!tensor) throw new InputError('there is no such tensor');
    return tensor;
  }

  /** Does what takes long; null where it was stopped. What was going on before is stopped. */
  private async longly<T>(lane: CheckpointLane, work: (signal: AbortSignal, progress: { total: (bytes: number) => void; bytes: (bytes: number) => void }) => Promise<T>): Promise<T | null> {
    this.working[lane]?.abort();
    const controller = (this.working[lane] = new AbortController());
    let total = 0, done = 0, told = performance.now();
    try {
      return await work(controller.signal, {
        total: (bytes) => (total = bytes),
        bytes: (bytes) => {
          done += bytes;
          if (performance.now() - told < progressMilliseconds || this.working[lane] !== controller) return;
          told = performance.now();
          this.options.onNotice({ kind: 'progress', lane, done, total });
        },
      });
    } catch (error) {
      if (controller.signal.aborted) return null;
      throw error;
    } finally {
      if (this.working[lane] === controller) this.working[lane] = null;
    }
  }

  private async detail(place: number): Promise<TensorDetail | null> {
    const tensor = this.tensor(place);
    const { roles } = this.known();
    const { part, target } = roles.roles[place]!;
    const text = { name: shownText(tensor.name, 1000), part: partText(part, target, roles.hasTarget).title, dtype: tensor.dtype, shape: shapeText(tensor.shape), values: elementCount(tensor.shape) ?? 0, bytes: tensor.bytes };
    return this.longly('tensor', (signal, progress) => this.file.use(async (file) => {
      progress.total(2 * tensor.bytes);
      const work = { signal, onBytes: progress.bytes };
      const statistics = this.statistics.get(place) ?? (await statisticsOf(file, tensor, work));
      this.statistics.set(place, statistics);
      const first: string[] = [];
      for await (const bytes of file.pieces(tensor.name, 64)) {
        first.push(...firstValues(bytes, tensor));
        break;
      }
      return { ...text, statistics, histogram: await histogramOf(file, tensor, statistics, histogramBins, work), first };
    }));
  }

  private check(): Promise<ValueCheck | null> {
    const { tensors, roles, run, bytes: fileBytes } = this.known();
    return this.longly('whole', (signal, progress) => this.file.use(async (file) => {
      const began = performance.now();
      const readable = tensors.map((tensor, place) => ({ tensor, place })).filter(({ tensor }) => hasNumbers(tensor.dtype));
      const hashed = run?.expected && run.expected.bytes === fileBytes ? run.expected.sha256 : null;
      progress.total(readable.reduce((sum, { tensor }) => sum + tensor.bytes, 0) + (hashed === null ? 0 : fileBytes));
      const result: ValueCheck = { tensors: readable.length, values: 0, seconds: 0, nan: 0, infinite: 0, findings: [] };
      const found: CheckpointFinding[] = [];
      for (const { tensor, place } of readable) {
        const statistics = await statisticsOf(file, tensor, { signal, onBytes: progress.bytes }).catch((error: unknown) => {
          // A damaged record costs its tensor, and is said.
          if (!(error instanceof InputError)) throw error;
          found.push({ tone: 'bad', text: `${shownText(error.message, 600)}.`, tensor: place });
          return null;
        });
        if (!statistics) continue;
        this.statistics.set(place, statistics);
        result.values += statistics.count;
        result.nan += statistics.nan;
        result.infinite += statistics.positiveInfinite + statistics.negativeInfinite;
        const finding = valueFinding(tensor.name, roles.roles[place]!.own, tensor.shape, statistics);
        if (finding) found.push({ ...finding, tensor: place });
      }
      if (hashed !== null) {
        const same = (await sha256Of(file.path, signal, progress.bytes)) === hashed;
        found.push(same ? { tone: 'good', text: 'Every byte is what the run wrote: its sha256 is that of the manifest.', tensor: null } : { tone: 'bad', text: 'It is not what the run wrote: its sha256 differs from that of the manifest.', tensor: null });
      }
      const order = { bad: 0, warning: 1, plain: 2, good: 3 } as const;
      found.sort((a, b) => order[a.tone] - order[b.tone]);
      if (found.length > mostFindings) found.splice(mostFindings, found.length, { tone: 'plain', text: `And ${countOf(found.length - mostFindings, 'more finding')}.`, tensor: null });
      this.checked = { ...result, seconds: (performance.now() - began) / 1000, findings: found };
      this.notify();
      return this.checked;
    }));
  }

  private async compare(sibling: number | null): Promise<CheckpointDifference | null> {
    const { run, roles, tree } = this.known();
    const chosen = sibling === null ? await this.options.choose() : run?.siblings[sibling]?.path;
    if (chosen === undefined) throw new InputError('that checkpoint is no longer there');
    if (chosen === null) return null;
    const other = new KeptFile(chosen);
    const title = sibling === null ? basename(chosen) : `step ${run!.siblings[sibling]!.step}`;
    try {
      return await this.longly('whole', (signal, progress) => this.file.use((here) => other.use((there) => differenceOf(here, roles, there, shownText(title, 120), (tensor) => tree.groupOf(tensor), { signal, onBytes: progress.bytes, onTotal: progress.total }))));
    } finally {
      other.dispose();
    }
  }

  /** All tensors with what is known of their values, as comma-separated values. */
  private table(): string {
    const { tensors, roles } = this.known();
    const quoted = (text: string): string => (/^[=+\-@\t]|[",\n]/.test(text) ? `"${/^[=+\-@\t]/.test(text) ? '\'' : ''}${text.replaceAll('"', '""')}"` : text);
    const lines = tensors.map(({ name, dtype, shape, bytes }, place) => {
      const s = this.statistics.get(place);
      const { part, target } = roles.roles[place]!;
      return [quoted(shownText(name, 2000)), partText(part, target, roles.hasTarget).title, dtype, shape.join('x'), bytes, ...(s ? [s.count, s.nan, s.positiveInfinite + s.negativeInfinite, s.zeros, s.min, s.max, s.mean, s.deviation, s.norm] : [])].join(',');
    });
    return `name,part,dtype,shape,bytes,values,nan,infinite,zeros,min,max,mean,deviation,norm\n${lines.join('\n')}\n`;
  }
}

function firstValues(bytes: Uint8Array, { dtype }: TensorInfo): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Integers to the last digit.
  if (dtype === 'I64') return Array.from({ length: bytes.length / 8 }, (_, i) => view.getBigInt64(8 * i, true).toString());
  if (dtype === 'U64') return Array.from({ length: bytes.length / 8 }, (_, i) => view.getBigUint64(8 * i, true).toString());
  return Array.from(toNumbers(bytes, dtype)).slice(0, 16).map(numberText);
}

async function sha256Of(path: string, signal: AbortSignal, onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20, signal }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    onBytes(chunk.length);
  }
  return hash.digest('hex');
}

const excerptBytes = 128;

/** What is wrong with a file that cannot be opened, where that shows, and the bytes that lie there. */
async function problemOf(path: string, error: Error, onDisk: boolean): Promise<CheckpointProblem> {
  const byte = error instanceof DamagedFileError ? error.byte : null;
  const own = error instanceof InputError;
  const title = !own ? 'This file could not be read' : /does not exist/.test(error.message) ? 'This file is not there any more' : /cut short|ends inside|is empty|fewer than the/.test(error.message) ? 'This file is not whole' : /is neither|web page|Git LFS|old format/.test(error.message) ? 'This is not a checkpoint that can be shown' : 'This checkpoint is damaged';
  return { title, message: shownText(error.message.replaceAll(path, basename(path)), 2000), byte, excerpt: onDisk ? await excerptOf(path, byte ?? 0) : null };
}

async function excerptOf(path: string, byte: number): Promise<CheckpointProblem['excerpt']> {
  try {
    const source = await openSource(path);
    try {
      const start = Math.max(0, Math.min(Math.floor(byte / 16) * 16 - excerptBytes / 2, Math.floor((source.size - 1) / 16) * 16 - excerptBytes + 16));
      const bytes = await readAt(source, start, Math.min(excerptBytes, source.size - start));
      return bytes.length === 0 ? null : { start, bytes: [...bytes] };
    } finally {
      await source.handle.close();
    }
  } catch {
    return null;
  }
}

