/**
 * The stage's page in a browser with no editor around it: its bundle, a recording, and a host that writes down what it is
 * asked. `node test/webview/harness.mjs RECORDING [THEME] [WIDTHxHEIGHT]` takes a picture into dist/test/stage/.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../../scripts/editor-server.mjs';

/** The variables of the editor's default themes, as capture-themes.mjs found them. */
export const themes = JSON.parse(readFileSync(new URL('themes.json', import.meta.url), 'utf8'));

/** The editor's own styles for a page. */
const editorStyles = readFileSync(new URL('editor.css', import.meta.url), 'utf8');

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const types = { '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.ttf': 'font/ttf' };

/** As the extension has it: nothing but what is here, and a worker from a blob. */
const csp = [
  "default-src 'none'",
  "script-src 'self' 'nonce-host'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  'worker-src blob:',
].join('; ');

/**
 * The host: answers `ready` with the recording, and keeps all else that it is asked in `window.asked`. What the page remembers
 * outlives a reload, as the editor has it. A host that is deaf for so many messages stands for one that listens late.
 */
const fakeHost = `
  window.asked = [];
  window.answers = {};
  let state = JSON.parse(sessionStorage.getItem('remembered') ?? 'null') ?? undefined;
  let deaf = window.deafFor;
  const post = (data) => window.postMessage(data, '*');
  window.acquireVsCodeApi = () => ({
    getState: () => state,
    setState: (next) => {
      state = next;
      sessionStorage.setItem('remembered', JSON.stringify(next));
    },
    postMessage: async (message) => {
      if (message.t !== 'q' || deaf-- > 0) return;
      window.asked.push({ method: message.m, args: message.a });
      const known = window.answers[message.m];
      const result = message.m === 'ready' ? await (await fetch(window.recordingUrl)).json()
        : typeof known === 'function' ? await known(...message.a) : known;
      if (message.i !== undefined) post({ t: 's', i: message.i, r: result });
    },
  });
  window.call = (method, ...args) => post({ t: 'q', m: method, a: args, o: true });
`;

function html(recording, { kind, variables }, deafFor) {
  const style = Object.entries(variables).map(([name, value]) => `${name}: ${value}`);
  return `<!DOCTYPE html><html lang="en" style="${style.join('; ').replaceAll('"', "'")}">
<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${csp}"><title>Cutover Stage</title>
<style>${editorStyles}</style>
<link rel="stylesheet" href="/webview/stage.css">
<script nonce="host">window.recordingUrl = '/recording/${recording}';window.deafFor = ${deafFor};${fakeHost}</script></head>
<body class="${kind}" data-vscode-theme-kind="${kind}"><div id="stage"></div><script type="module" src="/webview/stage.js"></script></body></html>`;
}

/** Serves pages at /?recording=NAME&theme=NAME. `recordings` are those made here, in place of the recorded ones. */
export async function serve(recordings = new Map()) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    try {
      if (url.pathname === '/') {
        const theme = themes[url.searchParams.get('theme') ?? 'Dark Modern'];
        response.setHeader('content-type', 'text/html');
        const deafFor = Number(url.searchParams.get('deaf') ?? 0);
        return response.end(html(url.searchParams.get('recording') ?? 'is-null', theme, deafFor));
      }
      const name = url.pathname.split('/').at(-1) ?? '';
      const isRecording = url.pathname.startsWith('/recording/');
      if (isRecording && recordings.has(name)) return response.end(JSON.stringify(recordings.get(name)));
      const file = isRecording ? join(root, 'dist/test/stage', `${name}.json`) : join(root, 'dist', url.pathname);
      response.setHeader('content-type', types[extname(file)] ?? 'text/plain');
      return response.end(await readFile(file));
    } catch {
      response.statusCode = 404;
      return response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const [recording = 'is-null', theme = 'Dark Modern', size = '900x1200'] = process.argv.slice(2);
  const [width, height] = size.split('x').map(Number);
  const server = await serve();
  const { browser, page } = await openBrowser();
  page.on('console', (message) => console.log(`[${message.type()}] ${message.text()}`));
  page.on('pageerror', (error) => console.log(`[error] ${error.stack}`));
  await page.setViewportSize({ width, height });
  await page.goto(`${server.address}/?${new URLSearchParams({ recording, theme })}`);
  await page.waitForTimeout(800);
  const file = join(root, 'dist/test/stage', `${recording}-${theme.replaceAll(' ', '-')}.png`);
  await page.screenshot({ path: file });
  console.log(file);
  await browser.close();
  server.close();
}
