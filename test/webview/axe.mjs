/** What axe-core has against a page, or a frame of one, as it is now. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const axe = readFileSync(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Violations, each with what it is about. `frame` is a page or a frame of playwright's. */
export async function axeViolations(frame, where) {
  if (!(await frame.evaluate(() => 'axe' in window))) await frame.evaluate(axe);
  const found = await frame.evaluate(async (runOnly) => {
    const { violations } = await window.axe.run(document, { runOnly, resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)}\n    ${failureSummary}`),
    );
  }, rules);
  return found.map((each) => `${where}: ${each}`);
}
