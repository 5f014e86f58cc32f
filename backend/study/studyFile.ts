/** The study file (`*.study.json`): which runs are compared, over which seeds, by which measures. Knows nothing of engines or recipes, so that the editor reads it as well. */
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.ts';
import { measureNames } from '../evaluate/measureNames.ts';
import type { RunFileProblem } from '../protocol/machine.ts';
import { describeIssue, problemLines, problemsOf } from '../train/configErrors.ts';
import { readRunFile } from '../train/readRunFile.ts';

const part = z.record(z.string(), z.unknown());
const id = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/i, { error: 'letters, digits, "_" and "-", at most 64' });

const rowSchema = z.strictObject({
  id: id.describe('Names the row\'s runs and their folders; must not change once they are trained.'),
  name: z.string().max(200).describe('What the table calls it.'),
  group: z.string().max(200).default('').describe('The part of the table it is in.'),
  preset: z.string().optional().describe('The recipe it begins with.'),
  file: z.string().min(1).optional().describe('Or the run file it begins with, relative to this file.'),
  run: part.default({}).describe('What is laid over both, and over the study\'s own `run`.'),
  trained: z.boolean().default(true).describe('false: the model is measured as its seed begins it.'),
  sameAs: id.optional().describe('Another row whose runs are this one\'s as well: nothing is trained twice.'),
  paper: z.record(z.string().max(40), z.number().nullable()).default({}).describe('The paper\'s own numbers of this row, by column.'),
  note: z.string().max(1000).default('').describe('What a reader of the table must know of the row.'),
});

export const studySchema = z.strictObject({
  $schema: z.string().optional(),
  name: id.describe('Name of the study, and of its folder beside this file.'),
  title: z.string().max(200).default('').describe('Heads the report.'),
  notes: z.array(z.string().max(2000)).max(50).default([]).describe('Paragraphs that stand in the report.'),
  seeds: z.array(z.int().min(0).max(2 ** 32 - 1)).min(1).max(100).default([0, 1, 2]).describe('Each row is run once with each.'),
  run: part.default({}).describe('A part of a run file that is laid over every row\'s recipe: the images, the size, the length.'),
  measure: z.array(z.enum(measureNames)).min(1).default(['neighbours', 'correspondence', 'prediction']).describe('How each run is measured.'),
  pairs: z.int().min(8).max(100_000).default(256).describe('Pairs of views that correspondence is measured on.'),
  neighbours: z.int().min(1).max(10_000).default(20).describe('Neighbours that vote.'),
  devices: z.array(z.string()).min(1).max(64).default(['auto']).describe('Devices that cells are given to, one each at a time.'),
  rows: z.array(rowSchema).min(1).max(1000).describe('The table\'s rows.'),
});

export type StudyFile = z.input<typeof studySchema>;
export type StudyRow = z.infer<typeof rowSchema>;
export type Study = Omit<z.infer<typeof studySchema>, '$schema'>;

/** A study's values with everything that is wrong with them, key by key; what its rows train is not looked at. */
export function examineStudy(value: unknown): { study: Study | null; problems: RunFileProblem[] } {
  const parsed = studySchema.safeParse(value, { error: describeIssue });
  if (!parsed.success) return { study: null, problems: problemsOf(parsed.error.issues) };
  const { $schema: _schema, ...study } = parsed.data;
  const problems: RunFileProblem[] = [];
  const refuse = (path: (string | number)[], message: string): unknown => problems.push({ path, message, inSchema: false });
  study.rows.forEach((row, i) => {
    const at = ['rows', i];
    // Folders are named by it, also on systems that tell no case.
    if (study.rows.findIndex((other) => other.id.toLowerCase() === row.id.toLowerCase()) !== i) refuse([...at, 'id'], `two rows are called "${row.id}": give each its own`);
    if (row.sameAs !== undefined) {
      const other = study.rows.find((candidate) => candidate.id === row.sameAs);
      if (!other || other.sameAs !== undefined || other === row) refuse([...at, 'sameAs'], `"${row.sameAs}" is no row with runs of its own`);
    } else if ((row.preset === undefined) === (row.file === undefined)) refuse(at, 'give "preset" or "file", one of them');
  });
  if (new Set(study.seeds).size !== study.seeds.length) refuse(['seeds'], 'a seed is there twice');
  return { study, problems };
}

/** Checks a study's values. Throws InputError that names every wrong key. */
export function parseStudy(value: unknown, place: (path: readonly PropertyKey[]) => string): Study {
  const { study, problems } = examineStudy(value);
  if (!study || problems.length > 0) throw new InputError(problemLines(problems, place));
  return study;
}

export async function readStudy(path: string): Promise<Study> {
  const { value, place } = await readRunFile(path, 'study file');
  return parseStudy(value, place);
}

/** The study's folder beside its file. */
export const studyFolder = (path: string, study: Pick<Study, 'name'>): string => join(dirname(resolve(path)), study.name);

export const cellFolder = (folder: string, row: StudyRow, seed: number): string => join(folder, 'runs', `${row.id}-${seed}`);
