/** The whole score as a picture that stands by itself: with its colours, its headline, its story and its legend. */
import { rowsFor, type Canvas } from '../model/canvas.ts';
import { columnsOf, textWidth } from '../model/columns.ts';
import { legendOf } from '../model/legend.ts';
import { gutterOf, pictureOf } from '../model/picture.ts';
import type { Told } from '../model/rows.ts';
import type { Score } from '../model/score.ts';
import { circle, text, type Ink, type Paint, type Shape } from '../model/shapes.ts';
import { headlineOf } from '../model/story.ts';

/** Colours and fonts as they are on the page. */
export interface Look {
  readonly inks: Readonly<Record<Ink, string>>;
  readonly font: string;
  readonly mono: string;
}

const gutter = 140;
const margin = 20;
/** As wide as a picture for a review should be; what is longer is wider. */
const usual = 860;

/** One history and one score, from its first event to its last. `sentence` is that of the playhead. */
export function svgOf(told: Told, score: Score, sentence: string, plan: string, look: Look): string {
  const columns = columnsOf(score, usual);
  const rows = rowsFor(score);
  const view = { from: 0, to: score.length };
  const canvas: Canvas = { columns, rows, view, left: 0, right: columns.width };
  const inner = gutter + Math.max(columns.width, usual);
  const title = block(headlineOf(told), inner, 16, true);
  const top = margin + title.height + 12;
  const below = top + rows.height + 8;
  const story = storyBlock(score, Math.min(inner, gutter + usual));
  const said = block(sentence, Math.min(inner, gutter + usual), 12, false);
  const foot = below + story.height + said.height + 18;
  const legend = legendShapes(score, inner);
  const height = foot + legend.height + 26 + margin;
  const parts = [
    at(margin, margin, title.shapes, look),
    at(margin, top, gutterOf(score, rows, gutter - 10), look),
    at(margin + gutter, top, pictureOf(score, canvas), look),
    at(margin, below, story.shapes, look),
    at(margin, below + story.height + 6, said.shapes, look),
    at(margin, foot, legend.shapes, look),
    at(margin, foot + legend.height + 14, [text(0, 0, plan, { ink: 'soft', size: 11 })], look),
  ];
  const width = inner + 2 * margin;
  const size = `width="${number(width)}" height="${number(height)}" viewBox="0 0 ${number(width)} ${number(height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" font-family="${escaped(look.font)}">`,
    `<title>${escaped(headlineOf(told))}</title>`,
    `<desc>${escaped([...(score.story?.callouts ?? []).map((c) => `${c.number}. ${c.text}.`), sentence].join(' '))}</desc>`,
    hatches(look),
    `<rect width="100%" height="100%" fill="${escaped(look.inks.paper)}"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

interface Block {
  readonly shapes: readonly Shape[];
  readonly height: number;
}

/** Words on lines that are no wider than so many pixels. */
export function wrapped(words: string, width: number, size: number, isBold: boolean): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && textWidth(longer, size, false, isBold) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

function block(words: string, width: number, size: number, isBold: boolean): Block {
  const lines = wrapped(words, width, size, isBold);
  const step = Math.round(size * 1.35);
  return {
    shapes: lines.map((line, i) => text(0, size + i * step, line, { size, isBold })),
    height: lines.length * step,
  };
}

/** The numbered events, side by side. */
function storyBlock(score: Score, width: number): Block {
  const callouts = score.story?.callouts ?? [];
  if (callouts.length === 0) return { shapes: [], height: 0 };
  const each = width / Math.min(callouts.length, 4);
  const shapes: Shape[] = [];
  let y = 0;
  for (let first = 0; first < callouts.length; first += 4) {
    let most = 0;
    callouts.slice(first, first + 4).forEach((callout, i) => {
      const x = i * each;
      const isBad = callout.part === 'break' || callout.part === 'lost' || callout.part === 'end';
      shapes.push(circle(x + 8, y + 9, 8, { fill: isBad ? 'bad' : 'ink' }));
      shapes.push(
        text(x + 8, y + 13, String(callout.number), { ink: 'paper', size: 11, isBold: true, anchor: 'middle' }),
      );
      const lines = wrapped(callout.text, each - 40, 12, false);
      lines.forEach((line, k) => shapes.push(text(x + 24, y + 13 + k * 16, line, { size: 12 })));
      most = Math.max(most, lines.length);
    });
    y += most * 16 + 12;
  }
  return { shapes, height: y };
}

function legendShapes(score: Score, width: number): Block {
  const shapes: Shape[] = [];
  let x = 0;
  let y = 0;
  for (const { words, shapes: sample } of legendOf(score)) {
    const needs = 28 + textWidth(words, 11, false) + 18;
    if (x > 0 && x + needs > width) {
      x = 0;
      y += 20;
    }
    shapes.push(...sample.map((shape) => moved(shape, x, y)));
    shapes.push(text(x + 28, y + 11, words, { ink: 'soft', size: 11 }));
    x += needs;
  }
  return { shapes, height: y + 20 };
}

function moved(shape: Shape, x: number, y: number): Shape {
  if (shape.kind !== 'path') return { ...shape, x: shape.x + x, y: shape.y + y };
  const isWide = { M: 2, L: 2, H: 1 } as const;
  const d = shape.d.replace(/([MLH])([-\d.]+)(?: ([-\d.]+))?/g, (_, letter: 'M' | 'L' | 'H', a: string, b?: string) =>
    isWide[letter] === 1 ? `${letter}${Number(a) + x}` : `${letter}${Number(a) + x} ${Number(b ?? 0) + y}`,
  );
  return { ...shape, d };
}

function at(x: number, y: number, shapes: readonly Shape[], look: Look): string {
  return `<g transform="translate(${number(x)} ${number(y)})">\n${shapes.map((s) => written(s, look)).join('\n')}\n</g>`;
}

function hatches({ inks }: Look): string {
  const one = (name: 'bad' | 'soft', width: number) =>
    `<pattern id="hatch-${name}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
    `<rect width="${width}" height="6" fill="${escaped(inks[name])}" fill-opacity="0.5"/></pattern>`;
  return `<defs>${one('bad', 2)}${one('soft', 1.4)}</defs>`;
}

