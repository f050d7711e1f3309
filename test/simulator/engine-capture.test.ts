/** Changes of rows are captured as a stream would see them, and leave no trace in what else is seen of a schema. */
import { describe, expect, it } from 'vitest';
import type { Change, Outcome } from '../../simulator/engine/engine.ts';
import { migrateOne, request, runOne, startWith, step, tables, useEngine, worldOf, write } from './engine-support.ts';
import type { World } from './engine-support.ts';

const holder = useEngine();
const users = 'CREATE TABLE users (id bigint PRIMARY KEY, email text)';

async function captured(world: World, names: readonly string[]): Promise<World> {
  const outcome = await holder.engine.capture(world.schema, names);
  if (!outcome.ok) throw new Error(outcome.message);
  return { ...world, schema: outcome.schema };
}

function changesOf(outcome: Pick<Outcome, 'ok'> & { readonly changes?: readonly Change[] }): string[] {
  return (outcome.changes ?? []).map((c) => `${c.kind} ${c.table} ${JSON.stringify(c.old)} ${JSON.stringify(c.new)}`);
}

describe('capture', () => {
  it('gives every row that a call changes, in order, with its values before and after', async () => {
    const start = await startWith(holder.engine, [users], ["INSERT INTO users VALUES (1, 'a')"]);
    const world = await captured(start, ['users']);
    const outcome = await runOne(
      holder.engine,
      world,
      write("INSERT INTO users VALUES (2, 'x,y')", 'UPDATE users SET email = NULL', 'DELETE FROM users WHERE id = 1'),
    );
    expect(changesOf(outcome)).toEqual([
      'insert users null ["2","x,y"]',
      'update users ["1","a"] ["1",null]',
      'update users ["2","x,y"] ["2",null]',
      'delete users ["1",null] null',
    ]);
    expect(changesOf(await runOne(holder.engine, start, write('DELETE FROM users')))).toEqual([]);
  });

  it('sees an update that changes nothing, and nothing that was rolled back', async () => {
    const start = await startWith(holder.engine, [users], ["INSERT INTO users VALUES (1, 'a')"]);
    const world = await captured(start, ['users']);
    expect(changesOf(await runOne(holder.engine, world, write('UPDATE users SET id = id')))).toEqual([
      'update users ["1","a"] ["1","a"]',
    ]);
    expect(
      changesOf(await runOne(holder.engine, world, write("INSERT INTO users VALUES (2, 'b')", 'SELECT 1/0'))),
    ).toEqual([]);
    expect(changesOf(await runOne(holder.engine, world, write('UPDATE users SET id = id WHERE id = 9')))).toEqual([]);
  });

  it('is not turned off by a session setting, and names the types', async () => {
    const start = await startWith(holder.engine, ['CREATE TABLE t (a int[], b numeric(5,2))']);
    const world = await captured(start, ['t']);
    const outcome = await runOne(
      holder.engine,
      world,
      write('SET LOCAL session_replication_role = replica', "INSERT INTO t VALUES ('{1,2}', 1.5)"),
    );
    expect(outcome).toMatchObject({
      changes: [
        {
          columns: [
            { name: 'a', type: 'integer[]' },
            { name: 'b', type: 'numeric(5,2)' },
          ],
          new: ['{1,2}', '1.50'],
        },
      ],
    });
  });

  it('is no part of a catalog nor of a content', async () => {
    const start = await startWith(holder.engine, [users], ["INSERT INTO users VALUES (1, 'a')"]);
    const world = await captured(start, ['users']);
    const plain = await holder.engine.catalog(start.schema);
    expect(await holder.engine.catalog(world.schema)).toEqual(plain);
    expect(world.schema).not.toBe(start.schema);
    const outcome = await runOne(holder.engine, world, write("INSERT INTO users VALUES (2, 'b')"));
    expect(Object.keys(tables(outcome.content))).toEqual(['users']);
    expect(await holder.engine.capture(world.schema, [])).toEqual({ ok: true, schema: start.schema });
  });

  it('goes on through a migration, follows a rename, and ends with its table', async () => {
    const start = await startWith(holder.engine, [users], ["INSERT INTO users VALUES (1, 'a')"]);
    const world = await captured(start, ['users']);
    const migrated = await migrateOne(holder.engine, world, [
      "UPDATE users SET email = 'b'",
      'ALTER TABLE users ADD COLUMN n int',
      'ALTER TABLE users RENAME TO people',
    ]);
    expect(changesOf(migrated)).toEqual(['update users ["1","a"] ["1","b"]']);
    const people = worldOf(migrated);
    expect(changesOf(await runOne(holder.engine, people, write('UPDATE people SET n = 1')))).toEqual([
      'update users ["1","b",null] ["1","b","1"]',
    ]);
    const gone = worldOf(await migrateOne(holder.engine, people, ['DROP TABLE people', users]));
    expect(changesOf(await runOne(holder.engine, gone, write("INSERT INTO users VALUES (1, 'a')")))).toEqual([]);
  });

  it('sees what statements outside of a transaction change', async () => {
    const start = await startWith(holder.engine, [users], ["INSERT INTO users VALUES (1, 'a')"]);
    const world = await captured(start, ['users']);
    const migrated = await migrateOne(holder.engine, world, ["UPDATE users SET email = 'b'"], false);
    expect(changesOf(migrated)).toEqual(['update users ["1","a"] ["1","b"]']);
    const indexed = await migrateOne(holder.engine, world, ['CREATE INDEX CONCURRENTLY i ON users (email)'], false);
    expect(changesOf(await runOne(holder.engine, worldOf(indexed), write('DELETE FROM users')))).toHaveLength(1);
  });

  it('sees rows of partitions, and what a foreign key deletes, each under the name of its table', async () => {
    const start = await startWith(
      holder.engine,
      [
        'CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id)',
        'CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)',
        'CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE)',
      ],
      ['INSERT INTO p VALUES (1)', 'INSERT INTO c VALUES (5, 1)'],
    );
    const world = await captured(start, ['p', 'c']);
    expect(changesOf(await runOne(holder.engine, world, write('DELETE FROM p')))).toEqual([
      'delete p ["1"] null',
      'delete c ["5","1"] null',
    ]);
  });

  it('says that there is no such table', async () => {
    const start = await startWith(holder.engine, [users]);
    expect(await holder.engine.capture(start.schema, ['nobody'])).toMatchObject({ ok: false, sqlstate: '42P01' });
  });

  it('is there in a session, whose commits are real', async () => {
    const session = await holder.engine.session();
    await session.autocommit([users, "INSERT INTO users VALUES (1, 'a')"], step);
    await session.capture(['users']);
    const outcome = await session.transaction(write("UPDATE users SET email = 'b'"), request);
    expect(changesOf(outcome)).toEqual(['update users ["1","a"] ["1","b"]']);
    await session.capture([]);
    expect(changesOf(await session.transaction(write('DELETE FROM users'), request))).toEqual([]);
  });
});
