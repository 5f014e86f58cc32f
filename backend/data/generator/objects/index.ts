/** The classes of the generated images: each is a family of objects built of named parts, drawn anew for every image. */
import type { Random } from '../../../random.ts';
import type { Palette } from '../colours.ts';
import type { Part } from '../figure.ts';
import { bird, butterfly, fish, snail } from './animals.ts';
import { cactus, flower, leaf, mushroom, tree } from './plants.ts';
import { clock, cupcake, guitar, house, lamp, mug, robot, umbrella } from './things.ts';
import { balloon, boat, car, rocket } from './vehicles.ts';

/** Draws an object of a class: its parts, from the one furthest back to the front. */
export type Builder = (random: Random, colours: Palette) => Part[];

export const builders: Readonly<Record<string, Builder>> = {
  balloon, bird, boat, butterfly, cactus, car, clock, cupcake, fish, flower, guitar, house, lamp, leaf, mug, mushroom, robot, rocket, snail, tree, umbrella,
};

export const classNames: readonly string[] = Object.keys(builders);
