/** A backfill against the migrated database: batch by batch, with what a job remembers in between. */
import type { Moment, Player, ScriptOutcome } from '../engine/player.ts';
import { rangeBounds } from '../explore/jobs.ts';
import { inDatabase } from '../engine/databases.ts';
import { callStatement, typedLiteral } from '../explore/programs.ts';
import { refuseIntervention } from '../explore/transitions.ts';
import type { BackfillStep, Statement, Value } from '../plan/model.ts';

export type BatchOutcome =
  | { readonly kind: 'batch'; readonly touched: number }
  /** Nothing was left to do. */
  | { readonly kind: 'finished' }
  /** A script has read; its rows are yet to be written. */
  | { readonly kind: 'read'; readonly rows: number }
  | { readonly kind: 'error'; readonly message: string };

/** What a script's read gives. */
export type ScriptColumns = readonly { readonly name: string; readonly type: string }[];

export class BackfillRun {
  private next = 0;
  /** Rows in a batch. */
  private batch = 1;
  private last: string | null = null;
  private rows: Readonly<Record<string, string>>[] = [];
  private hasRead = false;

  constructor(
    private readonly step: BackfillStep,
    private readonly player: Player,
    private readonly columns: ScriptColumns,
  ) {}

  async run(moment: Moment, batch: number): Promise<BatchOutcome> {
    this.batch = batch;
    const { form } = this.step;
    switch (form.kind) {
      case 'statement': {
        if (!form.batched && this.next++ > 0) return { kind: 'finished' };
        const done = await this.send([form.statement], new Map([['batch', String(this.batch)]]), moment);
        return form.batched && done.kind === 'batch' && done.touched === 0 ? { kind: 'finished' } : done;
      }
      case 'list': {
        const statement = form.statements[this.next++];
        if (statement === undefined) return { kind: 'finished' };
        return this.send([statement], new Map([['batch', String(this.batch)]]), moment);
      }
      case 'range':
        return this.range(form, moment);
      case 'script':
        return this.rows.length > 0 ? this.write(form.write, moment) : this.read(form, moment);
    }
  }

  private async send(
    statements: readonly Statement[],
    params: ReadonlyMap<string, Value>,
    moment: Moment,
  ): Promise<BatchOutcome> {
    const call = { statements: statements.map((s) => callStatement(s, params)), writes: true };
    return outcome(await this.player.transaction(call, moment, false));
  }

  private async range(form: BackfillStep['form'] & { kind: 'range' }, moment: Moment): Promise<BatchOutcome> {
    const { table, column } = form.by;
    const name = [table.schema, table.table].flatMap((part) => (part === null ? [] : [quote(part)])).join('.');
    const where = this.last === null ? '' : ` WHERE ${quote(column)} > ${typedLiteral(this.last, '')}`;
    const keys = `SELECT ${quote(column)} AS k FROM ${name}${where} ORDER BY 1 LIMIT ${this.batch}`;
    const bounds = await this.player.script(
      [`SELECT (array_agg(k ORDER BY k))[1], (array_agg(k ORDER BY k DESC))[1] FROM (${keys}) AS keys`],
      moment,
    );
    if (!bounds.ok) return outcome(bounds);
    const [first, last] = bounds.rows[0]?.[0] ?? [];
    if (first == null || last == null) return { kind: 'finished' };
    const params = new Map([...rangeBounds(form.statement, [first, last], this.last), ['batch', String(this.batch)]]);
    this.last = last;
    return this.send([form.statement], params, moment);
  }

  private async read(form: BackfillStep['form'] & { kind: 'script' }, moment: Moment): Promise<BatchOutcome> {
    if (this.hasRead && !form.batched) return { kind: 'finished' };
    const call = { statements: [callStatement(form.read, new Map([['batch', String(this.batch)]]))], writes: false };
    const read = await this.player.transaction(call, moment, false);
    if (!read.ok) return outcome(read);
    this.hasRead = true;
    this.rows = (read.rows[0] ?? []).map((row) =>
      Object.fromEntries(this.columns.map(({ name, type }, i) => [name, typedLiteral(row[i] ?? null, type)])),
    );
    return this.rows.length === 0 ? { kind: 'finished' } : { kind: 'read', rows: this.rows.length };
  }

  private async write(statements: readonly Statement[], moment: Moment): Promise<BatchOutcome> {
    const row = this.rows.shift() ?? {};
    const written = statements.map((s) => {
      const text = s.pieces.map((p) =>
        p.kind === 'text' ? p.text : (row[p.kind === 'param' ? p.name : p.column] ?? 'NULL'),
      );
      return { pieces: [inDatabase(s.database, text.join(''))], as: null, returnsRows: s.returnsRows };
    });
    return outcome(await this.player.transaction({ statements: written, writes: true }, moment, false));
  }
}

function outcome(result: ScriptOutcome): BatchOutcome {
  if (result.ok) return { kind: 'batch', touched: result.touched };
  refuseIntervention(result, null);
  return { kind: 'error', message: `${result.message} (${result.sqlstate})` };
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
