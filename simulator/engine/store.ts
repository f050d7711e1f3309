/**
 * Loads contents into the tables of one schema and reads them back. A load is one transaction that
 * commits, so that what runs next meets rows as a real session would.
 */
import type { SchemaFacts, StoredTable } from './catalog.ts';
import { quoteLiteral } from './catalog.ts';
import { parseContent, parseRecord, withSequences, writeContent } from './content.ts';
import { SqlFailure } from './database.ts';
import type { Database } from './database.ts';
import { changesDump, changesIn, changesTable, quietCapture } from './capture.ts';
import type { Change, Content, ParsedContent, Rows } from './engine.ts';
import type { Reply, SqlError } from './protocol.ts';

const dumpName = 'cutover_dump';
const sequencesName = 'cutover_sequences';
/** Deleted rows stay in the files until a vacuum; more of them than this slow every scan. */
const writesBetweenVacuums = 1000;

/** True only when the transaction at hand has written something. */
const hasWritten = 'pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL';

/** SQL around a load that makes the catalog forget what would refuse the rows, and remember it again. */
interface Relaxation {
  readonly relax: string;
  readonly restore: string;
}

const noRelaxation: Relaxation = { relax: '', restore: '' };

export class Store {
  private content: Content | null = null;
  private loadedTables: Record<string, string> = {};
  private changes: readonly Change[] = [];
  private writes = 0;
  private relaxation: Relaxation | null = null;
  private readonly dumpSql: string;
  private readonly dumpIfWritten: string;
  private readonly sequenceSql: string;
  readonly hasSequences: boolean;

  constructor(
    private readonly db: Database,
    private readonly facts: SchemaFacts,
    private readonly onLoad: () => void,
    /** Changes of rows are captured. */
    private readonly captures = false,
  ) {
    this.hasSequences = facts.sequences.length > 0;
    const sequences = facts.sequences.map((s, i) => `SELECT ${-2 - i}, ROW(last_value, is_called)::text FROM ${s.sql}`);
    const marker = `SELECT -1, pg_catalog.pg_current_xact_id_if_assigned()::text`;
    this.sequenceSql = [marker, ...sequences].join(' UNION ALL ');
    this.dumpSql = [marker, ...facts.tables.map((t, i) => tableDump(t, i, '')), ...sequences].join(' UNION ALL ');
    this.dumpIfWritten = [
      marker,
      ...facts.tables.map((t, i) => tableDump(t, i, ` WHERE ${hasWritten}`)),
      ...sequences,
      ...(captures ? [changesDump] : []),
    ].join(' UNION ALL ');
  }

  /** What is committed in the tables now; null when it isn't known. */
  get loaded(): Content | null {
    return this.content;
  }

  /** The tables may hold anything: something else ran. */
  forget(): void {
    this.content = null;
    this.loadedTables = {};
    this.relaxation = null;
  }

  /** Makes the tables hold this content; when `strict`, not against a constraint. */
  load(content: Content, strict?: 'strict'): void {
    if (content === this.content) return;
    const parsed = parseContent(content);
    const reply = this.facts.alwaysFires ? null : this.db.attempt(this.loadSql(parsed, noRelaxation));
    const refused = reply?.error ?? null;
    if (refused !== null && strict) throw this.refusal(refused);
    if (reply === null || refused !== null) this.loadRelaxed(parsed, refused);
    this.content = content;
    for (const table of this.facts.tables) this.loadedTables[table.name] = JSON.stringify(parsed.tables[table.name]);
    this.onLoad();
    this.tidy();
  }

  /** The content as the transaction at hand sees it; `before` is SQL to be sent with it. */
  read(before = ''): Content {
    return this.toContent(this.db.query(before + this.dumpSql));
  }

  /** Takes back a transaction that began with this content. */
  undo(content: Content): void {
    this.db.query(`ROLLBACK;${this.sequencesSql(content)}`);
  }

  /** The same, after a call that began with `before`; much faster, for the schema at hand. */
  readAfter(before: Content): Content {
    this.db.prepare(dumpName, this.dumpIfWritten);
    return this.contentAfter(before, this.db.execute(dumpName));
  }

