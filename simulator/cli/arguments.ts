/** The command line, read and judged: what to do, or what is wrong with it. */
import { parseArgs } from 'node:util';
import { nearest } from '../plan/nearest.ts';
import { parseCount, parseDuration } from '../plan/units.ts';

export interface Options {
  readonly format: 'text' | 'json';
  readonly maxStates: number | null;
  /** How many deploys longer than planned each version lives. */
  readonly stragglers: 0 | 1;
  readonly timeoutMs: number | null;
  readonly seed: number | null;
}

/** What `simulate` takes beside the common options. Null: the default. */
export interface TrafficOptions {
  readonly durationMs: number | null;
  readonly rolloutMs: number | null;
  readonly rows: number | null;
  readonly requests: number | null;
  /** How far streams and replicas are behind. */
  readonly lagMs: number | null;
  readonly out: string | null;
}

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'rehearse'; readonly plans: readonly string[]; readonly options: Options }
  | { readonly kind: 'check'; readonly plans: readonly string[]; readonly options: Options }
  | {
      readonly kind: 'simulate';
      readonly plan: string;
      readonly options: Options;
      readonly traffic: TrafficOptions;
    }
  | { readonly kind: 'replay'; readonly plan: string; readonly finding: string; readonly options: Options };

export type ArgumentsResult =
  | { readonly ok: true; readonly command: Command }
  | { readonly ok: false; readonly message: string };

const commands = ['rehearse', 'check', 'replay', 'simulate'] as const;
const commandsToCome = ['import', 'new'] as const;
const optionsToCome = ['engine'] as const;
const formatsToCome = ['sarif', 'junit', 'markdown'] as const;

