/**
 * Loads contents into the tables of one schema and reads them back. A load is one transaction that
 * commits, so that what runs next meets rows as a real session would.
 */
import type { SchemaFacts, StoredTable } from './catalog.ts';
import { quoteLiteral } from './catalog.ts';
import { parseContent, parseRecord, withSequences, writeContent } from './content.ts';
import { SqlFailure } from './database.ts';
import type { Database } from './database.ts';
import type { Content, ParsedContent, Rows } from './engine.ts';
import type { Reply } from './protocol.ts';

const dumpName = 'cutover_dump';
const sequencesName = 'cutover_sequences';
/** Deleted rows stay in the files until a vacuum; more of them than this slow every scan. */
const writesBetweenVacuums = 1000;

/** True only when the transaction at hand has written something. */
const hasWritten = 'pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL';

export class Store {
  private content: Content | null = null;
  private loadedTables: Record<string, string> = {};
  private prepared = false;
  private writes = 0;
  private readonly dumpSql: string;
  private readonly dumpIfWritten: string;
  private readonly sequenceSql: string;
  readonly hasSequences: boolean;

  constructor(
    private readonly db: Database,
    private readonly facts: SchemaFacts,
    private readonly onLoad: () => void,
  ) {
    this.hasSequences = facts.sequences.length > 0;
    const sequences = facts.sequences.map((s, i) => `SELECT ${-2 - i}, ROW(last_value, is_called)::text FROM ${s.sql}`);
    const marker = `SELECT -1, pg_catalog.pg_current_xact_id_if_assigned()::text`;
    this.sequenceSql = [marker, ...sequences].join(' UNION ALL ');
    this.dumpSql = [marker, ...facts.tables.map((t, i) => tableDump(t, i, '')), ...sequences].join(' UNION ALL ');
    this.dumpIfWritten = [marker, ...facts.tables.map((t, i) => tableDump(t, i, ` WHERE ${hasWritten}`)), ...sequences].join(
      ' UNION ALL ',
    );
  }

  /** What is committed in the tables now; null when it isn't known. */
  get loaded(): Content | null {
    return this.content;
  }

  /** The tables may hold anything: something else ran. */
  forget(): void {
    this.content = null;
    this.loadedTables = {};
    this.prepared = false;
  }

  /** Makes the tables hold this content. */
  load(content: Content): void {
    if (content === this.content) return;
    const parsed = parseContent(content);
    const sql = this.loadSql(parsed);
    const reply = this.db.attempt(sql.replace('/* relax */', '').replace('/* restore */', ''));
    if (reply.error !== null) this.loadRelaxed(sql, reply.error);
    this.content = content;
    for (const table of this.facts.tables) this.loadedTables[table.name] = JSON.stringify(parsed.tables[table.name]);
    this.onLoad();
    this.tidy();
  }

  /** The content as the transaction at hand sees it. */
  read(): Content {
    return this.toContent(this.db.query(this.dumpSql));
  }

  /** The same, after a call that began with `before`; much faster, for the schema at hand. */
  readAfter(before: Content): Content {
    if (!this.prepared) this.prepare();
    const reply = this.db.execute(dumpName);
    if (reply.error !== null) throw new SqlFailure(reply.error, this.dumpIfWritten);
    this.writes++;
    if (reply.rows?.[0]?.[1] === null) return this.hasSequences ? this.withSequencesOf(before, reply.rows) : before;
    return this.toContent(reply);
  }

  /** `before` with the sequences as they are now: a rollback does not turn them back. */
  readSequences(before: Content): Content {
    if (!this.prepared) this.prepare();
    const reply = this.db.execute(sequencesName);
    return this.withSequencesOf(before, reply.rows ?? []);
  }

  /** SQL that sets the sequences to what the content says. */
  sequencesSql(content: Content): string {
    return this.setSequences(parseContent(content));
  }