  /** Between transactions: sees to it that the name that it gives runs the dump of `contentAfter`. */
  prepareDump(): string {
    this.db.prepareApart(dumpName, this.dumpIfWritten);
    return dumpName;
  }

  /** The content that a dump shows, after a call that began with `before`. */
  contentAfter(before: Content, reply: Reply): Content {
    if (reply.error !== null) throw new SqlFailure(reply.error, this.dumpIfWritten);
    this.writes++;
    this.changes = this.captures ? changesIn(reply.rows ?? []) : [];
    if (reply.rows?.[0]?.[1] === null) return this.hasSequences ? this.withSequencesOf(before, reply.rows) : before;
    return this.toContent(reply);
  }

  /** What the call that was dumped last has changed. */
  lastChanges(): readonly Change[] {
    return this.changes;
  }

  /** `before` with the sequences as they are now: a rollback does not turn them back. */
  readSequences(before: Content): Content {
    this.db.prepare(sequencesName, this.sequenceSql);
    const reply = this.db.execute(sequencesName);
    return this.withSequencesOf(before, reply.rows ?? []);
  }

  /** SQL that sets the sequences to what the content says. */
  sequencesSql(content: Content): string {
    return this.setSequences(parseContent(content));
  }

  private loadSql(parsed: ParsedContent, { relax, restore }: Relaxation): string {
    const changed = this.facts.tables.filter(
      (t) => this.content === null || this.loadedTables[t.name] !== JSON.stringify(parsed.tables[t.name]),
    );
    const deletes = changed.map((table) => `DELETE FROM ONLY ${table.sql};`);
    const views = changed.filter((table) => table.materialized);
    const inserts = changed.map((table) => insertRows(table, parsed.tables[table.name] ?? []));
    // Triggers, rules and foreign keys are off: the rows are copies, not news. Postgres forgets every plan for it.
    const off = this.facts.fires ? 'SET LOCAL session_replication_role=replica;' : '';
    const quiet = this.captures ? off + quietCapture : off;
    return [`ROLLBACK;BEGIN;${quiet}`, relax]
      .concat(
        views.map((view) => writable(view, true)),
        deletes,
        inserts,
        this.setSequences(parsed),
        restore,
      )
      .concat(
        views.map((view) => writable(view, false)),
        'COMMIT',
      )
      .join('');
  }

  private setSequences(parsed: ParsedContent): string {
    return this.facts.sequences
      .map((sequence) => {
        const [last, called] = parsed.sequences[sequence.name] ?? ['1', 'f'];
        return `SELECT setval(${quoteLiteral(sequence.sql)},${last},${called === 't'});`;
      })
      .join('');
  }

  /** Rows may break a constraint that is NOT VALID, or a CHECK that holds no longer: they got in before it. */
  private loadRelaxed(parsed: ParsedContent, error: SqlError | null): void {
    if (error !== null && !/^(23502|23514|22)/.test(error.sqlstate)) throw this.refusal(error);
    this.db.attempt('ROLLBACK');
    this.relaxation ??= findRelaxation(this.db, this.facts);
    const reply = this.db.attempt(this.loadSql(parsed, this.relaxation));
    if (reply.error !== null) throw this.refusal(reply.error);
  }

  private refusal(error: SqlError): SqlFailure {
    this.db.attempt('ROLLBACK');
    // The rows are as they were, the sequences may not be.
    this.content = null;
    return new SqlFailure(error, 'loading a content');
  }

  private tidy(): void {
    if (++this.writes < writesBetweenVacuums || this.facts.tables.length === 0) return;
    this.writes = 0;
    const tables = this.facts.tables.map((t) => t.sql);
    this.db.query(`VACUUM ${[...tables, ...(this.captures ? [changesTable] : [])].join(',')}`);
  }

  private toContent(reply: Reply): Content {
    const tables = this.facts.tables.map(({ name }) => ({ name, rows: [] as string[] }));
    for (const [key, record] of reply.rows ?? []) {
      const i = Number(key);
      if (i < 0 || record === null || record === undefined) continue;
      const width = this.facts.tables[i]?.columns.length ?? 0;
      tables[i]?.rows.push(JSON.stringify(parseRecord(record, width)));
    }
    return writeContent(tables, this.toSequences(reply.rows ?? []));
  }

