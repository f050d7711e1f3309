/** The picture: what is drawn of a short history and of a very long one, and what leaves the page. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { escaped, svgOf } from '../../webview/export/svg.ts';
import { rowsFor, viewOf } from '../../webview/model/canvas.ts';
import { columnsOf, eventX, momentAt } from '../../webview/model/columns.ts';
import { pictureOf } from '../../webview/model/picture.ts';
import type { Told } from '../../webview/model/rows.ts';
import { scoreOf } from '../../webview/model/score.ts';
import { sentenceAt } from '../../webview/model/sentence.ts';
import type { Shape } from '../../webview/model/shapes.ts';
import { closeEngine, prolonged, tell } from './recorded.ts';

let told: Told;
beforeAll(async () => void (told = await tell('test/plans/lost-write/has.cutover.yaml', 'lost-write')));
afterAll(closeEngine);

function drawn(of: Told, window: number, left = 0): readonly Shape[] {
  const score = scoreOf(of);
  const columns = columnsOf(score, window);
  const view = viewOf(columns, score.length, left, left + window);
  return pictureOf(score, { columns, rows: rowsFor(score), view, left, right: left + window });
}

const words = (shapes: readonly Shape[]): readonly string[] =>
  shapes.flatMap((shape) => (shape.kind === 'text' ? [shape.text] : []));

describe('a short history', () => {
  test('fits in the window, wide or narrow, and time never runs back', () => {
    const score = scoreOf(told);
    for (const window of [320, 480, 700, 1300]) {
      const columns = columnsOf(score, window);
      expect(columns.fits).toBe(true);
      expect(columns.edges).toEqual(columns.edges.toSorted((a, b) => a - b));
      for (let i = 0; i < score.length; i += 1) expect(momentAt(columns, eventX(columns, i))).toBe(i);
    }
  });

  test('says what was written, what was lost and who reads it', () => {
    const said = words(drawn(told, 1200));
    expect(said).toContain('set_qty(1, 7)');
    expect(said).toContain('get_stock(1)');
    expect(said).toContain('reads 5, should be 7');
    expect(said).toContain('lost here: 7 never reached quantity');
  });

  test('bands say what a place holds and what it should hold', () => {
    const score = scoreOf(told);
    const bands = score.bands.map((band) => [
      band.role,
      band.place.column,
      band.segments.map((s) => `${s.from}-${s.to} ${s.text} ${s.state}`),
    ]);
    expect(bands).toEqual([
      ['old', 'qty', ['0-5 5 same', '5-9 7 same']],
      ['new', 'quantity', ['0-1 no such column same', '1-3 NULL empty', '3-5 5 same', '5-7 5 differs', '7-9 5 wrong']],
      ['reference', 'qty', ['0-5 5 same', '5-9 7 same']],
    ]);
  });
});

describe('a history of 2,000 events', () => {
  const length = 2000;

  test('is drawn only where it is looked at', () => {
    const long = prolonged(told, length);
    expect(long.history.moments).toHaveLength(length);
    const score = scoreOf(long);
    const columns = columnsOf(score, 700);
    expect(columns.fits).toBe(false);
    const shapes = drawn(long, 700, columns.width / 2);
    expect(shapes.length).toBeGreaterThan(10);
    expect(shapes.length).toBeLessThan(400);
  });

  test('is laid out and drawn in little time', () => {
    const long = prolonged(told, length);
    const score = scoreOf(long);
    const columns = columnsOf(score, 700);
    const rows = rowsFor(score);
    const started = performance.now();
    const times = 50;
    for (let i = 0; i < times; i += 1) {
      const left = (columns.width / times) * i;
      const view = viewOf(columns, score.length, left, left + 700);
      pictureOf(score, { columns, rows, view, left, right: left + 700 });
    }
    // A frame has 16 ms, of which the browser needs most. Other work goes on at the same time here.
    expect((performance.now() - started) / times).toBeLessThan(12);
  });
});

describe('as SVG', () => {
  const look = {
    inks: {
      ink: '#111',
      soft: '#333',
      paper: '#fff',
      line: '#ccc',
      bad: '#a00',
      good: '#070',
      old: '#00a',
      new: '#70a',
    },
    font: '"Segoe UI", sans-serif',
    mono: 'monospace',
  };

  const exported = (of: Told) => {
    const score = scoreOf(of);
    const moment = of.history.moments.length - 1;
    return svgOf(
      of,
      score,
      sentenceAt(of, { history: 0, moment, probe: null }),
      'plans/a "b" & <c>.cutover.yaml',
      look,
    );
  };

  test('it is well formed, whole, and needs nothing of the page', () => {
    const svg = exported(told);
    expect(unbalanced(svg)).toBeNull();
    expect(svg).not.toContain('var(');
    expect(svg).not.toContain('class=');
    expect(svg).toContain('lost here: 7 never reached quantity');
    expect(svg).toContain('“backfill” copies 5 to quantity');
    expect(svg).toContain('not what it should be');
    expect(svg).toContain('a &quot;b&quot; &amp; &lt;c&gt;.cutover.yaml');
  });

  test('values stay values', () => {
    expect(escaped('<script>"&\u0000\u000B\uD800</script>')).toBe('&lt;script&gt;&quot;&amp;���&lt;/script&gt;');
    const hostile = JSON.parse(JSON.stringify(told).replaceAll('set_qty', '<b>&]]>\\"')) as Told;
    expect(unbalanced(exported(hostile))).toBeNull();
  });

  test('it has every event of a long history', () => {
    const svg = exported(prolonged(told, 300));
    expect(unbalanced(svg)).toBeNull();
    expect(svg.split('set_qty(1, 7)').length).toBeGreaterThan(290);
  });
});

/** The first place at which some XML is not well formed. Null: it is. */
function unbalanced(xml: string): string | null {
  const open: string[] = [];
  const tag = /<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g;
  let at = 0;
  for (const match of xml.matchAll(tag)) {
    const between = xml.slice(at, match.index);
    if (/[<>]|&(?!(?:amp|lt|gt|quot);)/.test(between)) return between;
    at = match.index + match[0].length;
    const [, close, name = '', attributes = '', single] = match;
    if (/&(?!(?:amp|lt|gt|quot);)/.test(attributes)) return attributes;
    if (close === '/') {
      if (open.pop() !== name) return match[0];
    } else if (single !== '/') open.push(name);
  }
  return open.length === 0 ? null : open.join(' ');
}
