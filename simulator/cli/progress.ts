/** The one line on a terminal that says how far a run is. */
import { clip, count, duration, visible } from '../report/words.ts';

export interface ProgressFacts {
  readonly phase: string;
  readonly step: string | null;
  readonly states: number;
  readonly transitions: number;
  readonly findings: number;
}

export interface ProgressLine<F> {
  readonly update: (facts: F) => void;
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

export function progressLine<F>(
  terminal: Terminal,
  now: () => number,
  parts: (facts: F) => readonly string[],
): ProgressLine<F> {
  if (!terminal.isTerminal) return { update: () => {}, clear: () => {} };
  const begun = now();
  let last = -Infinity;
  let shown = false;
  return {
    update(facts) {
      if (now() - last < intervalMs) return;
      last = now();
      shown = true;
      terminal.write(clearLine + clip([...parts(facts), duration(last - begun)].join(' · '), terminal.width - 1));
    },
    clear() {
      if (shown) terminal.write(clearLine);
      shown = false;
      last = -Infinity;
    },
  };
}

function phase(facts: { readonly phase: string; readonly step: string | null }): string {
  return facts.step === null ? facts.phase : `${facts.phase}: ${visible(facts.step)}`;
}

export function searchParts(facts: ProgressFacts): readonly string[] {
  return [
    phase(facts),
    count(facts.states, 'state'),
    count(facts.transitions, 'transition'),
    ...(facts.findings > 0 ? [count(facts.findings, 'finding')] : []),
  ];
}

/** What a simulation says of itself. */
export interface TrafficFacts {
  readonly phase: string;
  readonly step: string | null;
  readonly seconds: number;
  readonly requests: number;
}

export function trafficParts(facts: TrafficFacts): readonly string[] {
  return [phase(facts), `${(facts.seconds / 3600).toFixed(1)} h of virtual time`, count(facts.requests, 'request')];
}
