/** The one line on a terminal that says how far a rehearsal is. */
import { clip, count, duration, visible } from '../report/words.ts';

export interface ProgressFacts {
  readonly phase: string;
  readonly step: string | null;
  readonly states: number;
  readonly transitions: number;
  readonly findings: number;
}

export interface ProgressLine {
  readonly update: (facts: ProgressFacts) => void;
  /** Takes the line away, so that what is printed next starts clean. */
  readonly clear: () => void;
}

export interface Terminal {
  readonly isTerminal: boolean;
  readonly width: number;
  readonly write: (text: string) => void;
}

const intervalMs = 80;
const clearLine = '\r\u001B[K';

export function progressLine(terminal: Terminal, now: () => number): ProgressLine {
  if (!terminal.isTerminal) return { update: () => {}, clear: () => {} };
  const begun = now();
  let last = -Infinity;
  let shown = false;
  return {
    update(facts) {
      if (now() - last < intervalMs) return;
      last = now();
      shown = true;
      terminal.write(clearLine + clip(line(facts, last - begun), terminal.width - 1));
    },
    clear() {
      if (shown) terminal.write(clearLine);
      shown = false;
      last = -Infinity;
    },
  };
}

function line(facts: ProgressFacts, elapsedMs: number): string {
  const parts = [
    facts.step === null ? facts.phase : `${facts.phase}: ${visible(facts.step)}`,
    count(facts.states, 'state'),
    count(facts.transitions, 'transition'),
    ...(facts.findings > 0 ? [count(facts.findings, 'finding')] : []),
    duration(elapsedMs),
  ];
  return parts.join(' · ');
}
