/** Places in a report as ranges of a text, and what edits do to them. */
import { describe, expect, test } from 'vitest';
import { lineSpan, moved, spanAt, type Edit, type Span } from '../../extension/diagnostics/ranges.ts';

const text = 'versions:\n  v2: SELECT id FROM users   \n\nend';

const span = (line: number, from: number, to: number): Span => ({
  start: { line, character: from },
  end: { line, character: to },
});

function edit(from: readonly [number, number], to: readonly [number, number], inserted: string): Edit {
  return {
    range: { start: { line: from[0], character: from[1] }, end: { line: to[0], character: to[1] } },
    text: inserted,
  };
}

describe('a place of a report', () => {
  test('is a word, or the rest of the line without the spaces at its end', () => {
    expect(spanAt(text, 2, 3, 'word')).toEqual(span(1, 2, 4));
    expect(spanAt(text, 2, 3, 'line')).toEqual(span(1, 2, 26));
  });

  test('is one character where there is no word, and nothing beyond the text', () => {
    expect(spanAt(text, 1, 9, 'word')).toEqual(span(0, 8, 9));
    expect(spanAt(text, 3, 7, 'word')).toEqual(span(2, 0, 0));
    expect(spanAt(text, 99, 1, 'line')).toEqual(span(98, 0, 0));
  });

  test('of an event is its line without the indent', () => {
    expect(lineSpan(text, 2)).toEqual(span(1, 2, 26));
  });
});

describe('a range after an edit', () => {
  const here = span(5, 4, 10);

  test('goes down with a line that is put in above it, and up with one that is taken out', () => {
    expect(moved(here, [edit([1, 0], [1, 0], 'a\nb\n')])).toEqual(span(7, 4, 10));
    expect(moved(here, [edit([1, 0], [3, 0], '')])).toEqual(span(3, 4, 10));
  });

  test('goes along its line with what is typed before it, and stays for what is typed after it', () => {
    expect(moved(here, [edit([5, 1], [5, 2], 'xyz')])).toEqual(span(5, 6, 12));
    expect(moved(here, [edit([5, 12], [6, 0], '\n\n')])).toEqual(here);
  });

  test('goes to the new line when its line is broken before it', () => {
    expect(moved(here, [edit([5, 2], [5, 2], '\n  ')])).toEqual(span(6, 4, 10));
  });

  test('grows and shrinks with what is typed and deleted in it', () => {
    expect(moved(here, [edit([5, 6], [5, 6], 'ab')])).toEqual(span(5, 4, 12));
    expect(moved(here, [edit([5, 6], [5, 8], '')])).toEqual(span(5, 4, 8));
  });

  test('shrinks to where it was when all of it is deleted', () => {
    expect(moved(here, [edit([4, 0], [6, 0], '')])).toEqual(span(4, 0, 0));
  });

  test('takes several edits of one event as made at once', () => {
    const edits = [edit([1, 0], [1, 0], 'a\n'), edit([5, 0], [5, 0], '# ')];
    expect(moved(here, edits)).toEqual(span(6, 6, 12));
    expect(moved(here, edits.toReversed())).toEqual(span(6, 6, 12));
  });
});
