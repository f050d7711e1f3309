import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPlan } from '../../simulator/plan/load.ts';
import { planJsonSchema } from '../../simulator/plan/schema.ts';

const root = join(import.meta.dirname, '../..');
const file = join(root, 'schemas/plan.schema.json');
const generated = `${JSON.stringify(planJsonSchema(), null, 2)}\n`;

if (process.env['UPDATE_SCHEMAS'] === '1') {
  mkdirSync(join(root, 'schemas'), { recursive: true });
  writeFileSync(file, generated);
}

function plansBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) return plansBelow(path);
    return name.endsWith('.cutover.yaml') ? [path] : [];
  });
}

/** Descriptions are what an editor shows when the pointer rests on a key. */
function keysWithoutDescription(node: unknown, path: string): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const found: string[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties') {
      for (const [name, property] of Object.entries(value as Record<string, object>)) {
        const described = 'description' in property || '$ref' in property;
        if (!described) found.push(`${path}.${name}`);
      }
    }
    found.push(...keysWithoutDescription(value, `${path}.${key}`));
  }
  return found;
}

describe('the JSON Schema of plans', () => {
  it('is the one that is checked in (UPDATE_SCHEMAS=1 rewrites it)', () => {
    expect(readFileSync(file, 'utf8')).toBe(generated);
  });

  it('is draft-7', () => {
    expect(planJsonSchema()).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      additionalProperties: false,
    });
  });

  it('describes every key', () => {
    expect(keysWithoutDescription(planJsonSchema(), '')).toEqual([]);
  });
});

describe('plans of this repository', () => {
  const plans = [...plansBelow(join(root, 'examples')), ...plansBelow(join(root, 'test/plans'))].filter(
    // Its first line says when a plan is meant to be refused.
    (path) => !readFileSync(path, 'utf8').startsWith('# expect: invalid'),
  );

  it.each(plans)('%s loads', async (path) => {
    const result = await loadPlan(path, (each) => readFile(each, 'utf8'));
    expect(result.ok ? [] : result.errors).toEqual([]);
  });

  it('the example of the reference page loads', async () => {
    const page = await readFile(join(root, 'docs/plan-format.md'), 'utf8');
    const example = /```yaml\n(title:[\s\S]*?)```/.exec(page)?.[1] ?? '';
    const result = await loadPlan('example.cutover.yaml', () => Promise.resolve(example));
    expect(result.ok ? [] : result.errors).toEqual([]);
  });
});
