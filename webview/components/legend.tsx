/** What the marks of a score mean. Only those that are in it. */
import { legendOf } from '../model/legend.ts';
import type { Score } from '../model/score.ts';
import { Hatches, Shapes } from './shapes.tsx';

export function Legend({ score }: { readonly score: Score }) {
  return (
    <ul class="score-legend" aria-label="Legend">
      {legendOf(score).map(({ name, words, shapes }) => (
        <li key={name}>
          <svg width="22" height="14" viewBox="0 0 22 14" aria-hidden="true">
            <Hatches />
            <Shapes shapes={shapes} />
          </svg>
          {words}
        </li>
      ))}
    </ul>
  );
}
