/**
 * The book of examples says what a rehearsal finds in each plan: in the plan's first lines, on the page of its
 * pattern, and in the overview. plans-examples.test.ts rehearses the plans; here the pages are held against them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPlan } from '../../simulator/plan/load.ts';
import { inWords, linksIn, plansBelow, tableRows, truthOf } from './plan-truth.ts';

const pages = 'docs/patterns';
const read = (file: string): string => readFileSync(file, 'utf8');
const patterns = readdirSync('examples', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

it('every pattern has a page, and the index leads to it', () => {
  expect(
    readdirSync(pages)
      .filter((f) => f !== 'README.md')
      .sort(),
  ).toEqual(patterns.map((p) => `${p}.md`));
  expect(
    tableRows(read(join(pages, 'README.md')))
      .flatMap(([cell]) => linksIn(cell ?? ''))
      .sort(),
  ).toEqual(patterns.map((p) => `${p}.md`));
});

describe.each(patterns)('%s', (pattern) => {
  const page = read(join(pages, `${pattern}.md`));
  const plans = plansBelow(join('examples', pattern));
  const correct = join('examples', pattern, 'plan.cutover.yaml');

  it('has a correct plan and at least two that are not', () => {
    expect(truthOf(correct)).toMatchObject({ verdict: 'safe', errors: [], warnings: [] });
    expect(plans.filter((file) => truthOf(file).verdict === 'unsafe').length).toBeGreaterThanOrEqual(2);
  });

  it('its page says of each plan what the plan says, and leaves none out', () => {
    const said = tableRows(page).flatMap(([plan, found]) =>
      linksIn(plan ?? '').map((link) => [normalize(join(pages, link)), found] as const),
    );
    const broken = plans.filter((file) => file !== correct);
    expect(new Map(said)).toEqual(new Map(broken.map((file) => [file, inWords(truthOf(file))])));
    expect(linksIn(page)).toContain(`../../${correct}`);
  });

  it('its page names the steps of the plan, in their order', async () => {
    const loaded = await loadPlan(correct, (path) => Promise.resolve(read(path)));
    const steps = loaded.ok ? loaded.plan.steps.map(({ name }) => name) : [];
    expect([...page.matchAll(/^\d+\. \*\*(.+?)\*\*/gm)].map((match) => match[1])).toEqual(steps);
  });

  it('the overview says the same', () => {
    const [, section] = read('examples/README.md').split(`\n## [${pattern}](../docs/patterns/${pattern}.md)\n`);
    const rows = tableRows((section ?? '').split('\n## ')[0] ?? '').slice(1);
    expect(new Map(rows.map(([plan, , found]) => [plan?.replaceAll('`', ''), found]))).toEqual(
      new Map(plans.map((file) => [basename(file, '.cutover.yaml'), inWords(truthOf(file))])),
    );
  });
});
