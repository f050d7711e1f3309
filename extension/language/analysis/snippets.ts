/** What a completed key brings with it: snippets whose lines are indented for the column that the key begins in. */
import type { KnownKey } from './schema.ts';
import type { StepKind } from './names.ts';

/** Lines, each indented from the column of the key. */
type Lines = readonly string[];

const batchedCopy: Lines = [
  'backfill: |',
  '  UPDATE ${1:table} SET ${2:new_column} = ${3:old_column} WHERE id IN (',
  '    SELECT id FROM ${1:table} WHERE ${2:new_column} IS DISTINCT FROM ${3:old_column} ORDER BY id LIMIT :batch)',
  'batch: ${4:1000}',
  'pause: ${5:50ms}',
];

const steps: Readonly<Record<StepKind, Lines>> = {
  migrate: ['migrate: ${1:ALTER TABLE}', 'rollback: ${2:ALTER TABLE}'],
  deploy: ['deploy: $1'],
  backfill: batchedCopy,
  verify: ['verify:', '  - name: ${1:every row is copied}', '    empty: ${2:SELECT}'],
  cdc: [
    'cdc:',
    '  name: ${1:mirror}',
    '  table: ${2:table}',
    '  insert: |',
    '    INSERT INTO ${3:copy} VALUES (:new.${4:id}) ON CONFLICT (${4:id}) DO UPDATE SET ${5:new_column} = EXCLUDED.${5:new_column}',
    '  delete: DELETE FROM ${3:copy} WHERE ${4:id} = :old.${4:id}',
  ],
};

export const stepDetails: Readonly<Record<StepKind, string>> = {
  migrate: 'DDL, with its way back',
  deploy: 'roll a version out',
  backfill: 'copy rows in batches',
  verify: 'a gate: checks that must hold',
  cdc: 'start or stop a stream of changes',
};

/** Steps of a way back need no way back of their own. */
const stepsBack: Readonly<Record<string, Lines>> = { ...steps, migrate: ['migrate: ${1:ALTER TABLE}'] };

const sections: Readonly<Record<string, Lines>> = {
  database: ['database:', '  schema: |', '    ${1:CREATE TABLE}', '  seed: |', '    ${2:INSERT INTO}'],
  versions: ['versions:', '  ${1:v1}:', '    ${2:request}: ${3:SELECT}'],
  steps: ['steps:', '  - name: ${1:expand}', '    '],
  schema: ['schema: |', '  ${1:CREATE TABLE}'],
  seed: ['seed: |', '  ${1:INSERT INTO}'],
  production: [
    'production:',
    '  ${1:table}: { rows: ${2:100M}, size: ${3:200 GB}, reads: ${4:3000/s}, writes: ${5:400/s} }',
  ],
  allow: ['allow:', '  - { rule: ${1}, reason: ${2:why} }'],
};

/** In the braces of `{ }` or in a line of its own: with its lines at this column. */
export function written(lines: Lines, column: number): string {
  return lines.map((line, index) => (index === 0 ? line : `${' '.repeat(column)}${line}`)).join('\n');
}

export function escaped(text: string): string {
  return text.replace(/[\\$}]/g, String.raw`\$&`);
}

export function stepSnippet(kind: StepKind, column: number, named: 'with-name' | 'without-name', back = false): string {
  const lines = (back ? stepsBack[kind] : undefined) ?? steps[kind];
  if (named === 'without-name') return written(lines, column);
  const later = lines.map((line) =>
    line.replace(/\$\{(\d)/g, (_, n: string) => `\${${Number(n) + 1}`).replace('$1', '$2'),
  );
  return written(['name: ${1:name}', ...later], column);
}

export function keySnippet({ key, types, values }: KnownKey, column: number | null): string {
  const lines = sections[key];
  if (lines !== undefined && column !== null) return written(lines, column);
  if (types.includes('boolean')) return `${key}: \${1|${key === 'transaction' ? 'false,true' : 'true,false'}|}`;
  if (values.length > 0) return `${key}: \${1|${values.join(',')}|}`;
  const isNested = types.length > 0 && types.every((type) => type === 'object' || type === 'array');
  if (!isNested || column === null) return `${key}: `;
  return written([`${key}:`, types.includes('array') ? '  - ' : '  '], column);
}
