/**
 * What the thread has answered before. What a call, a migration or a question gives depends on the schema and the content
 * alone, so while plans begin with the same database (variants of one, or one that is being edited) nothing is run twice.
 * Sessions and players are not among it: what they do is done for real.
 */
import type { Counted } from './database.ts';
import type { Call, Content, MigrateOutcome, Outcome, RunOptions, SchemaId } from './engine.ts';
import { Numbering } from './messages.ts';
import type { PackedOutcomes } from './messages.ts';
import type { Migration } from './workspace.ts';

/** An outcome of a call, as it is packed. */
export type KeptOutcome = Counted<
  { readonly content: Content } & (
    | { readonly results: string; readonly changes: string | null }
    | { readonly error: readonly [sqlstate: string, message: string, statement: number] }
  )
>;

/** Past this everything is forgotten. Letters that are kept, and a guess for what keeping one answer takes. */
const mostLetters = 60_000_000;
const lettersOfAnswer = 60;
const stride = 2 ** 24;

export class Remembered {
  private base: string | null = null;
  private readonly contents = new Map<Content, number>();
  private readonly calls = new Map<string, number>();
  private readonly outcomes = new Map<string, Map<number, KeptOutcome>>();
  private readonly migrations = new Map<string, Map<Content, Counted<MigrateOutcome>>>();
  private readonly answers = new Map<string, Counted<unknown>>();
  /** Most contents and results are alike: one text stands for all of them. */
  private readonly texts = new Map<string, string>();
  private letters = 0;

  /** True when plans begin with the database that the last one began with. */
  isOf(schema: readonly string[], seed: readonly string[]): boolean {
    return this.base === JSON.stringify([schema, seed]);
  }

  /** Forgets what is known of another database. */
  begin(schema: readonly string[], seed: readonly string[]): void {
    this.empty();
    this.base = JSON.stringify([schema, seed]);
  }

  /** Outcomes of calls on a schema: by content and call, which are told apart by number. */
  of(schema: SchemaId, { clock, seed }: RunOptions): Map<number, KeptOutcome> {
    return entry(this.outcomes, `${schema} ${clock} ${seed}`);
  }

  contentId(content: Content): number {
    return this.number(this.contents, content);
  }

  callId(call: Call): number {
    return this.number(this.calls, JSON.stringify(call));
  }

  ofMigration(schema: SchemaId, migration: Migration): Map<Content, Counted<MigrateOutcome>> {
    return entry(this.migrations, `${schema} ${JSON.stringify(migration)}`);
  }

  /** What a question about a schema was answered; asked at most once. */
  once<T>(key: string, ask: () => Counted<T>): Counted<T> {
    let kept = this.answers.get(key);
    if (kept === undefined) {
      this.answers.set(key, (kept = ask()));
      this.letters += key.length + lettersOfAnswer;
    }
    return kept as Counted<T>;
  }

  outcome({ answer, statements }: Counted<Outcome>): KeptOutcome {
    this.letters += lettersOfAnswer;
    const content = this.shared(answer.content);
    if (!answer.ok)
      return { answer: { content, error: [answer.sqlstate, answer.message, answer.statement] }, statements };
    const results = this.shared(JSON.stringify(answer.results));
    const changes = answer.changes === undefined ? null : this.shared(JSON.stringify(answer.changes));
    return { answer: { content, results, changes }, statements };
  }

  migration(
    kept: Map<Content, Counted<MigrateOutcome>>,
    before: Content,
    { answer, statements }: Counted<MigrateOutcome>,
  ): void {
    const shared = answer.ok ? { ...answer, content: this.shared(answer.content) } : answer;
    kept.set(this.shared(before), { answer: shared, statements });
    this.letters += lettersOfAnswer;
  }

  /** Between two requests: numbers and maps that were handed out are void after it. */
  tidy(): void {
    if (this.letters > mostLetters) this.empty();
  }

  private empty(): void {
    this.contents.clear();
    this.calls.clear();
    this.texts.clear();
    this.outcomes.clear();
    this.migrations.clear();
    this.answers.clear();
    this.letters = 0;
  }

  private shared(text: string): string {
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    this.texts.set(text, text);
    this.letters += text.length;
    return text;
  }

  private number(numbers: Map<string, number>, text: string): number {
    let number = numbers.get(text);
    if (number === undefined) {
      numbers.set(text, (number = numbers.size));
      this.letters += text.length;
    }
    return number;
  }
}

function entry<K, L, V>(maps: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let map = maps.get(key);
  if (map === undefined) maps.set(key, (map = new Map()));
  return map;
}

/** Where the outcome of a call from a content is kept. */
export function outcomeKey(content: number, call: number): number {
  return content * stride + call;
}

/** Outcomes as they travel, one list for each task. */
export function packOutcomes(outcomes: readonly (readonly KeptOutcome[])[]): string {
  const contents = new Numbering<string>();
  const results = new Numbering<string>();
  const changes = new Numbering<string>();
  const packed = outcomes.map((task) =>
    task.map(({ answer }) => {
      const c = contents.of(answer.content);
      if ('error' in answer) return { e: answer.error, c };
      const x = answer.changes === null ? {} : { x: changes.of(answer.changes) };
      return { r: results.of(answer.results), c, ...x };
    }),
  );
  return JSON.stringify({
    contents: contents.items,
    results: results.items,
    changes: changes.items,
    outcomes: packed,
  } satisfies PackedOutcomes);
}
