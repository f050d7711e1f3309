/** The page's HTML: it may load what is in its own folder, and nothing from anywhere else. Knows no editor, so that it can be tested alone. */

export interface PageOptions {
  /** What the editor calls the source of its own files. */
  readonly cspSource: string;
  /** The folder of the page's files, with a slash at its end. */
  readonly base: string;
  readonly language: string;
}

export function pageHtml({ cspSource, base, language }: PageOptions): string {
  const policy = [
    `default-src 'none'`,
    `script-src ${cspSource}`,
    `style-src ${cspSource} 'unsafe-inline'`,
    `font-src ${cspSource}`,
    `img-src ${cspSource} data: blob:`,
    `connect-src ${cspSource}`,
    `worker-src blob:`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${attribute(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${attribute(policy)}">
<meta name="cutover-base" content="${attribute(base)}">
<link rel="stylesheet" href="${attribute(base)}stage.css">
<title>Cutover</title>
</head>
<body>
<div id="stage"></div>
<script type="module" src="${attribute(base)}stage.js"></script>
</body>
</html>
`;
}

function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
