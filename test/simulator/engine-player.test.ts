/** A database that is played against: what a batch of requests gives, commits, and leaves alone. */
import { beforeEach, describe, expect, test } from 'vitest';
import { itemWidth, PlayResult, resultWidth, valueEnd } from '../../simulator/engine/player.ts';
import type { Player, PlayPiece, PlayProgram, PlayStatement } from '../../simulator/engine/player.ts';
import { useEngine } from './engine-support.ts';

const held = useEngine();
const moment = { clockMs: Date.UTC(2024, 0, 1), seed: 1 };
let player: Player;

beforeEach(async () => {
  player = await held.engine.player();
  const made = await player.script(
    ['CREATE TABLE t (id int PRIMARY KEY, a text, n numeric)', "INSERT INTO t VALUES (1, 'x', 1.50)"],
    moment,
  );
  if (!made.ok) throw new Error(made.message);
});

const param = (place: number, calculates = false): PlayPiece => ({ param: place, cast: '', calculates });

function statement(pieces: readonly PlayPiece[], more: Partial<PlayStatement> = {}): PlayStatement {
  return {
    pieces,
    as: null,
    returnsRows: false,
    modifies: false,
    tells: more.modifies === true,
    database: null,
    ...more,
  };
}

const get: PlayProgram = {
  statements: [statement(['SELECT a, n FROM t WHERE id = ', param(0)], { returnsRows: true })],
  atomic: true,
  commits: [0],
  answering: 0,
};
const put: PlayProgram = {
  statements: [statement(['INSERT INTO t (id, a) VALUES (', param(0), ', ', param(1), ')'], { modifies: true })],
  atomic: true,
  commits: [0],
  answering: -1,
};

interface Item {
  readonly program: number;
  readonly values: readonly string[];
  readonly statement?: number;
  readonly flight?: number;
  readonly probe?: number;
}

async function play(items: readonly Item[], random = false) {
  const numbers = items.flatMap((i) => [i.program, i.statement ?? -1, i.flight ?? 0, i.values.length, i.probe ?? 0]);
  expect(numbers).toHaveLength(items.length * itemWidth);
  const values = items.flatMap((i) => i.values.map((v) => v + valueEnd)).join('');
  const done = await player.play({ items: Int32Array.from(numbers), values, moment, random });
  const rows = await player.rows(
    done.serial,
    items.map((_, i) => i),
  );
  return items.map((_, i) => ({
    status: done.results[i * resultWidth + PlayResult.status],
    touched: Math.sign(done.results[i * resultWidth + PlayResult.touched] ?? 0),
    tells: done.results[i * resultWidth + PlayResult.touched] === 3,
    hash: done.results.slice(i * resultWidth + PlayResult.hashA, i * resultWidth + resultWidth).join(),
    error: done.errors.find((e) => e.item === i)?.sqlstate ?? null,
    rows: rows[i]?.rows ?? null,
    columns: rows[i]?.columns ?? [],
  }));
}

describe('a batch', () => {
  test('commits each request for itself; one that is refused takes no other along', async () => {
    await player.define([get, put]);
    const answers = await play([
      { program: 1, values: ['2', 'y'] },
      { program: 1, values: ['2', 'z'] },
      { program: 1, values: ['3', 'z'] },
      { program: 0, values: ['2'] },
      { program: 0, values: ['9'] },
      { program: -1, values: ['9'] },
    ]);
    expect(answers.map((a) => [a.status, a.touched, a.error, a.rows])).toEqual([
      [0, 1, null, null],
      [1, 0, '23505', null],
      [0, 1, null, null],
      [0, 0, null, [['y', null]]],
      [0, 0, null, []],
      [2, 0, null, null],
    ]);
    expect(answers[3]?.columns).toEqual([
      { name: 'a', type: '' },
      { name: 'n', type: 'numeric' },
    ]);
  });

  test('rows that are alike hash alike, others do not; none is not the same as no row', async () => {
    await player.define([get, put]);
    const answers = await play([
      { program: 1, values: ['2', 'x'] },
      { program: 0, values: ['1'] },
      { program: 0, values: ['1'] },
      { program: 0, values: ['2'] },
      { program: 0, values: ['9'] },
    ]);
    const [none, one, again, other, empty] = answers.map((a) => a.hash);
    expect(again).toBe(one);
    expect(new Set([none, one, other, empty]).size).toBe(4);
  });

  test('a probe is answered and leaves nothing behind', async () => {
    await player.define([get, put]);
    const answers = await play([
      { program: 1, values: ['2', 'y'], probe: 1 },
      { program: 0, values: ['2'] },
      { program: 1, values: ['1', 'y'], probe: 1 },
      { program: 0, values: ['1'] },
    ]);
    expect(answers.map((a) => [a.status, a.touched, a.error, a.rows])).toEqual([
      [0, 1, null, null],
      [0, 0, null, []],
      [1, 0, '23505', null],
      [0, 0, null, [['x', '1.50']]],
    ]);
  });

  test('more requests than fit into a message', async () => {
    await player.define([get, put]);
    const many = Array.from({ length: 1000 }, (_, i) => ({ program: 1, values: [String(i + 10), 'é'.repeat(i % 40)] }));
    const answers = await play([...many, { program: 0, values: ['1009'] }]);
    expect(answers.filter((a) => a.status !== 0)).toEqual([]);
    expect(answers.at(-1)?.rows).toEqual([['é'.repeat(39), null]]);
  });
});

