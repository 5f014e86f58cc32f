/** Evaluations as a run's folder keeps them, and the table of protocols that the editor asks from, held to the command that is run. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildProgram } from '../../backend/commands/program.ts';
import { evaluationProtocols, type EvaluationEntry } from '../../backend/protocol/evaluations.ts';
import { untranslated as t } from '../../extension/translate.ts';
import { evaluationPlace, evaluationText, keepEvaluation, listEvaluations, protocolTitle } from '../../extension/views/evaluations.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const root = temporaryFolder();

test('what the editor asks for is what the command takes', () => {
  const command = buildProgram().commands.find((one) => one.name() === 'evaluate')!;
  const optionOf = (long: string) => command.options.find((option) => option.long === long)!;
  expect(optionOf('--protocol').argChoices).toEqual(Object.keys(evaluationProtocols));
  expect(optionOf('--report')).toBeDefined();
  for (const { questions } of Object.values<EvaluationEntry>(evaluationProtocols))
    for (const { option, choices } of questions)
      for (const { value } of choices) if (value !== '') expect(() => optionOf(option).parseArg!(value, undefined), `${option} ${value}`).not.toThrow();
});

test('an evaluation is kept in the run\'s folder, and one of the same kind takes its place', async () => {
  const run = join(root, 'run');
  const rate = (value: number) => ({ count: 1, total: 2, value, low: value - 0.1, high: value + 0.1 });
  const keep = async (step: number, protocol: string, options: string[], value: number): Promise<string> => {
    const { record, report } = await evaluationPlace(run, step, protocol, options);
    await keepEvaluation(record, { step, protocol, options }, { top1: rate(value), top5: rate(0.8), counts: { test: 500 }, confusion: [[1]] });
    writeFileSync(report, '<!doctype html>');
    return record;
  };
  const first = await keep(500, 'knn', [], 0.3);
  await keep(500, 'few-shot', ['--shots', '1%'], 0.25);
  expect(await keep(500, 'knn', [], 0.376)).toBe(first);
  expect(readdirSync(join(run, 'evaluations')).sort()).toEqual(['500-few-shot-shots-1percent.html', '500-few-shot-shots-1percent.json', '500-knn.html', '500-knn.json']);
  const found = await listEvaluations(run);
  expect(found.map(({ step, protocol, report }) => [step, protocol, report])).toEqual([[500, 'knn', first.replace('.json', '.html')], [500, 'few-shot', join(run, 'evaluations', '500-few-shot-shots-1percent.html')]]);
  expect(found.map((evaluation) => `${protocolTitle(evaluation.protocol)}: ${evaluationText(evaluation, t)}`)).toEqual(['k-NN: 37.6 % (27.6 to 47.6) · 500 images', 'few-shot: 25.0 % (15.0 to 35.0) · 500 images · --shots 1%']);
});

test('what is no evaluation is left out, and a name of a protocol cannot leave the folder', async () => {
  const run = join(root, 'hostile'), folder = join(run, 'evaluations');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of [['1-a.json', '{'], ['2-a.json', '[]'], ['3-a.json', '{"step": -1, "protocol": "knn"}'], ['4-a.json', '{"step": 1, "protocol": 5}'], ['x.json', '{"step": 1, "protocol": "knn"}'], ['5-a.json', '{"step": 5, "protocol": "constructor", "top1": {"value": 7}, "options": [1, {}]}']] as const) writeFileSync(join(folder, name), text);
  const found = await listEvaluations(run);
  expect(found.map(({ step, top1, options, report }) => ({ step, top1, options, report }))).toEqual([{ step: 5, top1: null, options: [], report: null }]);
  expect(protocolTitle(found[0]!.protocol)).toBe('constructor');
  expect(evaluationText(found[0]!, t)).toBe('see its report');
  const { record } = await evaluationPlace(run, 1, '../../x', ['--shots', '../y']);
  expect(record).toBe(join(folder, '1-_x-shots-_y.json'));
  expect(await listEvaluations(join(root, 'nowhere'))).toEqual([]);
});
