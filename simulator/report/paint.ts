/** Colours for a terminal. Colour never carries meaning alone: every painted word says it as well. */

const codes = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, bold: 1, dim: 2 } as const;

export type Ink = keyof typeof codes;
export type Paint = (text: string, ...inks: readonly Ink[]) => string;

const escape = '\u001B[';

const plainPaint: Paint = (text) => text;

const colourPaint: Paint = (text, ...inks) =>
  text === '' ? '' : `${escape}${inks.map((ink) => codes[ink]).join(';')}m${text}${escape}0m`;

export function painter(colour: boolean): Paint {
  return colour ? colourPaint : plainPaint;
}
