/** What a plan of examples/ or test/plans/ says of itself in its first lines, and how pages repeat it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Truth {
  readonly verdict: string;
  /** `rule @ step` of each error. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** How many deploys longer than planned a version may live. */
  readonly stragglers: number;
  /** The step that caused each error, in the order of `errors`; empty where the plan does not say. */
  readonly causes: readonly string[];
}

export function readTruth(text: string): Truth {
  const lines = text.split('\n').filter((l) => l.startsWith('# expect'));
  const errors = lines.flatMap((l) => /^# expect: unsafe (.+)$/.exec(l)?.[1]?.trim() ?? []);
  const warnings = lines.flatMap((l) => /^# expect-warning: (.+)$/.exec(l)?.[1]?.trim() ?? []);
  const causes = lines.flatMap((l) => /^# expect-cause: (.+)$/.exec(l)?.[1]?.trim() ?? []);
  const verdict = errors.length > 0 ? 'unsafe' : (/^# expect: (\w+)/m.exec(text)?.[1] ?? '');
  const stragglers = Number(/^# stragglers: (\d)$/m.exec(text)?.[1] ?? 0);
  return { verdict, errors, warnings, causes, stragglers };
}

export function truthOf(file: string): Truth {
  return readTruth(readFileSync(file, 'utf8'));
}

export function plansBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.cutover.yaml'))
    .map((f) => join(directory, f))
    .sort();
}

/** As a page's table has it: `` `lost-write` at switch reads; warning `verify-stops` at verify ``, or `safe`. */
export function inWords({ errors, warnings }: Truth): string {
  const said = (finding: string): string => {
    const [rule, step] = finding.split(' @ ');
    return `\`${rule ?? ''}\` at ${step ?? ''}`;
  };
  const parts = [...errors.map(said), ...warnings.map((w) => `warning ${said(w)}`)];
  return (errors.length > 0 ? parts : ['safe', ...parts]).join('; ');
}

/** The rows of a page's tables, each as its cells. */
export function tableRows(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('\\|', '|')));
}

/** Where the links of a text lead, as they are written. */
export function linksIn(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
}
