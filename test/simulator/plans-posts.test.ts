/** Plans and what is true of them, one folder of several: see plan-suite.ts. */
import { plansAreTrue } from './plan-suite.ts';
import { plansBelow } from './plan-truth.ts';

plansAreTrue(
  'test/plans/posts',
  ['posts', 'posts-2', 'posts-3'].flatMap((folder) => plansBelow(`test/plans/${folder}`)),
);
