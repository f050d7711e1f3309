import { beforeAll, describe, expect, it } from 'vitest';
import type { Statement } from '../../simulator/plan/model.ts';
import { fileSource } from '../../simulator/plan/source.ts';
import { checkExpression, constantsInCheck, initParser, parseSql, renderStatement } from '../../simulator/plan/sql.ts';

beforeAll(initParser);

function statements(sql: string): readonly Statement[] {
  const parsed = parseSql(fileSource('f.sql', sql));
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.statements.map(({ statement }) => statement);
}

function one(sql: string): Statement {
  const [statement, second] = statements(sql);
  if (statement === undefined || second !== undefined) throw new Error('not one statement');
  return statement;
}

const holes = (sql: string): readonly string[] =>
  one(sql).pieces.flatMap((piece) =>
    piece.kind === 'text' ? [] : [piece.kind === 'param' ? piece.name : `${piece.row}.${piece.column}`],
  );

const uses = (sql: string): readonly string[] =>
  one(sql).paramUses.map(
    ({ param, operator, tables, column }) =>
      `${param} ${operator} ${tables.map(({ schema, table }) => (schema === null ? table : `${schema}.${table}`)).join('|')}.${column}`,
  );

const names = (sql: string): readonly string[] =>
  one(sql).tables.map(({ schema, table }) => (schema === null ? table : `${schema}.${table}`));

const writes = (sql: string): readonly string[] =>
  one(sql).writes.map(({ table, column, params, columns, plain }) => {
    const made = columns.map(({ tables, column }) => `${tables.map((t) => t.table).join('|')}.${column}`);
    return `${table.table}.${column} ${plain ? '=' : '<-'} ${[...params.map((p) => `:${p}`), ...made].join(' ')}`.trim();
  });

describe('what is written into a column', () => {
  it.each([
    ['INSERT INTO t (a, b) VALUES (:a, lower(:b) || :c)', ['t.a = :a', 't.b <- :b :c']],
    ['INSERT INTO t VALUES (:a, 1)', ['t.#1 = :a', 't.#2 <-']],
    ['INSERT INTO t (a, b) SELECT u.x, u.y * 2 FROM u WHERE u.z = 1', ['t.a = u.x', 't.b <- u.y']],
    ['INSERT INTO t SELECT * FROM u', ['t.* = u.*']],
    ['UPDATE t SET a = :a::int, b = a + c WHERE d = :d', ['t.a = :a', 't.b <- t.a t.c']],
    ['UPDATE t SET (a, b) = (:a, b || :b)', ['t.a = :a', 't.b <- :b t.b']],
    ['UPDATE t x SET a = u.b FROM u WHERE u.id = x.id', ['t.a = u.b']],
    ['UPDATE t SET n = (SELECT sum(l.x) FROM l WHERE l.id = t.id)', ['t.n <- l.x']],
    ['INSERT INTO t (a) VALUES (:a) ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.a', ['t.a = :a', 't.b = t.a']],
    ['MERGE INTO t USING u ON u.id = t.id WHEN MATCHED THEN UPDATE SET a = u.a', ['t.a = u.a']],
    ['DELETE FROM t WHERE a = :a', []],
  ])('%s', (sql, expected) => {
    expect(writes(sql)).toEqual(expected);
  });
});

