/** Keeps what a run shows, second by second and version by version, and gives it as a recording. */
import type { Example, RecordedStep, Recording, VersionSeries } from '../report/recording.ts';

export const verdicts = ['ok', 'failed', 'wrong', 'waiting', 'unjudged'] as const;
export type Counted = (typeof verdicts)[number];

const examplesOfAKind = 3;
const mostExamples = 30;

export interface Facts {
  readonly file: string;
  readonly title: string;
  readonly seed: number;
  readonly traffic: readonly Omit<Recording['traffic'][number], 'ran' | 'refused'>[];
  readonly tables: Recording['tables'];
  readonly assumptions: readonly string[];
  readonly leftOut: Recording['leftOut'];
  readonly probes: number;
}

export class Recorder {
  /** By second: for each version as many numbers as there are kinds. */
  private readonly points = new Map<number, Int32Array>();
  private readonly steps: RecordedStep[] = [];
  private readonly drift: { at: number[]; rows: (number | null)[] } = { at: [], rows: [] };
  private readonly backfills: { step: string; rows: number; at: number[]; touched: number[] }[] = [];
  private readonly sampling: Recording['sampling'] = [];
  private readonly examples: Example[] = [];
  private readonly shown = new Map<string, Set<string>>();
  private readonly requests = new Map<number, { ran: number; refused: number }>();
  private readonly lags = new Map<string, { at: number[]; ms: number[] }>();
  /** By version and second: how far the replica was behind that it read from. */
  private readonly behinds = new Map<number, Map<number, number>>();
  private readonly stuckStreams: Recording['leftOut'] = [];
  private waited = 0;
  private end = 0;

  constructor(private readonly versions: readonly string[]) {}

  count(second: number, version: number, kind: Counted): void {
    let point = this.points.get(second);
    if (point === undefined) this.points.set(second, (point = new Int32Array(this.versions.length * verdicts.length)));
    const at = version * verdicts.length + verdicts.indexOf(kind);
    point[at] = (point[at] ?? 0) + 1;
  }

  /** A request waited from one moment to another, in milliseconds. */
  wait(fromMs: number, toMs: number, version: number): void {
    this.waited++;
    for (let second = Math.floor(fromMs / 1000); second * 1000 < toMs; second++) this.count(second, version, 'waiting');
  }

  ran(request: number, refused: boolean): void {
    let counts = this.requests.get(request);
    if (counts === undefined) this.requests.set(request, (counts = { ran: 0, refused: 0 }));
    counts.ran++;
    if (refused) counts.refused++;
  }

  /** True while another example of this kind is wanted. */
  wants(kind: Example['kind'], version: string, request: string): boolean {
    const shown = this.shown.get(`${kind} ${version} ${request}`)?.size ?? 0;
    return shown < examplesOfAKind && this.examples.length < mostExamples;
  }

  /** The first of each kind; the same parameters again tell nothing new. */
  example(example: Example): void {
    const key = `${example.kind} ${example.version} ${example.request}`;
    let shown = this.shown.get(key);
    if (shown === undefined) this.shown.set(key, (shown = new Set()));
    const params = JSON.stringify(example.params);
    if (shown.has(params)) return;
    shown.add(params);
    this.examples.push(example);
  }

  step(step: RecordedStep): void {
    this.steps.push(step);
  }

  drifted(second: number, rows: number | null): void {
    if (this.drift.rows.length > 0 && this.drift.rows.at(-1) === rows) return;
    this.drift.at.push(second);
    this.drift.rows.push(rows);
  }

  backfill(step: string, rows: number): (second: number, touched: number) => void {
    const series = { step, rows, at: [] as number[], touched: [] as number[] };
    this.backfills.push(series);
    return (second, touched) => {
      if (series.touched.at(-1) === touched) return;
      series.at.push(second);
      series.touched.push(touched);
    };
  }

  /** How far a stream or a replica is behind, in milliseconds. */
  lag(of: string, second: number, ms: number): void {
    let series = this.lags.get(of);
    if (series === undefined) this.lags.set(of, (series = { at: [], ms: [] }));
    if (series.ms.at(-1) === ms) return;
    series.at.push(second);
    series.ms.push(ms);
  }

