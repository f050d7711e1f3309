/** What has to be loaded before anything is seen, and how soon it is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const page = join(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))), 'dist/webview');
const limit = 120 * 1024;

/** A file with all that it loads at once; what it loads on demand is left out. */
function loadedAtOnce(name, known = new Set()) {
  if (known.has(name)) return known;
  known.add(name);
  const text = readFileSync(join(page, name), 'utf8');
  for (const [, other] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) loadedAtOnce(other, known);
  return known;
}

export const cases = {
  'the bundle without what is loaded on demand is under 120 KB': async () => {
    const files = [...loadedAtOnce('stage.js'), 'stage.css'];
    const sizes = files.map((name) => gzipSync(readFileSync(join(page, name))).length);
    const sum = sizes.reduce((total, size) => total + size, 0);
    console.log(`       ${files.length} files, ${(sum / 1024).toFixed(1)} KB gzip`);
    assert.ok(sum < limit, `${sum} bytes: ${files.map((name, n) => `${name} ${sizes[n]}`).join(', ')}`);
  },
  'Monaco is not loaded until SQL is looked at': async (stage) => {
    const loaded = [];
    const note = (request) => loaded.push(request.url());
    stage.page.on('request', note);
    await stage.open('is-null');
    stage.page.off('request', note);
    const scripts = loaded.filter((url) => url.endsWith('.js')).map((url) => url.split('/').at(-1));
    const atOnce = loadedAtOnce('stage.js');
    assert.deepEqual(
      scripts.filter((name) => !atOnce.has(name)),
      [],
    );
  },
  'the first paint, with a report in hand, is printed': async (stage) => {
    const times = [];
    for (let n = 0; n < 5; n++) {
      await stage.open('is-null');
      await stage.reload();
      times.push(
        await stage.page.evaluate(() => {
          const at = (name) => performance.getEntriesByName(name)[0].startTime;
          return { report: at('stage:report'), script: at('stage:report') - at('stage:start') };
        }),
      );
      times.at(-1).busy = await stage.busy();
    }
    const median = (key) => times.map((each) => each[key]).toSorted((a, b) => a - b)[2];
    console.log(
      `       first paint with a report ${median('report').toFixed(0)} ms after the page was asked for, ${median('script').toFixed(0)} ms after its script began; ${median('busy').toFixed(0)} ms of its thread, with all that is below`,
    );
    assert.equal(times.length, 5);
  },
};
