/** Writes a study's table as HTML, Markdown and CSV into its folder. */
import { join } from 'node:path';
import { writeAtomically } from '../formats/atomic.ts';
import { csvTable, markdownTable } from './plainTables.ts';
import { studyPage } from './page.ts';
import type { CellReading } from './state.ts';
import type { Study } from './studyFile.ts';
import { summarize } from './summary.ts';

export const tableFiles = { html: 'table.html', markdown: 'table.md', csv: 'table.csv' } as const;

export async function writeTables(study: Study, cells: readonly CellReading[], folder: string): Promise<void> {
  const summary = summarize(study, cells);
  await writeAtomically(join(folder, tableFiles.html), studyPage(study, summary, new Date()));
  await writeAtomically(join(folder, tableFiles.markdown), markdownTable(study, summary));
  await writeAtomically(join(folder, tableFiles.csv), csvTable(summary));
}
