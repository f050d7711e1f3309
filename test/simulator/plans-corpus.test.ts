/** Plans and what is true of them, one folder of several: see plan-suite.ts. */
import { plansAreTrue } from './plan-suite.ts';
import { plansBelow } from './plan-truth.ts';

plansAreTrue('test/plans/corpus', plansBelow('test/plans/corpus'));
