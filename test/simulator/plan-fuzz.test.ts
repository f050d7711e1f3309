import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderPlanErrors } from '../../simulator/report/text.ts';
import type { PlanResult } from '../../simulator/plan/model.ts';
import { load, planFile } from './plan-helpers.ts';

const good = `title: Rename
database:
  schema: |
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
  seed: "INSERT INTO users VALUES (1, 'a\\u0062@é');"
  production: { users: { rows: 100M, size: 200 GB } }
params: &p
  email: [a@x.io, 10.50, null, [1]]
versions:
  v1:
    sign_up: &s INSERT INTO users (id, email) VALUES (:id, :email)
    swap: [{ as: user, sql: SELECT * FROM users WHERE id = :id }, "UPDATE users SET email = :user.email"]
    get_user: { sql: SELECT email FROM users WHERE id = :id, accepts: id > 0 }
  v2:
    extends: v1
    sign_up: *s
    swap: null
    params:
      <<: *p
      id: [1]
steps:
  - name: expand
    migrate: ALTER TABLE users ADD COLUMN x text
    rollback:
      - migrate: ALTER TABLE users DROP COLUMN x
  - deploy: v2
    allow: [{ rule: lost-write, reason: 'it''s known' }]
  - backfill: >
      UPDATE users SET x = email
      WHERE id IN (SELECT id FROM users WHERE x IS NULL LIMIT :batch)
    batch: 1000
    pause: 50ms
  - backfill: { read: SELECT id FROM users LIMIT :batch, write: UPDATE users SET x = :id }
  - verify:
      - equal: [SELECT 1, SELECT 2]
      - empty: { file: q.sql }
`;
const files = { 'plans/q.sql': 'SELECT 1 WHERE false\n' };

/** Cuts, copies and puts in: what an editor's buffer goes through. */
const edit = fc.record({
  kind: fc.constantFrom('cut' as const, 'copy' as const, 'insert' as const, 'join' as const),
  at: fc.nat({ max: good.length }),
  length: fc.nat({ max: 60 }),
  to: fc.nat({ max: good.length }),
  text: fc.oneof(
    fc.constantFrom(
      ':',
      "'",
      '"',
      '\n',
      '\r\n',
      '\t',
      ' #',
      '|',
      '>',
      '*s',
      '&s',
      '<<: *p',
      '{',
      '}',
      '[',
      ']',
      '$$',
      '--',
      '/*',
      '::',
      ':x',
      '- ',
      '%',
      '\0',
      '\uFEFF',
      '😀',
      '\\',
      'null',
      ';',
      '!t',
      '?',
    ),
    fc.string({ unit: 'binary', maxLength: 5 }),
  ),
});
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function apply(text: string, { kind, at, length, to, text: inserted }: Edit): string {
  const chunk = text.slice(at, at + length);
  switch (kind) {
    case 'cut':
      return text.slice(0, at) + text.slice(at + length);
    case 'copy':
      return text.slice(0, to) + chunk + text.slice(to);
    case 'insert':
      return text.slice(0, at) + inserted + text.slice(at);
    case 'join':
      return text.slice(0, at) + chunk.replaceAll('\n', ' ') + text.slice(at + length);
  }
}

function misplaced(text: string, result: PlanResult): readonly string[] {
  if (result.ok) return [];
  const sources = new Map([[planFile, text.replace(/^\uFEFF/, '')], ...Object.entries(files)]);
  return result.errors.flatMap((error) => {
    const { file, line, column } = error.location;
    const written = sources.get(file)?.split('\n')[line - 1];
    const inside = written !== undefined && column >= 1 && column <= written.length + 1;
    const shown = renderPlanErrors(planFile, [error], { colour: false, width: 100, sources: result.sources });
    return inside && shown.includes(`${file}:${line}:${column}`) && error.code !== 'internal' ? [] : [shown];
  });
}

describe('any text', () => {
  it('the text that is changed is a plan', async () => {
    const result = await load(good, files);
    expect(result.ok ? [] : result.errors).toEqual([]);
  });

  it('is a plan, or has errors with places inside of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const text = edits.reduce(apply, good);
        const result = await load(text, files);
        if (!result.ok) expect(result.errors.length).toBeGreaterThan(0);
        expect(misplaced(text, result)).toEqual([]);
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 400) },
    );
  });
});