  private toSequences(rows: Rows): { name: string; value: (string | null)[] }[] {
    const sequences = this.facts.sequences.map(({ name }) => ({ name, value: [] as (string | null)[] }));
    for (const [key, record] of rows) {
      const sequence = sequences[-2 - Number(key)];
      if (sequence !== undefined) sequence.value = parseRecord(record ?? '', 2);
    }
    return sequences;
  }

  private withSequencesOf(before: Content, rows: Rows): Content {
    return this.hasSequences ? withSequences(before, this.toSequences(rows)) : before;
  }
}

/** Postgres writes no materialized view that it does not fill itself: while it is loaded, the catalog calls it a table. */
function writable({ sql }: StoredTable, begins: boolean): string {
  const [kind, rules] = begins ? ['r', 'false'] : ['m', 'true'];
  return `UPDATE pg_class SET relkind='${kind}',relhasrules=${rules} WHERE oid=${quoteLiteral(sql)}::regclass;`;
}

function tableDump(table: StoredTable, index: number, where: string): string {
  const columns = table.columns.map((c) => `t.${c.sql}`).join(',');
  return `SELECT ${index}, ROW(${columns})::text FROM ONLY ${table.sql} t${where}`;
}

function insertRows(table: StoredTable, rows: Rows): string {
  if (rows.length === 0) return '';
  const kept = table.columns.flatMap((column, i) => (column.generated ? [] : [i]));
  if (kept.length === 0) return `INSERT INTO ${table.sql} DEFAULT VALUES;`.repeat(rows.length);
  const names = kept.map((i) => table.columns[i]?.sql).join(',');
  const values = rows.map((row) => `(${kept.map((i) => literal(row[i] ?? null)).join(',')})`);
  return `INSERT INTO ${table.sql} (${names}) OVERRIDING SYSTEM VALUE VALUES ${values.join(',')};`;
}

function literal(value: string | null): string {
  return value === null ? 'NULL' : quoteLiteral(value);
}

type Cell = string | null | undefined;

/** Constraints are left in place, with their names and states: only what says that they exist is turned off. */
function findRelaxation(db: Database, facts: SchemaFacts): Relaxation {
  const tables = facts.tables.map((t) => `${quoteLiteral(t.sql)}::regclass`).join(',') || '0';
  const rows = (sql: string) => db.query(sql).rows ?? [];
  const relations = rows(`SELECT oid, relchecks, relhastriggers, relhasrules FROM pg_class
    WHERE oid IN (${tables}) AND (relchecks > 0 OR relhastriggers OR relhasrules)`);
  const notNulls = rows(`SELECT conrelid, conkey[1] FROM pg_constraint
    WHERE conrelid IN (${tables}) AND contype = 'n' AND NOT convalidated`);
  const domains = rows(`SELECT oid, contypid FROM pg_constraint
    WHERE contypid <> 0 AND contype = 'c' AND NOT convalidated`);
  const updateClass = (oid: Cell, checks: Cell, triggers: boolean, rules: boolean) =>
    `UPDATE pg_class SET relchecks=${checks},relhastriggers=${triggers},relhasrules=${rules} WHERE oid=${oid};`;
  const updateColumn = (row: Rows[number], value: boolean) =>
    `UPDATE pg_attribute SET attnotnull=${value} WHERE attrelid=${row[0]} AND attnum=${row[1]};`;
  return {
    relax: [
      ...relations.map(([oid]) => updateClass(oid, '0', false, false)),
      ...notNulls.map((row) => updateColumn(row, false)),
      ...domains.map(([oid]) => `UPDATE pg_constraint SET contypid=0 WHERE oid=${oid};`),
    ].join(''),
    restore: [
      ...relations.map(([oid, checks, triggers, rules]) => updateClass(oid, checks, triggers === 't', rules === 't')),
      ...notNulls.map((row) => updateColumn(row, true)),
      ...domains.map(([oid, type]) => `UPDATE pg_constraint SET contypid=${type} WHERE oid=${oid};`),
    ].join(''),
  };
}
