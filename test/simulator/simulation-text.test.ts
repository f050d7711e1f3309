/** The recording: its schema, and exactly the text that people read. */
import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { recordingJsonSchema, recordingSchema, renderRecording } from '../../simulator/report/recording.ts';
import { renderSimulation, seenIn } from '../../simulator/report/simulation.ts';
import { sampleRecording } from './simulation-samples.ts';

const schemaFile = new URL('../../schemas/recording.schema.json', import.meta.url);
const plain = { colour: false, width: 80, elapsedMs: null };

describe('the recording as JSON', () => {
  test('reads back as what was written', () => {
    expect(recordingSchema.parse(JSON.parse(renderRecording(sampleRecording)))).toEqual(sampleRecording);
  });

  test('has a published schema that is current (UPDATE_SCHEMAS=1 rewrites it)', async () => {
    if (process.env.UPDATE_SCHEMAS === '1') await writeFile(schemaFile, recordingJsonSchema());
    expect(await readFile(schemaFile, 'utf8')).toBe(recordingJsonSchema());
  });
});

describe('the recording as text', () => {
  test('the whole of it', () => {
    expect(renderSimulation(sampleRecording, plain)).toMatchInlineSnapshot(`
      "✗ 1 failed request, 3 wrong answers
        Rename users.email
        plans/rename.cutover.yaml

      Traffic
        ran        64 of 8,640,000 requests in 1 d. This is a sample, never a proof:
                   \`rehearse\` goes through every history
        seed       7
        tables     users: 100 rows, made by requests, for 100,000,000
        rates      get_user 90/s, set_email 2.5/s
        assumed    10 writes/s of users, which the plan does not state
        left out   the way back: the plan is run forward only
        no use     set_email was refused every time

      Answers
        v1 ok             ███████████████     ▇▇▇▇▇█████▆▆▆▄▄▄▂▂▂
        v1 failed         ···············     ▂▂▂▂▂··············
        v1 waiting        ···············█████▄▄▄▄▄··············
        v2 ok                                           ▂▂▂▄▄▄▆▆▆▇▇▇▆▆▆███████████████
        v2 wrong                                        ·········▂▂▂▃▃▃···············
        drifted           ?????????????????????????████████████████████████▄▄▄▄▁▁▁▁▁▁▁
        backfill                                                       ▁▁▁▁▅▅▅▅███████
                                         │1             │2             │3
        each step has the same width, however long it took; \`ok\` is a share of all
        traffic, the others of the version’s own; drifted: of 200 reads, what the next
        version to read would read otherwise; 95 at most

      Steps
         1  expand        migrate   at 00:01:40 for 2 s
         2  switch reads  deploy    at 01:01:40 for 10 min
         3  backfill      backfill  at 01:56:40 for 10 min
            90 rows written in 9 batches

      ✗ wrong: v2 get_user(id: 7, note: 'it's \\u{1b}[31m')
        after switch reads began, at 01:11:40
        expected  (7, 'b')
        actual    (7, 'a')
      "
    `);
  });

  test.each([60, 80, 120])('fits into %i columns', (width) => {
    const lines = renderSimulation(sampleRecording, { ...plain, width }).split('\n');
    expect(lines.filter((line) => line.length > width)).toEqual([]);
  });

  test('many steps share what room there is', () => {
    const steps = Array.from({ length: 60 }, (_, i) => ({
      ...sampleRecording.steps[0]!,
      name: `step ${i}`,
      from: i,
      to: i,
    }));
    const lines = renderSimulation({ ...sampleRecording, steps }, plain).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test('colour adds codes and no words, and nothing of a plan reaches a terminal as codes', () => {
    const coloured = renderSimulation(sampleRecording, { ...plain, colour: true });
    // eslint-disable-next-line no-control-regex
    expect(coloured.replace(/\u001B\[[\d;]*m/g, '')).toBe(renderSimulation(sampleRecording, plain));
    expect(renderSimulation(sampleRecording, plain)).not.toContain('\u001B');
  });

  test.each([
    ['a right run', { totals: { ...sampleRecording.totals, failed: 0, wrong: 0 } }, 'nothing', '✓ nothing wrong seen'],
    [
      'a plan that stopped',
      {
        totals: { ...sampleRecording.totals, failed: 0, wrong: 0 },
        steps: [{ ...sampleRecording.steps[0]!, result: 'failed' as const, note: 'no such column' }],
      },
      'wrong',
      '✗ the plan stops at expand',
    ],
    [
      'one that was cut',
      { totals: { ...sampleRecording.totals, failed: 0, wrong: 0 }, cut: 'cancelled' },
      'cut',
      '? cut short: cancelled',
    ],
    [
      'one in which nothing ran',
      { totals: { ran: 0, arrived: 0, ok: 0, failed: 0, wrong: 0, waited: 0, unjudged: 0 } },
      'cut',
      '? no request was run',
    ],
    [
      'one that was wrong and cut',
      { cut: 'cancelled' },
      'wrong',
      '✗ 1 failed request, 3 wrong answers, cut short: cancelled',
    ],
  ] as const)('%s', (_what, change, seen, said) => {
    const recording = {
      ...sampleRecording,
      ...change,
      steps: 'steps' in change ? [...change.steps] : sampleRecording.steps,
    };
    expect(seenIn(recording)).toBe(seen);
    expect(renderSimulation(recording, plain).split('\n')[0]).toBe(said);
  });

  test('says of every run that it proves nothing', () => {
    const said = renderSimulation(sampleRecording, { ...plain, width: 120 }).replace(/\s+/g, ' ');
    expect(said).toContain('This is a sample, never a proof');
  });
});