function paintOf(paint: Paint, { inks }: Look): string {
  const attributes = [`fill="${paint.fill === undefined ? 'none' : escaped(inks[paint.fill])}"`];
  if (paint.fillOpacity !== undefined) attributes.push(`fill-opacity="${paint.fillOpacity}"`);
  if (paint.stroke !== undefined) attributes.push(`stroke="${escaped(inks[paint.stroke])}"`);
  if (paint.width !== undefined) attributes.push(`stroke-width="${paint.width}"`);
  if (paint.dash !== undefined && paint.dash !== 'none') attributes.push(`stroke-dasharray="${paint.dash}"`);
  return attributes.join(' ');
}

function written(shape: Shape, look: Look): string {
  switch (shape.kind) {
    case 'rect': {
      const box = `x="${number(shape.x)}" y="${number(shape.y)}" width="${number(shape.width)}" height="${number(shape.height)}"`;
      return `<rect ${box} rx="${shape.round}" ${paintOf(shape.paint, look)}>${titled(shape.title)}</rect>`;
    }
    case 'hatch': {
      const box = `x="${number(shape.x)}" y="${number(shape.y)}" width="${number(shape.width)}" height="${number(shape.height)}"`;
      return `<rect ${box} fill="url(#hatch-${shape.ink})"/>`;
    }
    case 'path':
      return `<path d="${shape.d}" ${paintOf(shape.paint, look)}/>`;
    case 'circle':
      return `<circle cx="${number(shape.x)}" cy="${number(shape.y)}" r="${shape.radius}" ${paintOf(shape.paint, look)}/>`;
    case 'text': {
      const font = shape.isMono ? ` font-family="${escaped(look.mono)}"` : '';
      const bold = shape.isBold ? ' font-weight="600"' : '';
      const rim = shape.isOver
        ? ` stroke="${escaped(look.inks.paper)}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"`
        : '';
      const place = `x="${number(shape.x)}" y="${number(shape.y)}" font-size="${shape.size}" text-anchor="${shape.anchor}"`;
      return `<text ${place} fill="${escaped(look.inks[shape.ink])}"${font}${bold}${rim} xml:space="preserve">${escaped(shape.text)}${titled(shape.title)}</text>`;
    }
  }
}

function titled(title: string | undefined): string {
  return title === undefined ? '' : `<title>${escaped(title)}</title>`;
}

function number(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Nothing of a plan becomes markup, and nothing that XML can't hold is left. */
export function escaped(words: string): string {
  return words
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '�')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
