/** A recording made by hand: two versions, a rollout, a backfill that leaves rows behind, one wrong answer. */
import type { Recording } from '../../simulator/report/recording.ts';

export const sampleRecording: Recording = {
  recording: 1,
  file: 'plans/rename.cutover.yaml',
  title: 'Rename users.email',
  seed: 7,
  duration: 86_400,
  totals: { ran: 64, arrived: 8_640_000, ok: 60, failed: 1, wrong: 3, waited: 2, unjudged: 0 },
  steps: [
    { name: 'expand', kind: 'migrate', line: 20, from: 100, to: 102, result: 'done', note: null },
    { name: 'switch reads', kind: 'deploy', line: 24, from: 3700, to: 4300, result: 'done', note: null },
    {
      name: 'backfill',
      kind: 'backfill',
      line: 27,
      from: 7000,
      to: 7600,
      result: 'done',
      note: '90 rows written in 9 batches',
    },
  ],
  seconds: [0, 50, 99, 100, 101, 2000, 3700, 3900, 4100, 4300, 5000, 7000, 7300, 7600, 86_000],
  versions: [
    {
      name: 'v1',
      first: 0,
      ok: [4, 4, 4, 0, 4, 4, 3, 2, 1],
      failed: [0, 0, 0, 0, 1],
      wrong: [],
      waiting: [0, 0, 0, 2, 2],
      unjudged: [],
    },
    {
      name: 'v2',
      first: 6,
      ok: [1, 2, 3, 4, 4, 4, 4, 4, 4],
      failed: [],
      wrong: [0, 0, 0, 1, 2],
      waiting: [],
      unjudged: [],
    },
  ],
  drift: { looked: 200, at: [0, 102, 7300, 7600], rows: [null, 95, 40, 3] },
  backfills: [{ step: 'backfill', rows: 100, at: [7000, 7300, 7600], touched: [10, 50, 90] }],
  sampling: [{ from: 0, to: 86_400, ran: 64, arrived: 8_640_000 }],
  traffic: [
    { request: 'get_user', kind: 'read', table: 'users', perSecond: 90, stated: true, ran: 60, refused: 0 },
    { request: 'set_email', kind: 'write', table: 'users', perSecond: 2.5, stated: false, ran: 4, refused: 4 },
  ],
  tables: [{ name: 'users', rows: 100, made: 'by requests', production: 100_000_000, stated: true }],
  assumptions: ['10 writes/s of users, which the plan does not state'],
  leftOut: [{ what: 'the way back', why: 'the plan is run forward only' }],
  examples: [
    {
      kind: 'wrong',
      second: 4300,
      step: 'switch reads',
      version: 'v2',
      request: 'get_user',
      params: { id: '7', note: "it's \u001B[31m" },
      expected: "(7, 'b')",
      actual: "(7, 'a')",
    },
  ],
  cut: null,
};
