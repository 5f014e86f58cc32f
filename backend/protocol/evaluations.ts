/** The published protocols that a checkpoint is evaluated by: the one table that the command line and the editor choose from. Names and words alone, so that nothing is loaded to ask. */

export interface EvaluationQuestion {
  /** The command's option, such as `--shots`. */
  option: string;
  title: string;
  /** The first is what is usual. A value of '' leaves the option out. */
  choices: readonly { value: string; label: string; detail: string }[];
}

export interface EvaluationEntry {
  title: string;
  /** What is done, and whose protocol it is. */
  about: string;
  /** Whether it learns from images with classes; each is measured on others with the same classes. */
  learns: boolean;
  questions: readonly EvaluationQuestion[];
}

export const evaluationProtocols = {
  knn: { title: 'k-NN', about: 'neighbours vote by frozen features, as DINO does; the quickest', learns: true, questions: [] },
  'few-shot': {
    title: 'few-shot', about: 'softmax regression on frozen features of a few labelled images, as MSN does', learns: true,
    questions: [{ option: '--shots', title: 'How many images have a label?', choices: [{ value: '1%', label: '1 %', detail: 'of each class, as in MSN\'s and others\' tables' }, { value: '10%', label: '10 %', detail: 'of each class' }, ...[1, 2, 5, 13].map((count) => ({ value: String(count), label: count === 1 ? '1 image' : `${count} images`, detail: 'of each class' }))] }],
  },
  linear: {
    title: 'linear', about: 'a linear classifier trained on augmented images, as MAE, MoCo-v3 and DINO do; the longest', learns: true,
    questions: [
      { option: '--recipe', title: 'Whose recipe?', choices: [{ value: '', label: 'the method\'s own', detail: 'what its paper uses' }, { value: 'mae', label: 'MAE', detail: 'LARS, batch norm before the classifier, 90 epochs' }, { value: 'mocov3', label: 'MoCo-v3', detail: 'SGD, 90 epochs' }, { value: 'dino', label: 'DINO', detail: 'SGD on the last blocks\' class tokens, 100 epochs' }] },
      { option: '--epochs', title: 'How many epochs?', choices: [{ value: '', label: 'the recipe\'s', detail: '90 or 100' }, { value: '10', label: '10', detail: 'a first look' }, { value: '30', label: '30', detail: '' }] },
    ],
  },
  finetune: {
    title: 'fine-tuning', about: 'all of the encoder is trained with labels, as a run of its own; by far the longest', learns: true,
    questions: [{ option: '--epochs', title: 'How many epochs?', choices: [{ value: '', label: 'the recipe\'s', detail: '50 to 200' }, { value: '5', label: '5', detail: 'a first look' }, { value: '20', label: '20', detail: '' }] }],
  },
  classify: { title: 'classification', about: 'a supervised or fine-tuned model as it is', learns: false, questions: [] },
  robustness: {
    title: 'robustness', about: 'a supervised or fine-tuned model under the fifteen corruptions of ImageNet-C', learns: false,
    questions: [{ option: '--levels', title: 'Which levels?', choices: [{ value: '', label: 'all five', detail: '75 passes over the test images' }, { value: '3', label: 'the third', detail: '15 passes: a first look' }] }],
  },
} as const satisfies Record<string, EvaluationEntry>;

export type EvaluationProtocol = keyof typeof evaluationProtocols;
