/** Plans as test items: plan, step, and its way forward and back; found by parsing, and kept up to date as a plan is typed. */
import * as vscode from 'vscode';
import type { LoadedPlan } from '../loaded-plans.ts';
import { placesOf, type StepPlace } from '../outline.ts';
import { isPlanUri, planGlob } from '../plans.ts';
import type { Services } from '../services.ts';
import type { Direction } from './outcomes.ts';

/** What an item stands for. */
export interface TestData {
  readonly plan: vscode.Uri;
  /** Null: the plan itself. */
  readonly step: string | null;
  /** Null: all of the step. */
  readonly direction: Direction | null;
}

export class TestItems {
  private readonly data = new WeakMap<vscode.TestItem, TestData>();
  private readonly places = new Map<string, readonly StepPlace[]>();
  private readonly subscriptions: vscode.Disposable[] = [];
  private found: Promise<void> | null = null;

  constructor(
    private readonly controller: vscode.TestController,
    private readonly services: Services,
  ) {
    controller.resolveHandler = async (item) => (item === undefined ? this.findPlans() : this.resolve(item));
    controller.refreshHandler = () => this.refresh();
    this.subscriptions.push(
      services.plans.onDidChange((loaded) => this.update(loaded)),
      vscode.workspace.onDidRenameFiles(() => void this.refresh()),
    );
  }

  dataOf(item: vscode.TestItem): TestData | null {
    return this.data.get(item) ?? null;
  }

  placesOf(plan: vscode.Uri): readonly StepPlace[] {
    return this.places.get(plan.toString()) ?? [];
  }

  /** Every plan of the workspace; none of them is read yet. */
  findPlans(): Promise<void> {
    this.found ??= this.find();
    return this.found;
  }

  /** Its steps; known at once if somebody has read the plan already. */
  async resolve(item: vscode.TestItem): Promise<void> {
    const data = this.data.get(item);
    if (data === undefined || data.step !== null) return;
    this.update(await this.services.plans.load(data.plan));
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  private async find(): Promise<void> {
    const watcher = vscode.workspace.createFileSystemWatcher(planGlob, false, true, false);
    this.subscriptions.push(
      watcher,
      watcher.onDidCreate((uri) => void this.planItem(uri)),
      watcher.onDidDelete((uri) => this.controller.items.delete(uri.toString())),
    );
    const plans = await vscode.workspace.findFiles(planGlob, '**/node_modules/**');
    for (const uri of plans) this.planItem(uri);
  }

  private async refresh(): Promise<void> {
    const plans = await vscode.workspace.findFiles(planGlob, '**/node_modules/**');
    const there = new Set(plans.map((uri) => uri.toString()));
    this.controller.items.forEach(({ id }) => {
      if (!there.has(id)) this.controller.items.delete(id);
    });
    for (const uri of plans) await this.resolve(this.planItem(uri));
  }

  private planItem(uri: vscode.Uri): vscode.TestItem {
    const known = this.controller.items.get(uri.toString());
    if (known !== undefined) return known;
    const name = uri.path.split('/').at(-1) ?? uri.path;
    const item = this.controller.createTestItem(uri.toString(), name, uri);
    item.canResolveChildren = true;
    item.description = vscode.workspace.asRelativePath(uri);
    this.data.set(item, { plan: uri, step: null, direction: null });
    this.controller.items.add(item);
    return item;
  }

  private update({ uri, result }: LoadedPlan): void {
    if (!isPlanUri(uri)) return;
    const item = this.planItem(uri);
    // With a mistake in it nobody knows the steps: those from before stay.
    item.error = result.ok ? undefined : result.errors[0]?.message;
    if (!result.ok) return;
    item.label = result.plan.title;
    item.range = lineRange(0);
    const places = placesOf(result.plan);
    this.places.set(uri.toString(), places);
    const steps = places.map((place, i) => this.stepItem(item, uri, place, i));
    item.children.replace(steps);
  }

  private stepItem(parent: vscode.TestItem, plan: vscode.Uri, place: StepPlace, index: number): vscode.TestItem {
    const { name, kind, line, endLine, forwardLine, rollbackLine } = place;
    const item = parent.children.get(name) ?? this.controller.createTestItem(name, name, plan);
    this.data.set(item, { plan, step: name, direction: null });
    item.label = name;
    item.description = kind;
    item.sortText = String(index).padStart(4, '0');
    item.range = new vscode.Range(line, 0, endLine, 0);
    const part = (direction: Direction, at: number, order: string): vscode.TestItem => {
      const child = item.children.get(direction) ?? this.controller.createTestItem(direction, direction, plan);
      this.data.set(child, { plan, step: name, direction });
      child.range = lineRange(at);
      child.sortText = order;
      return child;
    };
    item.children.replace([part('forward', forwardLine, '0'), part('rollback', rollbackLine, '1')]);
    return item;
  }
}

function lineRange(line: number): vscode.Range {
  return new vscode.Range(line, 0, line, 0);
}