describe('parameters', () => {
  it.each([
    ['SELECT :id', ['id']],
    ['SELECT :id::int, :a,:b', ['id', 'a', 'b']],
    [
      'SELECT :user.email, :name, :value, :key, :from, :to, :select',
      ['user.email', 'name', 'value', 'key', 'from', 'to', 'select'],
    ],
    ['SELECT :user."E-Mail", :row.EMAIL', ['user.E-Mail', 'row.email']],
    ['SELECT :naïve, :größe', ['naïve', 'größe']],
    ["SELECT ':no', E'\\':no', $$:no$$, $x$ :no $x$, U&':no', \":no\" FROM t -- :no\n/* :no /* :no */ */", []],
    ['SELECT x::int, f(a => 1), g(a := 1)', []],
    ['SELECT a[1:2], a[1:n], a[i:j], a[(1):n], a[b[1]:n], a[value:n], a[:i:j]', ['i']],
    ['SELECT a[:i], a[1: :n], a[ :i : :j ]', ['i', 'n', 'i', 'j']],
    ["SELECT JSON_OBJECT('k':v, 'l': :v)", ['v']],
    ['SELECT 1 LIMIT :n OFFSET :m', ['n', 'm']],
    ['SELECT 1 WHERE a=:a AND b<:b AND c LIKE :c', ['a', 'b', 'c']],
    ['SELECT 1 FROM t WHERE a <= :a AND b ->> :b @> :c AND d = -:d', ['a', 'b', 'c', 'd']],
    ['SELECT (:a)::text || :b', ['a', 'b']],
    ["SELECT 'a\u0001b', :a", ['a']],
    ['SELECT a IN (:x, :y), ARRAY[:x, :y], (:x, :y)', ['x', 'y', 'x', 'y', 'x', 'y']],
  ])('%s', (sql, expected) => {
    expect(holes(sql)).toEqual(expected);
  });

  it('pieces put together are the text', () => {
    const statement = one("  UPDATE t SET a = :a, b = ':b' WHERE é = :row.c /* x */ ; -- end");
    expect(statement.text).toBe("UPDATE t SET a = :a, b = ':b' WHERE é = :row.c");
    const text = statement.pieces.map((piece) =>
      piece.kind === 'text' ? piece.text : piece.kind === 'param' ? `:${piece.name}` : `:${piece.row}.${piece.column}`,
    );
    expect(text.join('')).toBe(statement.text);
  });
});

