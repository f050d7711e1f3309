/** Plans in the Test Explorer: what is found, what a run says, and what it shows as covered. */
import assert from 'node:assert/strict';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import { closeAll, cutover, openPlan, planUri, replaceText, until } from './helpers.ts';

interface Told {
  readonly results: Map<string, string>;
  readonly messages: Map<string, readonly vscode.TestMessage[]>;
  readonly coverage: vscode.FileCoverage[];
  output: string;
}

let told: Told;
let restore = () => {};

const path = (item: vscode.TestItem): string => `${item.parent?.label ?? ''} / ${item.label}`;

/** A run as the Test Explorer gets it, and what is said to it. */
function recorded(run: vscode.TestRun): vscode.TestRun {
  const result = (name: string) => (item: vscode.TestItem) => void told.results.set(path(item), name);
  const failing =
    (name: string) => (item: vscode.TestItem, message: vscode.TestMessage | readonly vscode.TestMessage[]) => {
      told.results.set(path(item), name);
      told.messages.set(path(item), [message].flat());
    };
  const listeners: Readonly<Record<string, (...all: never[]) => void>> = {
    passed: result('passed'),
    skipped: result('skipped'),
    failed: failing('failed'),
    errored: failing('errored'),
    appendOutput: (text: string) => void (told.output += text),
    addCoverage: (coverage: vscode.FileCoverage) => void told.coverage.push(coverage),
  };
  return new Proxy(run, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...all: never[]) => {
        listeners[String(name)]?.(...all);
        return Reflect.apply(value, target, all) as unknown;
      };
    },
  });
}

async function items(): Promise<vscode.TestItemCollection> {
  return (await cutover()).tests.controller.items;
}

async function stepsOf(uri: vscode.Uri): Promise<readonly vscode.TestItem[]> {
  const { services } = await cutover();
  await services.plans.load(uri);
  const plan = (await items()).get(uri.toString());
  return [...(plan?.children ?? [])].map(([, item]) => item);
}

async function run(kind: vscode.TestRunProfileKind, include: readonly vscode.TestItem[]): Promise<void> {
  told = { results: new Map(), messages: new Map(), coverage: [], output: '' };
  const { tests } = await cutover();
  const profile = tests.profiles.find((each) => each.kind === kind);
  const { token } = new vscode.CancellationTokenSource();
  await profile?.runHandler(new vscode.TestRunRequest(include, undefined, profile), token);
}

const { Run, Debug, Coverage } = vscode.TestRunProfileKind;

