/** A history as it can be told, which finding is chosen, and what the page is given: the parts of the stage that know no editor. */
import { describe, expect, test } from 'vitest';
import { choiceOf, chosenIn } from '../../extension/stage/choice.ts';
import { pageHtml } from '../../extension/stage/page.ts';
import { rehearsalPart } from '../../extension/stage/rehearsal-part.ts';
import { firstPlace, isThere, knownFork, tell } from '../../extension/stage/told.ts';
import type { ForkCommand, History, Moment } from '../../simulator/player/model.ts';
import type { Finding, PlanReport } from '../../simulator/report/model.ts';

const moment = (shown: string | null = null, probes: readonly Moment[] = []) =>
  ({ shown: shown === null ? null : { rule: shown }, probes }) as unknown as Moment;

function history(id: number, from: History['from'], command: ForkCommand | null, moments: readonly Moment[]): History {
  return { id, title: '', from, command, moments };
}

const run: ForkCommand = { kind: 'request', version: 'v1', request: 'set', params: { a: '1', b: null } };
const histories = [
  history(0, null, null, [moment(), moment('lost-write', [moment()]), moment()]),
  history(1, { history: 0, moment: 2 }, { kind: 'rollback' }, [moment(), moment()]),
  history(2, { history: 0, moment: 1 }, run, [moment(), moment()]),
  history(3, { history: 2, moment: 1 }, { kind: 'straggler', version: 'v1' }, [moment(), moment(), moment()]),
];

describe('a history', () => {
  test('is told by the forks that lead to it, and no others', () => {
    expect(tell('f', histories, { history: 3, moment: 2, probe: null })).toEqual({
      finding: 'f',
      forks: [
        { moment: 1, command: run },
        { moment: 1, command: { kind: 'straggler', version: 'v1' } },
      ],
      at: { history: 2, moment: 2, probe: null },
    });
    expect(tell(null, histories, { history: 0, moment: 1, probe: 0 })).toEqual({
      finding: null,
      forks: [],
      at: { history: 0, moment: 1, probe: 0 },
    });
  });

  test('that was forked before is found, in whatever order its values come', () => {
    const same: ForkCommand = { kind: 'request', request: 'set', version: 'v1', params: { b: null, a: '1' } };
    expect(knownFork(histories, 0, { moment: 1, command: same })?.id).toBe(2);
    expect(knownFork(histories, 0, { moment: 2, command: same })).toBeNull();
    expect(knownFork(histories, 1, { moment: 1, command: same })).toBeNull();
    const other: ForkCommand = { ...same, params: { b: null, a: '2' } };
    expect(knownFork(histories, 0, { moment: 1, command: other })).toBeNull();
    expect(knownFork(histories, 0, { moment: 2, command: { kind: 'rollback' } })?.id).toBe(1);
  });

  test('has its places, and is looked at where it goes wrong', () => {
    expect(isThere(histories, { history: 0, moment: 1, probe: 0 })).toBe(true);
    expect(isThere(histories, { history: 0, moment: 2, probe: 0 })).toBe(false);
    expect(isThere(histories, { history: 0, moment: 3, probe: null })).toBe(false);
    expect(isThere(histories, { history: 4, moment: 0, probe: null })).toBe(false);
    expect(firstPlace(histories[0])).toEqual({ history: 0, moment: 1, probe: null });
    expect(firstPlace(histories[3])).toEqual({ history: 3, moment: 0, probe: null });
  });
});

describe('the finding that is played', () => {
  const finding = (id: string, change: Partial<Finding> = {}) =>
    ({ id, rule: id, step: 's', severity: 'error', allowed: null, trace: [{}], ...change }) as Finding;
  const report = (...findings: Finding[]) => ({ findings }) as unknown as PlanReport;
  const all = report(
    finding('missing-verify', { severity: 'warning' }),
    finding('locks', { trace: [] }),
    finding('accepted', { allowed: 'on purpose' }),
    finding('lost-write'),
    finding('request-fails'),
  );

  test('is the first that goes wrong, if nobody has chosen', () => {
    expect(chosenIn(all, { kind: 'first' })?.id).toBe('lost-write');
    expect(chosenIn(report(), { kind: 'first' })).toBeNull();
  });

  test('is none when the plan itself was chosen', () => {
    expect(chosenIn(all, choiceOf(null, all))).toBeNull();
  });

  test('is the same again after another rehearsal: by its id, else by its rule and step, else the first', () => {
    const choice = choiceOf('request-fails', all);
    expect(chosenIn(report(finding('lost-write'), finding('request-fails')), choice)?.id).toBe('request-fails');
    const renamed = report(finding('lost-write'), finding('request-fails-2', { rule: 'request-fails' }));
    expect(chosenIn(renamed, choice)?.id).toBe('request-fails-2');
    const elsewhere = report(finding('lost-write'), finding('x', { rule: 'request-fails', step: 'other' }));
    expect(chosenIn(elsewhere, choice)?.id).toBe('lost-write');
    expect(chosenIn(report(), choice)).toBeNull();
  });
});

describe('the rehearsal', () => {
  const rehearsal = {
    state: 'running' as const,
    report: null,
    isCurrent: false,
    sources: new Map(),
    version: null,
    text: '',
    traces: new Map(),
    progress: { phase: 'forward' as const, step: 'fill', states: 7, transitions: 9, findings: 1 },
    message: null,
  };

  test('is shown as far as it is', () => {
    expect(rehearsalPart(rehearsal, true)).toEqual({
      state: 'running',
      report: null,
      isCurrent: false,
      progress: { phase: 'forward', step: 'fill', states: 7, findings: 1 },
      message: null,
    });
  });

  test('of a workspace that is not trusted is none', () => {
    expect(rehearsalPart(rehearsal, false)).toMatchObject({ state: 'untrusted', progress: null });
  });
});

test('the page may load its own files, and nothing else', () => {
  expect(pageHtml({ cspSource: 'https://*.example', base: 'https://x.example/dist/webview/', language: 'de' }))
    .toMatchInlineSnapshot(`
    "<!DOCTYPE html>
    <html lang="de">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src https://*.example; style-src https://*.example 'unsafe-inline'; font-src https://*.example; img-src https://*.example data: blob:; connect-src https://*.example; worker-src blob:">
    <meta name="cutover-base" content="https://x.example/dist/webview/">
    <link rel="stylesheet" href="https://x.example/dist/webview/stage.css">
    <title>Cutover</title>
    </head>
    <body>
    <div id="stage"></div>
    <script type="module" src="https://x.example/dist/webview/stage.js"></script>
    </body>
    </html>
    "
  `);
  expect(pageHtml({ cspSource: 'x', base: '"><script>', language: '"' })).not.toContain('"><script>');
});
