/** Statements of programs as Postgres has them prepared. After a migration they are prepared anew, as by new pods. */
import { quoteLiteral } from './catalog.ts';
import type { Database } from './database.ts';
import type { PlayPiece, PlayProgram, PlayStatement } from './player.ts';
import type { Field } from './protocol.ts';

export interface Prepared {
  /** Null: it can't be prepared (as yet), and is sent with its values written in. */
  readonly name: string | null;
  /** For each `$n`: a parameter's place, or a column of a named row. */
  readonly slots: readonly (number | { readonly row: string; readonly column: string })[];
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly fields: readonly Field[];
  readonly text: string;
}

/** Types whose values are not compared as text. A domain shows as the type that it is made of. */
const typeNames: Readonly<Record<number, string>> = {
  20: 'int8',
  21: 'int2',
  23: 'int4',
  26: 'oid',
  114: 'json',
  700: 'float4',
  701: 'float8',
  1700: 'numeric',
  3802: 'jsonb',
};

export class PreparedStatements {
  private readonly known = new Map<number, Prepared[]>();
  private readonly byProgram = new WeakMap<PlayProgram, readonly Prepared[]>();
  private readonly typeNames = new Map<string, string>();

  constructor(private readonly db: Database) {}

  ensure(number: number, program: PlayProgram): void {
    if (this.known.has(number)) return;
    const list: Prepared[] = [];
    for (const [s, statement] of program.statements.entries()) {
      this.db.lookIn(statement.database);
      list.push(this.prepare(`play_${number}_${s}`, statement, program, list));
    }
    this.db.lookIn(null);
    this.known.set(number, list);
    this.byProgram.set(program, list);
  }

  of(number: number, statement: number): Prepared {
    const found = this.known.get(number)?.[statement];
    if (found === undefined) throw new Error(`statement ${statement} of program ${number} was not prepared`);
    return found;
  }

  last(program: PlayProgram, statement: number): Prepared | undefined {
    return this.byProgram.get(program)?.[statement];
  }

  /** The schema may be another: what a name stands for is no longer known. */
  forget(): void {
    const names = [...this.known.values()].flat().flatMap((p) => p.name ?? []);
    this.known.clear();
    if (names.length === 0) return;
    this.db.extended((out) => {
      for (const name of names) out.closeStatement(name);
      out.sync();
    });
  }

  /** The statement with its values written in; null when a row that it needs wasn't there. */
  inline(
    statement: PlayStatement,
    values: readonly (string | null)[],
    field: (
      row: string,
    ) => { readonly prepared: Prepared; readonly row: readonly (string | null)[] | null } | undefined,
  ): string | null {
    let sql = '';
    for (const piece of statement.pieces) {
      if (typeof piece === 'string') sql += piece;
      else if ('param' in piece) sql += literal(values[piece.param] ?? null, piece);
      else {
        const found = field(piece.row);
        if (found?.row == null) return null;
        const at = found.prepared.fields.findIndex((f) => f.name === piece.column);
        const value = found.row[at] ?? null;
        sql += `${value === null ? 'NULL' : quoteLiteral(value)}::${this.typeName(found.prepared.fields[at])}`;
      }
    }
    return sql;
  }

  private prepare(name: string, statement: PlayStatement, program: PlayProgram, before: readonly Prepared[]): Prepared {
    const { text, slots } = numbered(statement.pieces);
    const types = slots.map((slot) => (typeof slot === 'number' ? 0 : fieldType(slot, program, before)));
    const fixed = statement.pieces.some((p) => typeof p !== 'string' && 'param' in p && p.calculates);
    const reply = fixed
      ? null
      : this.db.extended((out) => out.parseTyped(name, text, types).describe(name).sync(), text);
    if (reply !== null && reply.error === null)
      return { name, slots, text, fields: reply.fields ?? [], columns: columnsOf(reply.fields) };
    const plain = statement.pieces.map((p) => (typeof p === 'string' ? p : 'NULL')).join('');
    const probe = this.db.extended((out) => out.parse('', plain).describe('').sync(), plain);
    const fields = probe.error === null ? (probe.fields ?? []) : [];
    return { name: null, slots, text, fields, columns: columnsOf(fields) };
  }

  private typeName(field: Field | undefined): string {
    if (field === undefined) return 'text';
    const key = `${field.type},${field.modifier}`;
    let name = this.typeNames.get(key);
    if (name === undefined)
      this.typeNames.set(key, (name = this.db.query(`SELECT format_type(${key})`).rows?.[0]?.[0] ?? 'text'));
    return name;
  }
}

function numbered(pieces: readonly PlayPiece[]): { readonly text: string; readonly slots: Prepared['slots'] } {
  const slots: (number | { row: string; column: string })[] = [];
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') text += piece;
    // A number for each place: one parameter may be used as two types.
    else if ('param' in piece) text += `$${slots.push(piece.param)}${piece.cast}`;
    else text += `$${slots.push(piece)}`;
  }
  return { text, slots };
}

function fieldType(
  { row, column }: { readonly row: string; readonly column: string },
  program: PlayProgram,
  before: readonly Prepared[],
): number {
  const from = program.statements.findIndex((s) => s.as === row);
  return before[from]?.fields.find((f) => f.name === column)?.type ?? 0;
}

function columnsOf(fields: readonly Field[] | null): Prepared['columns'] {
  return (fields ?? []).map((f) => ({ name: f.name, type: typeNames[f.type] ?? '' }));
}

function literal(value: string | null, piece: { readonly cast: string; readonly calculates: boolean }): string {
  if (value === null) return `NULL${piece.cast}`;
  const cast = piece.calculates && /^-?\d+\.\d+$/.test(value) ? '::numeric' : piece.cast;
  return `${quoteLiteral(value)}${cast}`;
}
