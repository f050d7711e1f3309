/** A finding with its history as Markdown, to be put into a review. Whatever a plan's values are, they stay values. */
import type { Moment } from '../../simulator/player/model.ts';
import type { Told } from '../model/rows.ts';
import { subjectWords, type Score } from '../model/score.ts';
import { headlineOf, showerOf } from '../model/story.ts';
import { copier } from '../model/stream-words.ts';
import { columnsIn, rowAt } from '../model/table.ts';
import { callWords, visible } from '../model/values.ts';

/** Events that are told one by one; of a longer history, those that its story has. */
const mostEvents = 60;

export function markdownOf(told: Told, score: Score, plan: string): string {
  const { finding } = told.recording;
  const { story } = score;
  const end = story === null ? null : showerOf(told, story);
  const parts = [
    `### ${plain(headlineOf(told))}`,
    `Plan: ${code(plan)} (${plain(told.recording.title)})${finding === null ? '' : `, finding ${code(finding.id)}`}`,
    expectation(end),
    (story?.callouts ?? []).map(({ text }, i) => `${i + 1}. ${plain(text)}`).join('\n'),
    eventTable(told, score),
    sqlOf(told, score),
    finding?.hint === undefined || finding.hint === '' ? '' : `**What to do.** ${hintText(finding.hint)}`,
    finding === null ? '' : `Replay it:\n\n${fence(`cutover replay ${shell(plan)} ${shell(finding.id)}`, 'sh')}`,
    told.recording.notes.map((note) => `> ${plain(note)}`).join('\n'),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function expectation(moment: Moment | null): string {
  if (moment?.shown == null || moment.expected === null || moment.actual === null) return '';
  return `| | |\n|---|---|\n| Without the migration | ${cell(code(moment.expected))} |\n| With it | ${cell(code(moment.actual))} |`;
}

function shownMoments(told: Told, score: Score): readonly number[] {
  const all = told.history.moments.map((_, i) => i);
  if (all.length <= mostEvents) return all;
  const story = new Set(score.story?.callouts.map((c) => c.moment));
  return all.filter((i) => i === 0 || story.has(i));
}

function eventTable(told: Told, score: Score): string {
  const columns = columnsIn(score);
  const moments = shownMoments(told, score);
  const head = ['#', 'Step', 'Who', 'What', ...columns.map(({ name, role }) => `${code(name)} ${plain(role)}`)];
  const rows = moments.map((at) => {
    const row = rowAt(told, score, at);
    const values = row.cells.map(({ text, should, state }) =>
      state === 'wrong' || state === 'differs'
        ? `**${code(text)}**${should === null ? '' : `, should be ${code(should)}`}`
        : code(text),
    );
    const step = `${row.isBack ? '↩ ' : ''}${plain(row.step)}`;
    return [String(at), step, plain(row.who), plain(row.what), ...values];
  });
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  const left = told.history.moments.length - moments.length;
  return [
    ...(score.subject === null ? [] : [`What happens to ${plain(subjectWords(score.subject))}:`, '']),
    line(head),
    `|${head.map(() => '---').join('|')}|`,
    ...rows.map(line),
    ...(left > 0 ? ['', `${left} of ${told.history.moments.length} events are left out here.`] : []),
  ].join('\n');
}

/** A hint has its code between backticks. */
function hintText(hint: string): string {
  return hint
    .split('`')
    .map((part, i) => (i % 2 === 0 ? plain(part) : code(part)))
    .join('');
}

/** What was run, event by event, as the plan has it written. */
function sqlOf(told: Told, score: Score): string {
  const parts = shownMoments(told, score).flatMap((at) => {
    const event = told.history.moments[at]?.event ?? null;
    if (event === null || event.sql.trim() === '') return [];
    const who =
      event.kind === 'request'
        ? `${event.version ?? '?'} ${callWords(event)}`
        : event.kind === 'deliver'
          ? copier(told.history.moments[at])
          : `${event.kind === 'rollback' ? 'roll back ' : ''}${event.step ?? ''}`;
    return [`**${at}.** ${plain(who)}\n\n${fence(event.sql.trim(), 'sql')}`];
  });
  if (parts.length === 0) return '';
  return `<details><summary>The SQL of each event</summary>\n\n${parts.join('\n\n')}\n\n</details>`;
}

/** Text in which nothing is markup: no emphasis, no HTML, no link, no mention of anybody. */
export function plain(text: string): string {
  return visible(text)
    .replace(/[\\`*_{}[\]<>#|~&!]/g, (char) => `\\${char}`)
    .replace(/(^|[^\w])@(?=\w)/g, '$1@\u200B')
    .replace(/\b(https?|www)(:\/\/|\.)/g, '$1\u200B$2');
}

/** A value: in as many backticks as it takes. */
export function code(text: string): string {
  const shown = visible(text);
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map((m) => m[0].length));
  const ticks = '`'.repeat(longest + 1);
  const pad = shown === '' || shown.startsWith('`') || shown.endsWith('`') || shown.trim() === '' ? ' ' : '';
  return `${ticks}${pad}${shown}${pad}${ticks}`;
}

/** Lines as they are, between fences that are longer than any in them. */
export function fence(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((m) => m[0].length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}

/** In a table a pipe ends the cell, also in code. What is escaped already stays so. */
function cell(text: string): string {
  return text.replace(/\\?\|/g, '\\|').replace(/\s*\n\s*/g, ' ');
}

function shell(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
