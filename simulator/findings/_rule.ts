/** What a rule is: its name, how bad it is, what it means and what to do. Each rule has a file, a page and two plans. */
import type { Severity } from '../report/model.ts';

export interface Rule {
  /** Kebab-case; also the name of its file and of its page under docs/findings/. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence: what was seen. */
  readonly meaning: string;
  /** One sentence: what to do about it. */
  readonly hint: string;
}