suite('tests', () => {
  suiteSetup(async () => {
    const { controller } = (await cutover()).tests;
    const real = controller.createTestRun.bind(controller);
    controller.createTestRun = (...all) => recorded(real(...all));
    restore = () => (controller.createTestRun = real);
  });
  suiteTeardown(() => restore());
  teardown(closeAll);

  test('a plan is found with its steps, each on the lines where it stands, with nothing rehearsed', async () => {
    const document = await openPlan('stock');
    const { services } = await cutover();
    services.rehearsals.forget(document.uri);
    const steps = await stepsOf(document.uri);
    const line = (item: vscode.TestItem | undefined) => document.lineAt(item?.range?.start.line ?? 0).text.trim();
    assert.deepEqual(
      steps.map((each) => [line(each), line(each.children.get('forward')), line(each.children.get('rollback'))]),
      [
        [
          '- name: add quantity',
          "migrate: SET LOCAL lock_timeout = '2s'; ALTER TABLE stock ADD COLUMN quantity int",
          "rollback: SET LOCAL lock_timeout = '2s'; ALTER TABLE stock DROP COLUMN quantity",
        ],
        ['- name: fill', 'backfill: |', 'batch: 10'],
        ['- name: switch', 'deploy: v2', 'deploy: v2'],
      ],
    );
    assert.equal(services.rehearsals.get(document.uri).state, 'none');
  });

  test('a step that is renamed as it is typed is renamed there', async () => {
    const document = await openPlan('stock');
    await stepsOf(document.uri);
    const { services } = await cutover();
    const names = async () =>
      [...((await items()).get(document.uri.toString())?.children ?? [])].map(([, { label }]) => label);
    await replaceText(document, 'name: fill', 'name: fill it');
    await until(
      services.plans.onDidChange,
      () => services.plans.get(document.uri)?.version,
      (version) => version === document.version,
    );
    assert.deepEqual(await names(), ['add quantity', 'fill it', 'switch']);
    // With a mistake in it, the steps from before stay, and the plan says what is wrong.
    await replaceText(document, 'migrate:', 'migrat:');
    await until(
      services.plans.onDidChange,
      () => services.plans.get(document.uri)?.version,
      (version) => version === document.version,
    );
    assert.deepEqual(await names(), ['add quantity', 'fill it', 'switch']);
    const error = (await items()).get(document.uri.toString())?.error;
    assert.ok(typeof error === 'string');
    assert.match(error, /migrat/);
  });

  test('a run fails where a write is lost: expected beside actual, and the trace as a stack', async () => {
    const { uri } = await openPlan('stock');
    await stepsOf(uri);
    const plan = (await items()).get(uri.toString());
    assert.ok(plan !== undefined);
    await run(Run, [plan]);
    assert.deepEqual(Object.fromEntries(told.results), {
      'add quantity / forward': 'passed',
      'add quantity / rollback': 'passed',
      'fill / forward': 'passed',
      'fill / rollback': 'passed',
      'switch / forward': 'failed',
      'switch / rollback': 'passed',
    });
    const [message] = told.messages.get('switch / forward') ?? [];
    assert.equal(message?.expectedOutput, '(1, 7)');
    assert.equal(message?.actualOutput, '(1, 5)');
    assert.equal(message?.location?.uri.toString(), uri.toString());
    const stack = (message?.stackTrace ?? []).map(({ label }) => label);
    assert.match(stack[0] ?? '', /v2 get_stock\(id: 1\)/);
    assert.match(stack.at(-1) ?? '', /^1\. add quantity/);
    assert.match(told.output, /warning missing-verify/);
    assert.ok(!/[^\r]\n/.test(told.output));
  });

  test('one step alone can be run, and a rehearsal that is under way is shared', async () => {
    const { uri } = await openPlan('stock');
    const [first] = await stepsOf(uri);
    assert.ok(first !== undefined);
    const { rehearsals } = (await cutover()).services;
    let begun = 0;
    let last = '';
    const subscription = rehearsals.onDidChange(({ state }) => {
      if (state === 'running' && last !== 'running') begun++;
      last = state;
    });
    const live = rehearsals.rehearse(uri);
    await run(Run, [first]);
    subscription.dispose();
    assert.equal((await live).state, 'fresh');
    assert.equal(begun, 1);
    assert.deepEqual([...told.results.keys()], ['add quantity / forward', 'add quantity / rollback']);
  });

  test('a run that is cancelled says nothing of what it did not finish', async () => {
    told = { results: new Map(), messages: new Map(), coverage: [], output: '' };
    const uri = planUri('backfill-is-null');
    const steps = await stepsOf(uri);
    const { services, tests } = await cutover();
    const source = new vscode.CancellationTokenSource();
    const profile = tests.profiles.find((each) => each.kind === Run);
    const done = profile?.runHandler(new vscode.TestRunRequest(steps, undefined, profile), source.token);
    await until(
      services.rehearsals.onDidChange,
      () => services.rehearsals.get(uri).progress?.phase,
      (phase) => phase === 'forward',
    );
    source.cancel();
    await done;
    assert.deepEqual([...new Set(told.results.values())], ['skipped']);
  });

  test('coverage shows which requests ran at which step', async () => {
    const document = await openPlan('stock');
    const steps = await stepsOf(document.uri);
    await run(Coverage, steps);
    const [coverage] = told.coverage;
    assert.ok(coverage !== undefined);
    const { tests } = await cutover();
    const profile = tests.profiles.find((each) => each.kind === Coverage);
    const { token } = new vscode.CancellationTokenSource();
    const details = (await profile?.loadDetailedCoverage?.({} as vscode.TestRun, coverage, token)) ?? [];
    const shown = details.flatMap((each) => {
      if (!(each instanceof vscode.StatementCoverage) || !(each.location instanceof vscode.Position)) return [];
      return [[document.lineAt(each.location.line).text.trim().split(':')[0], each.executed, each.branches.length]];
    });
    assert.deepEqual(
      shown.slice(0, 4).map(([name]) => name),
      ['set_qty', 'get_stock', 'set_qty', 'get_stock'],
    );
    assert.ok(shown.every(([, executed]) => Number(executed) > 0));
  });

  test('debugging asks whoever can for the finding', async () => {
    const { uri } = await openPlan('stock');
    const steps = await stepsOf(uri);
    const { services } = await cutover();
    const asked: (string | null)[] = [];
    const registration = services.debug.register((plan, finding) => {
      assert.equal(plan.toString(), uri.toString());
      asked.push(finding);
      return Promise.resolve();
    });
    await run(Debug, steps.slice(2));
    await run(Debug, steps.slice(1, 2));
    registration.dispose();
    assert.deepEqual(asked, ['lost-write-switch', null]);
  });
});