describe('programs', () => {
  test('statements of one transaction stand and fall together', async () => {
    const both: PlayProgram = {
      statements: [...put.statements, ...put.statements],
      atomic: true,
      commits: [0],
      answering: -1,
    };
    await player.define([get, both]);
    const answers = await play([
      { program: 1, values: ['2', 'y'] },
      { program: 0, values: ['2'] },
    ]);
    expect(answers.map((a) => [a.error, a.rows])).toEqual([
      ['23505', null],
      [null, []],
    ]);
  });

  test('statements that commit on their own stop at the first error, and what came before stays', async () => {
    const each: PlayProgram = {
      statements: [...put.statements, ...put.statements],
      atomic: false,
      commits: [0, 1],
      answering: -1,
    };
    await player.define([get, each]);
    const answers = await play([
      { program: 1, values: ['2', 'y'] },
      { program: 0, values: ['2'] },
    ]);
    expect(answers.map((a) => [a.error, a.rows])).toEqual([
      ['23505', null],
      [null, [['y', null]]],
    ]);
  });

  test('rows are touched by any statement, and by those that tell', async () => {
    const program = (tells: boolean): PlayProgram => ({
      ...put,
      statements: put.statements.map((s) => ({ ...s, tells })),
    });
    await player.define([program(true), program(false)]);
    const answers = await play([
      { program: 0, values: ['2', 'y'] },
      { program: 1, values: ['3', 'y'] },
    ]);
    expect(answers.map((a) => [a.touched, a.tells])).toEqual([
      [1, true],
      [1, false],
    ]);
  });

  test('a row that was read is used by a later statement, others in between', async () => {
    const copy: PlayProgram = {
      statements: [
        statement(['SELECT a, n FROM t WHERE id = ', param(0)], { as: 'row', returnsRows: true }),
        statement(['UPDATE t SET a = ', { row: 'row', column: 'a' }, " || '!' WHERE id = ", param(0)], {
          modifies: true,
        }),
      ],
      atomic: false,
      commits: [0, 1],
      answering: -1,
    };
    const set: PlayProgram = {
      statements: [statement(["UPDATE t SET a = 'new' WHERE id = ", param(0)], { modifies: true })],
      atomic: true,
      commits: [0],
      answering: -1,
    };
    await player.define([get, copy, set]);
    const answers = await play([
      { program: 1, values: ['1'], statement: 0, flight: 1 },
      { program: 2, values: ['1'] },
      { program: 1, values: ['1'], statement: 1, flight: 1 },
      { program: 0, values: ['1'] },
      // There is no such row: the second statement is not run.
      { program: 1, values: ['7'] },
    ]);
    expect(answers[3]?.rows).toEqual([['x!', '1.50']]);
    expect(answers[4]).toMatchObject({ status: 0, touched: 0 });
  });

  test('run in the database that they name, and leave the next one where it was', async () => {
    const made = await player.script(
      ['CREATE SCHEMA "other db"', 'CREATE TABLE "other db".t (id int PRIMARY KEY, a text NOT NULL)'],
      moment,
    );
    expect(made.ok).toBe(true);
    const there = (program: PlayProgram): PlayProgram => ({
      ...program,
      statements: program.statements.map((s) => ({ ...s, database: 'other db' })),
    });
    const names = statement(['SELECT id FROM t WHERE id = ', param(0)], { as: 'found', returnsRows: true });
    const uses = statement(['SELECT a FROM t WHERE id = ', { row: 'found', column: 'id' }], { returnsRows: true });
    const handed: PlayProgram = {
      statements: [{ ...names, database: 'other db' }, uses],
      atomic: true,
      commits: [0, 1],
      answering: 1,
    };
    const getThere: PlayProgram = {
      ...get,
      statements: [statement(['SELECT a FROM t WHERE id = ', param(0)], { returnsRows: true, database: 'other db' })],
    };
    await player.define([get, put, getThere, there(put), handed]);
    const answers = await play([
      { program: 3, values: ['1', 'there'] },
      { program: 2, values: ['1'] },
      { program: 0, values: ['1'] },
      // Refused in the one, and the next is asked of the other.
      { program: 3, values: ['1', 'again'] },
      { program: 0, values: ['1'] },
      { program: 1, values: ['2', 'here'] },
      { program: 2, values: ['2'] },
      // Only asked what it would say.
      { program: 3, values: ['3', 'no'], probe: 1 },
      { program: 2, values: ['3'] },
      { program: 4, values: ['1'], statement: 0, flight: 1 },
      { program: 4, values: ['1'], statement: 1, flight: 1 },
    ]);
    expect(answers.map((a) => [a.error, a.touched, a.rows])).toEqual([
      [null, 1, null],
      [null, 0, [['there']]],
      [null, 0, [['x', '1.50']]],
      ['23505', 0, null],
      [null, 0, [['x', '1.50']]],
      [null, 1, null],
      [null, 0, []],
      [null, 1, null],
      [null, 0, []],
      [null, 0, null],
      [null, 0, [['x']]],
    ]);
  });

  test('what commits together goes together, from one database to another', async () => {
    const two = (database: string | null): readonly PlayStatement[] =>
      put.statements.flatMap((s) => [
        { ...s, database },
        { ...s, database },
      ]);
    const across: PlayProgram = {
      statements: [...two(null), ...two('shop')],
      atomic: true,
      commits: [0, 2],
      answering: -1,
    };
    await player.script(['CREATE SCHEMA shop', 'CREATE TABLE shop.t (id int, a text)'], moment);
    const count: PlayProgram = {
      ...get,
      statements: [
        statement(['SELECT (SELECT count(*) FROM public.t), (SELECT count(*) FROM shop.t)'], { returnsRows: true }),
      ],
    };
    await player.define([across, count]);
    const answers = await play([
      // The same key twice: the first commit fails, and the second is not tried.
      { program: 0, values: ['5', 'y'], statement: 0, flight: 1 },
      { program: 0, values: ['5', 'y'], statement: 2, flight: 1 },
      { program: 0, values: ['5', 'y'], statement: 2, flight: 2 },
      { program: 1, values: [] },
    ]);
    expect(answers.map((a) => [a.status, a.rows])).toEqual([
      [1, null],
      [2, null],
      [0, null],
      [0, [['1', '2']]],
    ]);
  });

  test('a fraction that is calculated with is a number, as it is when it is written in', async () => {
    const times: PlayProgram = {
      statements: [statement(['SELECT ', param(0, true), ' * 100'], { returnsRows: true })],
      atomic: true,
      commits: [0],
      answering: 0,
    };
    await player.define([times]);
    const answers = await play([
      { program: 0, values: ['7.25'] },
      { program: 0, values: ['7'] },
    ]);
    expect(answers.map((a) => a.rows)).toEqual([[['725.00']], [['700']]]);
  });

  test('are prepared anew after a migration: a star is no stale plan', async () => {
    const star: PlayProgram = {
      statements: [statement(['SELECT * FROM t WHERE id = ', param(0)], { returnsRows: true })],
      atomic: true,
      commits: [0],
      answering: 0,
    };
    const later: PlayProgram = {
      statements: [statement(['SELECT b FROM t WHERE id = ', param(0)], { returnsRows: true })],
      atomic: true,
      commits: [0],
      answering: 0,
    };
    await player.define([star, later]);
    const items = [
      { program: 0, values: ['1'] },
      { program: 1, values: ['1'] },
    ];
    expect((await play(items)).map((a) => [a.error, a.rows])).toEqual([
      [null, [['1', 'x', '1.50']]],
      ['42703', null],
    ]);
    const call = {
      statements: [{ pieces: ['ALTER TABLE t ADD COLUMN b int DEFAULT 7'], as: null, returnsRows: false }],
      writes: true,
    };
    expect(await player.transaction(call, moment, true)).toMatchObject({ ok: true });
    expect((await play(items)).map((a) => [a.error, a.rows])).toEqual([
      [null, [['1', 'x', '1.50', '7']]],
      [null, [['7']]],
    ]);
  });

  test('random values depend on the seed and the place in the batch alone', async () => {
    const draw: PlayProgram = {
      statements: [statement(['SELECT gen_random_uuid(), random()'], { returnsRows: true })],
      atomic: true,
      commits: [0],
      answering: 0,
    };
    await player.define([draw]);
    const items = [
      { program: 0, values: [] },
      { program: 0, values: [] },
    ];
    const first = (await play(items, true)).map((a) => a.rows);
    expect((await play(items, true)).map((a) => a.rows)).toEqual(first);
    expect(first[0]).not.toEqual(first[1]);
  });
});