describe('statements', () => {
  it('are split by the parser, with their places', () => {
    const found = statements(
      "-- first\nSELECT ';', 'é😀'; ;\n  UPDATE t SET a = $$;$$;\nCREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END; SELECT 3",
    );
    expect(found.map(({ text, location: { line, column } }) => [line, column, text])).toEqual([
      [2, 1, "SELECT ';', 'é😀'"],
      [3, 3, 'UPDATE t SET a = $$;$$'],
      [4, 1, 'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END'],
      [4, 84, 'SELECT 3'],
    ]);
  });

  it.each(['', '  \n', '-- x', '/* x */ ;;'])('%j has none', (sql) => {
    expect(statements(sql)).toEqual([]);
  });

  it('ten thousand of them take no time to speak of', () => {
    const started = performance.now();
    expect(statements("INSERT INTO t VALUES (1, 'é');\n".repeat(10_000))).toHaveLength(10_000);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it.each([
    ["SELECT 'abc", 1, 8, 'unterminated quoted string at or near "\'abc"'],
    ["SELECT :a,\n  'abc", 2, 3, 'unterminated quoted string at or near "\'abc"'],
    ['SELECT /* x', 1, 8, 'unterminated /* comment at or near "/* x"'],
    ['SELECT 12abc', 1, 8, 'trailing junk after numeric literal at or near "12abc"'],
    ["SELECT 'é😀' FROM x y z", 1, 23, 'syntax error at or near "z"'],
    ['SELECT :é, :b FROM x y z', 1, 24, 'syntax error at or near "z"'],
    ['SELECT 1 +', 1, 11, 'syntax error at end of input'],
    ['\\d users', 1, 1, 'syntax error at or near "\\"'],
    ['SELECT 1 WHERE a LIKE:b', 1, 22, 'syntax error at or near ":"'],
    ['SELECT a:b', 1, 9, 'syntax error at or near ":"'],
    ['SELECT : id', 1, 8, 'syntax error at or near ":"'],
    ['SELECT \0', 1, 8, 'an SQL text cannot hold the character NUL'],
  ])('%j', (sql, line, column, message) => {
    const parsed = parseSql(fileSource('f.sql', sql));
    expect(parsed).toEqual({
      ok: false,
      error: {
        code: 'sql-syntax',
        message: `SQL: ${message}`,
        location: { file: 'f.sql', line, column },
        suggestion: null,
      },
    });
  });

  it('nesting that would end the stack is an error', () => {
    const parsed = parseSql(fileSource('f.sql', `SELECT ${'1+'.repeat(50_000)}1`));
    expect(parsed).toMatchObject({ ok: false, error: { code: 'sql-syntax' } });
    expect(one('SELECT 1').node).toBe('SelectStmt');
  });
});

describe('facts', () => {
  it('tables are named wherever they stand, CTEs are left out', () => {
    expect(names('SELECT 1 FROM a JOIN s.b ON true WHERE EXISTS (SELECT 1 FROM c)')).toEqual(['a', 's.b', 'c']);
    expect(names('WITH a AS (SELECT 1 FROM b), c AS (SELECT 1 FROM a) SELECT 1 FROM c, s.a')).toEqual(['b', 's.a']);
    expect(names('WITH a AS (SELECT 1 FROM a) SELECT 1 FROM a')).toEqual(['a']);
    expect(names('WITH RECURSIVE a AS (SELECT 1 UNION SELECT 1 FROM a) SELECT 1 FROM a')).toEqual([]);
    expect(names('WITH a AS (SELECT 1 x) INSERT INTO a SELECT x FROM a')).toEqual(['a']);
    expect(names('DROP TABLE a, s.b')).toEqual(['a', 's.b']);
    expect(names('ALTER TABLE a ADD FOREIGN KEY (x) REFERENCES b')).toEqual(['a', 'b']);
    expect(names('ALTER INDEX i RENAME TO j')).toEqual([]);
    expect(names('DROP INDEX i')).toEqual([]);
  });

  it('columns and functions', () => {
    expect(one('SELECT u.*, lower(u."Email") FROM u WHERE pg_catalog.length(name) > 1').columns).toEqual([
      '*',
      'email',
      'name',
    ]);
    expect(one('SELECT u.*, lower(u."Email") FROM u WHERE pg_catalog.length(name) > 1').functions).toEqual([
      'lower',
      'length',
    ]);
    expect(one('ALTER TABLE t ADD a int, DROP b, ALTER c SET NOT NULL, DROP CONSTRAINT d').columns).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(one('CREATE INDEX ON t (a, lower(b)) WHERE c').columns).toEqual(expect.arrayContaining(['a', 'b', 'c']));
  });

  it.each<[string, Partial<Statement>]>([
    ['SELECT 1 ORDER BY 1', { returnsRows: true, ordered: true, modifies: false }],
    ['SELECT * FROM (SELECT 1 ORDER BY 1) s', { returnsRows: true, ordered: false }],
    ['VALUES (1)', { returnsRows: true, node: 'SelectStmt' }],
    ['TABLE t', { returnsRows: true }],
    ['SHOW server_version', { returnsRows: true }],
    ['EXPLAIN SELECT 1', { returnsRows: true }],
    ['SELECT 1 INTO x', { returnsRows: false }],
    [
      'DELETE FROM t',
      { returnsRows: false, modifies: true, target: { table: { schema: null, table: 't' }, columns: [] } },
    ],
    ['DELETE FROM t RETURNING *', { returnsRows: true, modifies: true }],
    ['WITH d AS (DELETE FROM t RETURNING a) SELECT * FROM d', { returnsRows: true, modifies: true, target: null }],
    [
      'UPDATE s.t SET a = 1, (b, c) = (1, 2)',
      { target: { table: { schema: 's', table: 't' }, columns: ['a', 'b', 'c'] } },
    ],
    [
      'INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1',
      { target: { table: { schema: null, table: 't' }, columns: ['a', 'b'] } },
    ],
    ['INSERT INTO t VALUES (1)', { target: { table: { schema: null, table: 't' }, columns: [] } }],
    [
      'MERGE INTO t USING s ON true WHEN MATCHED THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT (b) VALUES (1)',
      { modifies: true, target: { table: { schema: null, table: 't' }, columns: ['a', 'b'] } },
    ],
  ])('%s', (sql, expected) => {
    expect(one(sql)).toMatchObject(expected);
  });

  it.each([
    ['CREATE INDEX CONCURRENTLY i ON t (a)', false],
    ['CREATE INDEX i ON t (a)', true],
    ['DROP INDEX CONCURRENTLY i', false],
    ['REINDEX INDEX CONCURRENTLY i', false],
    ['REINDEX (CONCURRENTLY false) TABLE t', true],
    ['REINDEX TABLE t', true],
    ['REINDEX DATABASE d', false],
    ['REINDEX SYSTEM d', false],
    ['ALTER TABLE p DETACH PARTITION c CONCURRENTLY', false],
    ['ALTER TABLE p DETACH PARTITION c', true],
    ['VACUUM', false],
    ['ANALYZE t', true],
    ['CLUSTER', false],
    ['CLUSTER t', true],
    ['CREATE DATABASE d', false],
    ['DROP DATABASE d', false],
    ["CREATE TABLESPACE x LOCATION '/x'", false],
    ['DROP TABLESPACE x', false],
    ["ALTER SYSTEM SET work_mem = '1MB'", false],
  ])('%s runs in a transaction: %s', (sql, expected) => {
    expect(one(sql).transactional).toBe(expected);
  });
});

describe('where parameters go', () => {
  it.each([
    ['SELECT 1 FROM users u WHERE u.id = :id AND :age::int <= age', ['id = users.id', 'age >= users.age']],
    ['SELECT 1 FROM a JOIN s.b x ON x.id = :id WHERE c = :c', ['id = s.b.id', 'c = a|s.b.c']],
    [
      'SELECT 1 FROM t WHERE a BETWEEN :lo AND :hi AND b IN (:x, 1, :y) AND :n BETWEEN c AND d',
      ['lo BETWEEN-low t.a', 'hi BETWEEN-high t.a', 'x IN t.b', 'y IN t.b', 'n <= t.c', 'n >= t.d'],
    ],
    ['SELECT 1 FROM t WHERE (a, b) = (:a, :b) AND c IS NOT DISTINCT FROM :c', ['a = t.a', 'b = t.b', 'c = t.c']],
    ['SELECT 1 FROM t WHERE a <> :a AND b LIKE :b AND lower(c) = :c AND d = :d + 1', []],
    ['INSERT INTO t (a, b) VALUES (:a, :b), (1, :c::int)', ['a assign t.a', 'b assign t.b', 'c assign t.b']],
    ['INSERT INTO t VALUES (:a, 1, :b)', ['a assign t.#1', 'b assign t.#3']],
    ['INSERT INTO t (a, b) SELECT :a, x FROM s WHERE s.id = :id', ['a assign t.a', 'id = s.id']],
    ['INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = :b WHERE t.c = :c', ['b assign t.b', 'c = t.c']],
    [
      'UPDATE t AS x SET a = :a, (b, c) = (:b, :c) FROM s WHERE x.id = :id AND s.k > :k',
      ['a assign t.a', 'b assign t.b', 'c assign t.c', 'id = t.id', 'k > s.k'],
    ],
    ['DELETE FROM t USING s WHERE s.id = :id', ['id = s.id']],
    ['WITH n AS (SELECT id AS i FROM t) SELECT 1 FROM n WHERE n.i = :id', ['id = t.id']],
    ['SELECT 1 FROM (SELECT * FROM t) x WHERE x.id = :id', ['id = t.id']],
    ['SELECT 1 FROM (SELECT count(*) AS n FROM t) x WHERE x.n = :n', []],
    ['UPDATE a SET x = 1 WHERE id IN (SELECT id FROM b WHERE b.k = :k AND a.m = :m LIMIT :n)', ['k = b.k', 'm = a.m']],
    [
      'WITH d AS (DELETE FROM t WHERE id = :id RETURNING *) INSERT INTO s (a) SELECT :a FROM d WHERE d.z = :z',
      ['id = t.id', 'a assign s.a', 'z = t.z'],
    ],
    [
      'MERGE INTO t USING s ON t.id = :id WHEN MATCHED THEN UPDATE SET a = :a WHEN NOT MATCHED THEN INSERT (b) VALUES (:b)',
      ['id = t.id', 'a assign t.a', 'b assign t.b'],
    ],
    ['SELECT 1 FROM a UNION SELECT 1 FROM b WHERE id = :id', ['id = b.id']],
    ['UPDATE t SET a = :row.a WHERE id = :id', ['id = t.id']],
  ])('%s', (sql, expected) => {
    expect(uses(sql)).toEqual(expected);
  });
});

describe('renderStatement', () => {
  const params = (values: Record<string, string | null>): ReadonlyMap<string, string | null> =>
    new Map(Object.entries(values));

  it('writes literals, leaves columns of rows open, merges text', () => {
    const statement = one('UPDATE t SET a = :a, b = :row.b WHERE c = :c AND d IS NOT DISTINCT FROM :d');
    expect(renderStatement(statement, params({ a: "it's", c: 'a\\b', d: null }))).toEqual([
      "UPDATE t SET a = 'it''s', b = ",
      { row: 'row', column: 'b' },
      " WHERE c = 'a\\b' AND d IS NOT DISTINCT FROM NULL",
    ]);
  });

  it('integers for batches have no quotes', () => {
    expect(renderStatement(one('SELECT 1 LIMIT :batch'), params({ batch: '10' }))).toEqual(['SELECT 1 LIMIT 10']);
    expect(renderStatement(one('SELECT 1-:n'), params({ n: '-1' }), { integers: new Set(['n']) })).toEqual([
      'SELECT 1-(-1)',
    ]);
    expect(renderStatement(one('SELECT :batch'), params({ batch: '1; DROP TABLE t' }))).toEqual([
      "SELECT '1; DROP TABLE t'",
    ]);
  });

  it.each([
    ['SELECT :a * :b', "SELECT '2'::int * '3000000000'::bigint"],
    ['SELECT é, -:a', "SELECT é, -'2'::int"],
    ['SELECT :f + (:a)', "SELECT '1.5'::numeric + ('2'::int)"],
    ['SELECT :nothing - :d', "SELECT NULL::int - '2026-01-02'"],
    // What is calculated with has a type.
    ['SELECT n * :a, :a * 2, -(:a * 2)', "SELECT n * '2', '2' * 2, -('2' * 2)"],
    ['SELECT :a::int * :b::int', "SELECT '2'::int * '3000000000'::int"],
    ['SELECT :a || :b, :a = :b', "SELECT '2' || '3000000000', '2' = '3000000000'"],
  ])('numbers that are calculated with each other alone have their type: %s', (sql, expected) => {
    const values = params({ a: '2', b: '3000000000', f: '1.5', d: '2026-01-02', nothing: null });
    expect(renderStatement(one(sql), values)).toEqual([expected]);
  });

  it('a parameter without a value stays as it is', () => {
    expect(renderStatement(one('SELECT :id'), params({}))).toEqual(['SELECT :id']);
  });
});

describe('constantsInCheck', () => {
  it.each([
    ["CHECK ((status = ANY (ARRAY['open'::text, 'closed'::text])))", ['open', 'closed']],
    ["CHECK (((VALUE)::text <> ''::text))", ['']],
    ['CHECK (((n >= 0) AND (n < 10.50) AND (n > (- 3)))) NOT VALID', ['0', '10.50', '-3']],
    ['CHECK ((n > (-5)))', ['-5']],
    ['this is no CHECK', []],
  ])('%s', (definition, expected) => {
    expect(constantsInCheck(definition)).toEqual(expected);
  });
});

describe('checkExpression', () => {
  const check = (text: string): unknown => {
    const error = checkExpression(fileSource('f', text));
    return error === null ? null : [error.code, error.location.column];
  };

  it.each([
    ["status IN ('open', 'closed')", null],
    ['id > 0 -- fine', null],
    ['a, b', ['sql-expression', 1]],
    ['1), (2', ['sql-expression', 1]],
    ['1) FROM t; SELECT (2', ['sql-expression', 1]],
    ['id = :id', ['sql-expression', 6]],
    ['id = = 1', ['sql-syntax', 6]],
  ])('%s', (text, expected) => {
    expect(check(text)).toEqual(expected);
  });
});
