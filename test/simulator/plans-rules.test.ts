/** Plans and what is true of them, one folder of several: see plan-suite.ts. */
import { plansAreTrue } from './plan-suite.ts';
import { plansBelow } from './plan-truth.ts';

/** What is in no folder that a suite of its own is about: the plans of each rule, and those that come to be added. */
const elsewhere = ['corpus', 'posts', 'posts-2'].map((folder) => `test/plans/${folder}/`);

plansAreTrue(
  'test/plans',
  plansBelow('test/plans').filter((file) => !elsewhere.some((folder) => file.startsWith(folder))),
);
