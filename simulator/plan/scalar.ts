/**
 * From an offset in a YAML text's value back to the offset in the file. Folding, indentation and
 * escapes change only white space, apart from escape sequences, which are read here: so the n-th
 * character of the value that is not white space is the n-th of the source.
 */
import type { CST } from 'yaml';

/** A character of the value and where it is written; white space is left out. */
interface Unit {
  readonly char: string;
  readonly at: number;
}

const isSpace = (char: string | undefined): boolean => char === ' ' || char === '\t' || char === '\n' || char === '\r';

const namedEscapes: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  v: '\v',
  N: '\x85',
  _: '\xa0',
  L: '\u2028',
  P: '\u2029',
  n: '\n',
  r: '\r',
  t: '\t',
};
const hexEscapes: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function plainUnits(source: string, offset: number): Unit[] {
  const units: Unit[] = [];
  for (let i = 0; i < source.length; i += 1) {
    const char = source[i];
    if (char !== undefined && !isSpace(char)) units.push({ char, at: offset + i });
  }
  return units;
}

function singleQuotedUnits(source: string, offset: number): Unit[] {
  const units = plainUnits(source.slice(1, -1), offset + 1);
  // Two quotes stand for one.
  return units.filter((unit, i) => {
    if (unit.char !== "'") return true;
    let run = 0;
    while (units[i - run - 1]?.char === "'" && units[i - run - 1]?.at === unit.at - run - 1) run += 1;
    return run % 2 === 0;
  });
}

/** What one escape stands for, and how long it is written. */
function readEscape(source: string, at: number): { readonly text: string; readonly length: number } {
  const letter = source[at + 1] ?? '';
  const digits = hexEscapes[letter];
  if (digits === undefined) return { text: namedEscapes[letter] ?? letter, length: 2 };
  const code = Number.parseInt(source.slice(at + 2, at + 2 + digits), 16);
  const valid = code >= 0 && code <= 0x10ffff;
  return { text: valid ? String.fromCodePoint(code) : '', length: 2 + digits };
}

function doubleQuotedUnits(source: string, offset: number): Unit[] {
  const units: Unit[] = [];
  for (let i = 1; i < source.length - 1;) {
    const char = source[i] ?? '';
    const { text, length } = char === '\\' ? readEscape(source, i) : { text: char, length: 1 };
    for (const part of text.split('')) if (!isSpace(part)) units.push({ char: part, at: offset + i });
    i += length;
  }
  return units;
}

function unitsOf(token: CST.Token): Unit[] {
  switch (token.type) {
    case 'block-scalar': {
      const header = token.props.at(-1);
      const body = header !== undefined && 'source' in header ? header.offset + header.source.length : token.offset;
      return plainUnits(token.source, body);
    }
    case 'scalar':
      return plainUnits(token.source, token.offset);
    case 'single-quoted-scalar':
      return singleQuotedUnits(token.source, token.offset);
    case 'double-quoted-scalar':
      return doubleQuotedUnits(token.source, token.offset);
    default:
      return [];
  }
}

/** Where white space is asked for, the place behind the character before it is given. */
export function scalarOffsets(token: CST.Token, value: string): (offset: number) => number {
  const units = unitsOf(token);
  const map = new Int32Array(value.length + 1);
  let unit = 0;
  let next = units[0]?.at ?? token.offset;
  for (let i = 0; i < value.length; i += 1) {
    const char = value[i];
    if (!isSpace(char)) {
      const written = units[unit];
      // They can only differ if this reading of escapes is wrong: then the start of the text is still true.
      if (written === undefined || written.char !== char) return () => token.offset;
      map[i] = written.at;
      next = written.at + 1;
      unit += 1;
    } else {
      map[i] = next;
      if (char !== '\n') next += 1;
    }
  }
  map[value.length] = (units.at(-1)?.at ?? token.offset - 1) + 1;
  return (offset) => map[Math.max(0, Math.min(offset, value.length))] ?? token.offset;
}
