/** What is typed into the Debug Console: SQL, or, after a `!`, what forks the history. */
import type { ForkCommand } from '../../simulator/player/model.ts';

export type ConsoleInput =
  | { readonly kind: 'sql'; readonly sql: string }
  | { readonly kind: 'fork'; readonly command: ForkCommand }
  | { readonly kind: 'history'; readonly id: number | null }
  | { readonly kind: 'help' }
  | { readonly kind: 'mistake'; readonly message: string };

export const help = [
  'SQL is answered at this moment and changes nothing.',
  '!UPDATE …                         run SQL here, and see what the rest of the plan makes of it',
  '!run v2 change_email id=1 email=a run a request of a live version here',
  '!rollback                         take back the step that the plan stands in',
  '!straggler v1                     let a version live on that should be gone soon',
  '!history                          the histories there are; !history 0 goes back to what was recorded first',
].join('\n');

export function readInput(text: string): ConsoleInput {
  const trimmed = text.trim();
  if (!trimmed.startsWith('!')) return { kind: 'sql', sql: trimmed };
  const command = trimmed.slice(1).trim();
  const [word = '', ...rest] = command.split(/\s+/);
  switch (word.toLowerCase()) {
    case '':
    case 'help':
      return { kind: 'help' };
    case 'rollback':
      return { kind: 'fork', command: { kind: 'rollback' } };
    case 'straggler':
      return readStraggler(rest);
    case 'history':
      return readHistory(rest);
    case 'run':
      return readRun(command.slice(word.length).trim());
    default:
      return { kind: 'fork', command: { kind: 'sql', sql: command } };
  }
}

function readHistory([id]: readonly string[]): ConsoleInput {
  if (id === undefined) return { kind: 'history', id: null };
  return /^\d+$/.test(id)
    ? { kind: 'history', id: Number(id) }
    : { kind: 'mistake', message: `A history has a number, and ${id} is none.` };
}

function readStraggler([version]: readonly string[]): ConsoleInput {
  return version === undefined
    ? { kind: 'mistake', message: 'Say which version lives on: !straggler v1' }
    : { kind: 'fork', command: { kind: 'straggler', version } };
}

/** `v2 change_email id=1 email='a b'`. */
function readRun(text: string): ConsoleInput {
  const [version, request, ...pairs] = words(text);
  if (version === undefined || request === undefined)
    return { kind: 'mistake', message: 'Say who runs what: !run v1 get_user id=1' };
  const params: Record<string, string | null> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) return { kind: 'mistake', message: `${pair} is no name=value` };
    const value = pair.slice(at + 1);
    params[pair.slice(0, at)] = value === 'NULL' ? null : unquoted(value);
  }
  return { kind: 'fork', command: { kind: 'request', version, request, params } };
}

/** Parts between spaces; what is in single quotes is kept together. */
function words(text: string): string[] {
  return text.match(/(?:[^\s']|'(?:[^']|'')*')+/g) ?? [];
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith("'") && value.endsWith("'")
    ? value.slice(1, -1).replaceAll("''", "'")
    : value;
}
