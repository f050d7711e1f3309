/** What the language features and the simulator's process say to each other. Types only. Places are offsets in the text. */
import type { PlanFile } from '../rehearsal/protocol.ts';

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A text of a plan as it is on screen, and a cursor in it. */
export interface Cursor {
  readonly plan: PlanFile;
  readonly text: string;
  readonly offset: number;
}

export type CompletionKind = 'key' | 'step' | 'value' | 'version' | 'request' | 'param' | 'table' | 'column' | 'rule';

export interface Completion {
  readonly label: string;
  readonly kind: CompletionKind;
  /** A few words beside the label. */
  readonly detail: string;
  /** Markdown; empty if there is no more to say. */
  readonly documentation: string;
  /** What is inserted, as a snippet with its indentation written out. */
  readonly snippet: string;
  /** Of one line. */
  readonly replace: Span;
  readonly sort: string;
  /** Whether what follows is to be completed at once. */
  readonly goesOn: boolean;
}

export interface Hover {
  readonly span: Span;
  readonly markdown: string;
  /** It says what the JSON Schema says, which another extension may show as well. */
  readonly isOfSchema: boolean;
}

/** The values that a search tried, by request and parameter: `get_user.id` → ['1', '2']. */
export type Domain = Readonly<Record<string, readonly (string | null)[]>>;

export type SymbolKind = 'version' | 'request' | 'param' | 'row';

export interface Names {
  readonly kind: SymbolKind;
  readonly name: string;
  /** Of the name at the cursor. */
  readonly span: Span;
  /** Where it is defined; none if the plan does not say. */
  readonly definitions: readonly Span[];
  /** Everywhere that it is written, its definitions too. */
  readonly occurrences: readonly Span[];
  /** Names that it can't take, because something else has them. */
  readonly taken: readonly string[];
}

export type OutlineKind = 'section' | 'version' | 'request' | 'param' | 'step' | 'table';

export interface OutlineItem {
  readonly name: string;
  readonly detail: string;
  readonly kind: OutlineKind;
  readonly whole: Span;
  readonly selection: Span;
  readonly children: readonly OutlineItem[];
}

export interface FileLink extends Span {
  /** Resolved against the plan. */
  readonly path: string;
}

export interface Outline {
  readonly items: readonly OutlineItem[];
  readonly links: readonly FileLink[];
}

/** What the simulator's process answers about a text. `job` is a number that the host gives to each call. */
export interface LanguageCalls {
  complete(job: number, cursor: Cursor, trigger: string | null): Promise<readonly Completion[]>;
  hover(job: number, cursor: Cursor, domain: Domain | null): Promise<Hover | null>;
  names(job: number, cursor: Cursor): Promise<Names | null>;
  outline(job: number, plan: PlanFile, text: string): Promise<Outline>;
}