  /** A version has read from a replica that was so far behind, in milliseconds; the most in a second counts. */
  behind(second: number, version: number, ms: number): void {
    let seconds = this.behinds.get(version);
    if (seconds === undefined) this.behinds.set(version, (seconds = new Map()));
    seconds.set(second, Math.max(seconds.get(second) ?? 0, ms));
  }

  /** A stream delivers nothing any more. */
  stuck(of: string, second: number, why: string): void {
    this.stuckStreams.push({ what: `what "${of}" has to deliver after second ${second}`, why: `it is stuck: ${why}` });
  }

  sampled(fromMs: number, toMs: number, ran: number, arrived: number): void {
    this.end = toMs;
    const [from, to] = [fromMs / 1000, toMs / 1000];
    const last = this.sampling.at(-1);
    const same = last !== undefined && last.to === from && Math.abs(rate(last) - ran / arrived) < rate(last) * 0.2;
    if (!same) return void this.sampling.push({ from, to, ran, arrived: Math.round(arrived) });
    last.to = to;
    last.ran += ran;
    last.arrived = Math.round(last.arrived + arrived);
  }

  finish(facts: Facts, cut: string | null): Recording {
    const seconds = [...this.points.keys()].sort((a, b) => a - b);
    const series = this.versions.map((name, v) => this.series(name, v, seconds));
    const total = (kind: Counted): number =>
      series.reduce((n, version) => n + version[kind].reduce((sum, value) => sum + value, 0), 0);
    const ran = this.sampling.reduce((n, s) => n + s.ran, 0);
    const arrived = this.sampling.reduce((n, s) => n + s.arrived, 0);
    return {
      recording: 1,
      file: facts.file,
      title: facts.title,
      seed: facts.seed,
      duration: Math.ceil(this.end / 1000),
      totals: {
        ran,
        arrived,
        ok: total('ok'),
        failed: total('failed'),
        wrong: total('wrong'),
        waited: this.waited,
        unjudged: total('unjudged'),
      },
      steps: [...this.steps],
      seconds,
      versions: series,
      drift: { looked: facts.probes, ...this.drift },
      backfills: this.backfills,
      sampling: this.sampling,
      traffic: facts.traffic.map((each, i) => ({ ...each, ...(this.requests.get(i) ?? { ran: 0, refused: 0 }) })),
      tables: facts.tables,
      assumptions: [...facts.assumptions],
      leftOut: [...this.stuckStreams, ...facts.leftOut],
      examples: this.examples,
      ...(this.lags.size === 0 ? {} : { lag: [...this.lags].map(([of, series]) => ({ of, ...series })) }),
      cut,
    };
  }

  private series(name: string, version: number, seconds: readonly number[]): VersionSeries {
    const columns = verdicts.map((_, kind) =>
      seconds.map((second) => this.points.get(second)?.[version * verdicts.length + kind] ?? 0),
    );
    const firsts = columns.map((column) => column.findIndex((n) => n > 0)).filter((i) => i >= 0);
    const first = firsts.length === 0 ? 0 : Math.min(...firsts);
    const cut = (kind: Counted): number[] => {
      const column = columns[verdicts.indexOf(kind)] ?? [];
      return column.slice(first, column.findLastIndex((n) => n > 0) + 1);
    };
    return {
      name,
      first,
      ok: cut('ok'),
      failed: cut('failed'),
      wrong: cut('wrong'),
      waiting: cut('waiting'),
      unjudged: cut('unjudged'),
      ...this.lagOf(version, seconds, first),
    };
  }

  private lagOf(version: number, seconds: readonly number[], first: number): Pick<VersionSeries, 'lagMs'> {
    const behinds = this.behinds.get(version);
    if (behinds === undefined) return {};
    const lagMs = seconds.map((second) => behinds.get(second) ?? 0);
    return { lagMs: lagMs.slice(first, lagMs.findLastIndex((ms) => ms > 0) + 1) };
  }
}

function rate(stretch: { readonly ran: number; readonly arrived: number }): number {
  return stretch.ran / stretch.arrived;
}
