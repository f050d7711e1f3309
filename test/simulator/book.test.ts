/**
 * The catalogue of anomalies and the page of recipes show plans with what is found in them: the plans' own
 * first lines say the same, and the traces that are printed are those of a rehearsal.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../simulator/engine/engine.ts';
import { createPgliteEngine } from '../../simulator/engine/pglite.ts';
import { rehearse } from '../../simulator/rehearse.ts';
import { renderText } from '../../simulator/report/text.ts';
import { inWords, linksIn, tableRows, truthOf } from './plan-truth.ts';

const anomalies = readFileSync('docs/anomalies.md', 'utf8');
const recipes = readFileSync('docs/safe-recipes-that-are-not.md', 'utf8');
const planOf = (link: string): string => normalize(join('docs', link));

describe('anomalies', () => {
  const rows = tableRows(anomalies).slice(1);

  it.each(rows)('%s: %s', (_anomaly, plan, found) => {
    const [link, ...more] = linksIn(plan ?? '');
    expect(more).toEqual([]);
    expect(found).toBe(inWords(truthOf(planOf(link ?? ''))));
    expect(found).not.toBe('safe');
  });

  it('no line is there twice', () => {
    const plans = rows.map(([, plan]) => plan);
    expect(new Set(plans).size).toBe(plans.length);
  });
});

it.each(['docs', 'docs/patterns'])('every page in %s links to what is there', (directory) => {
  for (const page of readdirSync(directory).filter((f) => f.endsWith('.md'))) {
    const links = linksIn(readFileSync(join(directory, page), 'utf8')).filter((l) => !/^(https?:|#)/.test(l));
    const missing = links.filter((link) => !existsSync(join(directory, link.replace(/#.*$/, ''))));
    expect(missing, page).toEqual([]);
  }
});

describe('recipes', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createPgliteEngine({});
  });
  afterAll(() => engine.close());

  const sections = recipes.split('\n## ').filter((section) => section.includes('```text'));

  it('there are some', () => {
    expect(sections.length).toBeGreaterThanOrEqual(3);
  });

  it.each(sections.map((section) => [section.split('\n')[0] ?? '', section] as const))(
    '%s: the trace is what a rehearsal prints',
    async (_title, section) => {
      const file = planOf(/As a plan: \[.+?\]\((.+?)\)/.exec(section)?.[1] ?? '');
      const { report } = await rehearse(
        file,
        (path) => readFile(path, 'utf8'),
        () => Promise.resolve(engine),
      );
      const printed = renderText(report, { colour: false, width: 100, sources: new Map(), elapsed: false });
      const shown = (/```text\n([\s\S]*?)```/.exec(section)?.[1] ?? '').split('\n\n').map((part) => part.trim());
      expect(shown.length).toBeGreaterThan(1);
      for (const part of shown) expect(printed).toContain(part);
    },
    60_000,
  );

  it('what the page calls safe says so itself, and the rest does not', () => {
    const holding = recipes.split('\n## And some that hold')[1] ?? '';
    const [first] = linksIn(holding);
    expect(truthOf(planOf(first ?? '')).verdict).toBe('safe');
    for (const section of sections)
      expect(truthOf(planOf(/As a plan: \[.+?\]\((.+?)\)/.exec(section)?.[1] ?? '')).verdict).toBe('unsafe');
  });
});