  private prepare(): void {
    this.db.prepare(dumpName, this.dumpIfWritten);
    this.db.prepare(sequencesName, this.sequenceSql);
    this.prepared = true;
  }

  private loadSql(parsed: ParsedContent): string {
    const changed = this.facts.tables.filter(
      (t) => this.content === null || this.loadedTables[t.name] !== JSON.stringify(parsed.tables[t.name]),
    );
    const parts = changed.flatMap((table) => [`DELETE FROM ONLY ${table.sql};`, insertRows(table, parsed.tables[table.name] ?? [])]);
    // Triggers, rules and foreign keys are off: the rows are copies, not news.
    return `ROLLBACK;BEGIN;SET LOCAL session_replication_role=replica;/* relax */${parts.join('')}${this.setSequences(
      parsed,
    )}/* restore */COMMIT`;
  }

  private setSequences(parsed: ParsedContent): string {
    return this.facts.sequences
      .map((sequence) => {
        const [last, called] = parsed.sequences[sequence.name] ?? ['1', 'f'];
        return `SELECT setval(${quoteLiteral(sequence.sql)},${last},${called === 't'});`;
      })
      .join('');
  }

  /**
   * Rows may break a constraint that is NOT VALID, or a CHECK that holds no longer: they got in before it.
   * The catalog is made to forget constraints and always-firing triggers for the length of the load.
   */
  private loadRelaxed(sql: string, error: NonNullable<Reply['error']>): void {
    if (!/^(23502|23514|22)/.test(error.sqlstate)) {
      this.db.attempt('ROLLBACK');
      throw new SqlFailure(error, sql);
    }
    const oids = this.facts.tables.map((t) => t.oid).join(',');
    const { relax, restore } = this.relaxation(oids === '' ? '0' : oids);
    const relaxed = sql.replace('/* relax */', () => relax).replace('/* restore */', () => restore);
    const reply = this.db.attempt(relaxed);
    if (reply.error === null) return;
    this.db.attempt('ROLLBACK');
    throw new SqlFailure(reply.error, sql);
  }

  private relaxation(oids: string): { relax: string; restore: string } {
    this.db.attempt('ROLLBACK');
    const checks = this.db.query(`SELECT oid, relchecks FROM pg_class WHERE oid IN (${oids}) AND relchecks > 0`).rows ?? [];
    const notNulls =
      this.db.query(`SELECT conrelid, conkey[1] FROM pg_constraint
        WHERE conrelid IN (${oids}) AND contype = 'n' AND NOT convalidated`).rows ?? [];
    const domains =
      this.db.query(`SELECT oid, contypid FROM pg_constraint WHERE contypid <> 0 AND contype = 'c' AND NOT convalidated`)
        .rows ?? [];
    const relax = [
      ...checks.map(([oid]) => `UPDATE pg_class SET relchecks=0 WHERE oid=${oid};`),
      ...notNulls.map(([r, n]) => `UPDATE pg_attribute SET attnotnull=false WHERE attrelid=${r} AND attnum=${n};`),
      ...domains.map(([oid]) => `UPDATE pg_constraint SET contypid=0 WHERE oid=${oid};`),
    ];
    const restore = [
      ...checks.map(([oid, count]) => `UPDATE pg_class SET relchecks=${count} WHERE oid=${oid};`),
      ...notNulls.map(([r, n]) => `UPDATE pg_attribute SET attnotnull=true WHERE attrelid=${r} AND attnum=${n};`),
      ...domains.map(([oid, type]) => `UPDATE pg_constraint SET contypid=${type} WHERE oid=${oid};`),
    ];
    return { relax: relax.join(''), restore: restore.join('') };
  }

  private tidy(): void {
    if (++this.writes < writesBetweenVacuums || this.facts.tables.length === 0) return;
    this.writes = 0;
    this.db.query(`VACUUM ${this.facts.tables.map((t) => t.sql).join(',')}`);
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