const flags = {
  format: { type: 'string' },
  'max-states': { type: 'string' },
  timeout: { type: 'string' },
  seed: { type: 'string' },
  duration: { type: 'string' },
  rollout: { type: 'string' },
  rows: { type: 'string' },
  requests: { type: 'string' },
  lag: { type: 'string' },
  out: { type: 'string' },
  engine: { type: 'string' },
  stragglers: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

type FlagName = keyof typeof flags;

const trafficFlags = ['duration', 'rollout', 'rows', 'requests', 'lag', 'out'] as const;
/** Both databases are held in memory. */
const mostRows = 100_000;

const isFlag = (name: string): name is FlagName => Object.hasOwn(flags, name);
const includes = (list: readonly string[], word: string) => list.includes(word);

/** Thrown and caught in this file only. */
class Misuse extends Error {}

export function readArguments(argv: readonly string[]): ArgumentsResult {
  try {
    return { ok: true, command: read(argv) };
  } catch (error) {
    if (error instanceof Misuse) return { ok: false, message: error.message };
    throw error;
  }
}

function read(argv: readonly string[]): Command {
  const { given, words } = split(argv);
  if (given.has('help')) return { kind: 'help' };
  if (given.has('version')) return { kind: 'version' };
  const [first, ...rest] = words;
  if (first === undefined) throw new Misuse('give a command or a plan');
  const name = commandName(first);
  const operands = name === null ? words : rest;
  const kind = name ?? 'rehearse';
  if (kind === 'simulate') return simulation(operands, given);
  const foreign = trafficFlags.find((flag) => given.has(flag));
  if (foreign !== undefined) throw new Misuse(`--${foreign} is for simulate`);
  return command(kind, operands, readOptions(given));
}

/** Every option checked to be one, with the value that it needs. */
function split(argv: readonly string[]): { given: ReadonlyMap<FlagName, string>; words: readonly string[] } {
  const { tokens } = parseArgs({
    args: [...argv],
    options: flags,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<FlagName, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    if (!isFlag(token.name)) throw new Misuse(unknown('option', token.rawName, Object.keys(flags).map(dashed)));
    const takesValue = flags[token.name].type === 'string';
    if (takesValue && (token.value ?? '') === '') throw new Misuse(`${token.rawName} needs a value`);
    if (!takesValue && token.value !== undefined) throw new Misuse(`${token.rawName} takes no value`);
    given.set(token.name, token.value ?? '');
  }
  return { given, words };
}

const dashed = (name: string) => `--${name}`;

function unknown(what: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return `unknown ${what} ${word}${meant === null ? '' : `; did you mean ${meant}?`}`;
}

/** Null when the word is no command but a path, which `rehearse` takes. */
function commandName(word: string): Command['kind'] | null {
  const known = commands.find((name) => name === word);
  if (known !== undefined) return known;
  if (includes(commandsToCome, word)) throw new Misuse(`${word} is not available yet`);
  if (/[./\\]/.test(word)) return null;
  throw new Misuse(unknown('command', word, commands));
}

function command(kind: Exclude<Command['kind'], 'simulate'>, operands: readonly string[], options: Options): Command {
  if (kind === 'replay') {
    const [plan, finding, ...more] = operands;
    if (plan === undefined || finding === undefined || more.length > 0) {
      throw new Misuse(
        'replay takes a plan and the id of a finding, as in: cutover replay plan.cutover.yaml lost-write-1',
      );
    }
    return { kind, plan, finding, options };
  }
  if (kind === 'help' || kind === 'version') return { kind };
  if (operands.length === 0) throw new Misuse(`${kind} takes one plan or more`);
  return { kind, plans: operands, options };
}

function stragglers(text: string | undefined): 0 | 1 {
  if (text === undefined || text === '0') return 0;
  if (text === '1') return 1;
  throw new Misuse(`--stragglers takes 0 or 1, how many deploys longer a version lives, not ${text}`);
}

function readOptions(given: ReadonlyMap<FlagName, string>): Options {
  const early = optionsToCome.find((name) => given.has(name));
  if (early !== undefined) throw new Misuse(`--${early} is not available yet`);
  const timeout = positive(given, 'timeout', /^\d+(\.\d+)?$/, 'a number of seconds');
  return {
    format: readFormat(given.get('format') ?? 'text'),
    maxStates: positive(given, 'max-states', /^\d+$/, 'a whole number, 1 or more'),
    timeoutMs: timeout === null ? null : Math.min(timeout * 1000, 2 ** 31 - 1),
    seed: seed(given.get('seed')),
    stragglers: stragglers(given.get('stragglers')),
  };
}

function simulation(operands: readonly string[], given: ReadonlyMap<FlagName, string>): Command {
  const [plan, ...more] = operands;
  if (plan === undefined || more.length > 0) throw new Misuse('simulate takes one plan');
  if (given.has('max-states')) throw new Misuse('--max-states is for rehearse');
  if (given.has('stragglers')) throw new Misuse('--stragglers is for rehearse and replay');
  const rows = amount(given, 'rows', parseCount, 'a number of rows such as 1000 or 10k');
  if (rows !== null && rows > mostRows) throw new Misuse(`--rows takes at most ${mostRows}`);
  return {
    kind: 'simulate',
    plan,
    options: readOptions(given),
    traffic: {
      durationMs: amount(given, 'duration', parseLong, 'a time such as 2h or 7d'),
      rolloutMs: amount(given, 'rollout', parseLong, 'a time such as 10min'),
      rows: rows === null ? null : Math.ceil(rows),
      requests: amount(given, 'requests', parseCount, 'a number of requests such as 20k'),
      lagMs: amount(given, 'lag', parseLong, 'a time such as 500ms or 5min'),
      out: given.get('out') ?? null,
    },
  };
}

function amount(
  given: ReadonlyMap<FlagName, string>,
  name: FlagName,
  parse: (text: string) => number | null,
  what: string,
): number | null {
  const text = given.get(name);
  if (text === undefined) return null;
  const found = parse(text);
  if (found === null || !(found > 0)) throw new Misuse(`--${name} takes ${what}, not ${text}`);
  return found;
}

/** Of a plan's units the longest is an hour. */
function parseLong(text: string): number | null {
  const days = /^(\d+(?:\.\d+)?)\s*(?:d|days?)$/.exec(text.trim());
  return days === null ? parseDuration(text) : Number(days[1]) * 86_400_000;
}

function readFormat(word: string): Options['format'] {
  if (word === 'text' || word === 'json') return word;
  if (includes(formatsToCome, word)) throw new Misuse(`--format ${word} is not available yet`);
  throw new Misuse(unknown('format', word, ['text', 'json']));
}

function positive(given: ReadonlyMap<FlagName, string>, name: FlagName, form: RegExp, what: string): number | null {
  const text = given.get(name);
  if (text === undefined) return null;
  if (!form.test(text) || Number(text) <= 0) throw new Misuse(`--${name} takes ${what}, not ${text}`);
  return Number(text);
}

function seed(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d+$/.test(text) || Number(text) >= 2 ** 32)
    throw new Misuse(`--seed takes a whole number below 2^32, not ${text}`);
  return Number(text);
}
