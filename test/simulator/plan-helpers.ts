import { expect } from 'vitest';
import { loadPlan } from '../../simulator/plan/load.ts';
import type { Plan, PlanError, PlanResult } from '../../simulator/plan/model.ts';

export const planFile = 'plans/a.cutover.yaml';

/** Reads from a map of texts instead of a disk. */
export function load(text: string, files: Readonly<Record<string, string>> = {}): Promise<PlanResult> {
  const all: Readonly<Record<string, string>> = { ...files, [planFile]: text };
  return loadPlan(planFile, (path) => {
    const found = all[path];
    return found === undefined ? Promise.reject(new Error('ENOENT')) : Promise.resolve(found);
  });
}

export async function loaded(text: string, files: Readonly<Record<string, string>> = {}): Promise<Plan> {
  const result = await load(text, files);
  if (!result.ok)
    throw new Error(
      result.errors.map(({ message, location }) => `${location.line}:${location.column} ${message}`).join('\n'),
    );
  return result.plan;
}

const short = ({ code, location }: PlanError): string => `${location.line}:${location.column} ${code}`;

/** Loads a text in which every `▶` marks the place of an error, with its code in `codes`, in order. */
export async function expectErrors(
  marked: string,
  codes: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<readonly PlanError[]> {
  const lines = marked.split('\n');
  const places = lines.flatMap((line, index) =>
    [...line.matchAll(/▶/g)].map((match, nth) => `${index + 1}:${match.index - nth + 1}`),
  );
  const result = await load(marked.replaceAll('▶', ''), files);
  const errors = result.ok ? [] : result.errors;
  expect(errors.map(short), errors.map(({ message }) => message).join('\n')).toEqual(
    places.map((place, index) => `${place} ${codes[index] ?? '?'}`),
  );
  return errors;
}

interface Parts {
  readonly schema?: string;
  readonly head?: string;
  readonly v1?: string;
  readonly versions?: string;
  readonly steps?: string;
}

/** A plan with one thing in it to look at. */
export function planWith(parts: Parts): string {
  return [
    'title: A plan',
    ...(parts.head === undefined ? [] : [parts.head]),
    'database:',
    `  schema: ${parts.schema ?? 'CREATE TABLE users (id bigint PRIMARY KEY, email text)'}`,
    'versions:',
    '  v1:',
    `    ${parts.v1 ?? 'get_user: SELECT id, email FROM users WHERE id = :id'}`,
    ...(parts.versions === undefined ? [] : [parts.versions]),
    'steps:',
    parts.steps ?? '  - deploy: v1',
    '',
  ].join('\n');
}
