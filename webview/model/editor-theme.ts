/** The editor's theme for Monaco: the colours that the editor hands to pages as variables, under the names that Monaco knows. */

/** As Monaco wants it; a structural copy of its type, so that this needs nothing of Monaco. */
export interface MonacoTheme {
  readonly base: 'vs' | 'vs-dark' | 'hc-black' | 'hc-light';
  readonly inherit: true;
  readonly rules: { token: string; foreground: string; fontStyle?: string }[];
  readonly colors: Record<string, string>;
}

const prefix = '--vscode-';

/** `#rrggbb`, or with its transparency `#rrggbbaa`; null for what is no colour. */
export function hexOf(text: string): string | null {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])([0-9a-f])?$/i.exec(text);
  if (short !== null)
    return `#${short
      .slice(1)
      .map((digit) => (digit ?? '').repeat(2))
      .join('')}`;
  if (/^#(?:[0-9a-f]{6}|[0-9a-f]{8})$/i.test(text)) return text;
  const parts = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)(?:[\s,/]+([\d.]+)(%)?)?\s*\)$/.exec(text);
  if (parts === null) return null;
  const [, red, green, blue, alpha, percent] = parts;
  const opacity = (Number(alpha) / (percent === undefined ? 1 : 100)) * 255;
  const bytes = [Number(red), Number(green), Number(blue), ...(alpha === undefined ? [] : [opacity])];
  return `#${bytes.map((byte) => Math.round(byte).toString(16).padStart(2, '0')).join('')}`;
}

export function baseOf(classes: readonly string[]): MonacoTheme['base'] {
  // The light one of high contrast has both classes.
  if (classes.includes('vscode-high-contrast-light')) return 'hc-light';
  if (classes.includes('vscode-high-contrast')) return 'hc-black';
  return classes.includes('vscode-light') ? 'vs' : 'vs-dark';
}

/**
 * Pages are not told how the editor colours code. These of its colours have a contrast of 4.5 in all default themes, also on
 * the backgrounds of a difference; many of the base themes have not (red strings on white, grey comments).
 */
const tokens: readonly (readonly [token: string, colour: string, style?: string])[] = [
  ['keyword', 'charts.blue'],
  ['keyword.block', 'charts.blue'],
  ['keyword.choice', 'charts.blue'],
  ['string', 'debugTokenExpression.string'],
  ['string.sql', 'debugTokenExpression.string'],
  ['number', 'editor.foreground'],
  ['operator', 'editor.foreground'],
  ['operator.sql', 'editor.foreground'],
  ['predefined', 'editor.foreground'],
  ['predefined.sql', 'editor.foreground'],
  ['delimiter', 'editor.foreground'],
  ['comment', 'editor.foreground', 'italic'],
];

/** A colour with a part of its opacity. */
function thinned(hex: string, part: number): string {
  const opacity = hex.length === 9 ? Number.parseInt(hex.slice(7), 16) : 255;
  return `${hex.slice(0, 7)}${Math.round(opacity * part)
    .toString(16)
    .padStart(2, '0')}`;
}

/** Text is read on these: what has changed is underlined as well, so they can be faint. */
function readable(colors: Record<string, string>): void {
  for (const side of ['inserted', 'removed'] as const) {
    const [line, text] = [`diffEditor.${side}LineBackground`, `diffEditor.${side}TextBackground`];
    if (colors[line] !== undefined) colors[line] = thinned(colors[line], 0);
    if (colors[text] !== undefined) colors[text] = thinned(colors[text], 0.5);
  }
  const soft = colors['descriptionForeground'];
  if (soft !== undefined) colors['editor.placeholder.foreground'] = soft;
}

/** `variables`: custom properties by their names, as the page has them. */
export function editorTheme(variables: ReadonlyMap<string, string>, classes: readonly string[]): MonacoTheme {
  const colors: Record<string, string> = {};
  for (const [name, value] of variables) {
    if (!name.startsWith(prefix)) continue;
    const hex = hexOf(value.trim());
    // The editor makes `--vscode-editor-background` of `editor.background`: it replaces the first dot.
    if (hex !== null) colors[name.slice(prefix.length).replace('-', '.')] = hex;
  }
  readable(colors);
  const rules = tokens.flatMap(([token, colour, fontStyle]) => {
    const hex = colors[colour];
    return hex === undefined
      ? []
      : [{ token, foreground: hex.slice(1, 7), ...(fontStyle === undefined ? {} : { fontStyle }) }];
  });
  return { base: baseOf(classes), inherit: true, rules, colors };
}
