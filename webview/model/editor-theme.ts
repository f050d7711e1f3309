/** The editor's theme for Monaco: the colours that the editor hands to pages as variables, under the names that Monaco knows. */

/** As Monaco wants it; a structural copy of its type, so that this needs nothing of Monaco. */
export interface MonacoTheme {
  readonly base: 'vs' | 'vs-dark' | 'hc-black' | 'hc-light';
  readonly inherit: true;
  readonly rules: { token: string; foreground: string }[];
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
 * Pages are not told how the editor colours code. What comes nearest are the colours in which debuggers show values; where
 * the base theme has worse ones (red strings on white), those are taken.
 */
const tokens: readonly (readonly [token: string, colour: string])[] = [
  ['string', 'debugTokenExpression.string'],
  ['string.sql', 'debugTokenExpression.string'],
  ['number', 'debugTokenExpression.number'],
  ['keyword', 'debugTokenExpression.boolean'],
  ['keyword.block', 'debugTokenExpression.boolean'],
  ['keyword.choice', 'debugTokenExpression.boolean'],
  ['operator', 'editor.foreground'],
  ['operator.sql', 'editor.foreground'],
  ['predefined', 'editor.foreground'],
  ['predefined.sql', 'editor.foreground'],
  ['comment', 'descriptionForeground'],
];

/** `variables`: custom properties by their names, as the page has them. */
export function editorTheme(variables: ReadonlyMap<string, string>, classes: readonly string[]): MonacoTheme {
  const colors: Record<string, string> = {};
  for (const [name, value] of variables) {
    if (!name.startsWith(prefix)) continue;
    const hex = hexOf(value.trim());
    // The editor makes `--vscode-editor-background` of `editor.background`: it replaces the first dot.
    if (hex !== null) colors[name.slice(prefix.length).replace('-', '.')] = hex;
  }
  const rules = tokens.flatMap(([token, colour]) => {
    const hex = colors[colour];
    return hex === undefined ? [] : [{ token, foreground: hex.slice(1, 7) }];
  });
  return { base: baseOf(classes), inherit: true, rules, colors };
}
