/** Every call that a view may make. What an answer needs, the engine above all, is loaded when it is first asked for. */
import { augmentationAnswers } from './augmentation.ts';
import { correspondenceAnswers } from './correspondence.ts';
import type { AnyViewAnswer } from './serve.ts';

export const viewAnswers: Readonly<Record<string, AnyViewAnswer>> = { ...augmentationAnswers, ...correspondenceAnswers };
