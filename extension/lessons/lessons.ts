/** Lessons: broken plans that are opened as new documents, and are solved when they are safe. */
import * as vscode from 'vscode';
import { openNew } from '../new-document.ts';
import { activePlan, readText } from '../plans.ts';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';
import type { Services } from '../services.ts';
import { rehearseMode } from '../settings.ts';
import { fileNameOf, lessonAt, lessonOf, lessons, nextLesson, outcomeOf, type Lesson } from './catalog.ts';

/** A lesson is not saved: it is rehearsed at a pause, unless nothing is to be rehearsed unasked. */
const pauseMs = 700;
const solvedKey = 'cutover.lessons.solved';
const isSolvedContext = 'cutover.lessonSolved';

export class Lessons {
  private readonly changed = new vscode.EventEmitter<Lesson>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  /** What was last said of each document, so that it is said once. */
  private readonly told = new Map<string, string>();
  private readonly subscriptions: vscode.Disposable;

  readonly onDidSolve = this.changed.event;

  constructor(
    private readonly services: Services,
    private readonly memory: vscode.Memento,
  ) {
    this.subscriptions = vscode.Disposable.from(
      this.changed,
      vscode.commands.registerCommand('cutover.startLesson', (id?: unknown) => this.choose(id)),
      services.rehearsals.onDidChange((rehearsal) => void this.judge(rehearsal)),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.typed(document);
      }),
    );
    if (this.solved().size > 0) void setSolved();
  }

  /** Ids of the lessons that were ever solved. */
  solved(): ReadonlySet<string> {
    return new Set(this.memory.get<readonly string[]>(solvedKey, []));
  }

  async start(lesson: Lesson): Promise<vscode.TextDocument> {
    const open = vscode.workspace.textDocuments.find(
      (each) => !each.isClosed && each.isUntitled && lessonAt(each.uri.path)?.id === lesson.id,
    );
    if (open !== undefined) {
      await vscode.window.showTextDocument(open);
      return open;
    }
    const file = ['extension', 'lessons', 'plans', `${lesson.id}.cutover.yaml`];
    return openNew(fileNameOf(lesson), await readText(vscode.Uri.joinPath(this.services.extensionUri, ...file)));
  }

  async forget(): Promise<void> {
    this.told.clear();
    await this.memory.update(solvedKey, undefined);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.subscriptions.dispose();
  }

  private async choose(id: unknown): Promise<void> {
    const lesson = (typeof id === 'string' ? lessonOf(id) : null) ?? (await this.pick());
    if (lesson !== null) await this.start(lesson);
  }

  private async pick(): Promise<Lesson | null> {
    const solved = this.solved();
    const items = lessons.map((lesson, index) => ({
      label: `${solved.has(lesson.id) ? '$(pass)' : '$(circle-large-outline)'} ${index + 1}. ${lesson.title}`,
      description: solved.has(lesson.id) ? vscode.l10n.t('solved') : '',
      lesson,
    }));
    return (await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Which lesson?') }))?.lesson ?? null;
  }

  private typed({ uri }: vscode.TextDocument): void {
    if (lessonAt(uri.path) === null || rehearseMode(uri) !== 'onSave' || !vscode.workspace.isTrusted) return;
    const key = uri.toString();
    clearTimeout(this.timers.get(key));
    const rehearse = () => {
      this.timers.delete(key);
      if (activePlan()?.uri.toString() === key) void this.services.rehearsals.rehearse(uri);
    };
    this.timers.set(key, setTimeout(rehearse, pauseMs));
  }

  private async judge({ uri, state, report, isCurrent }: PlanRehearsal): Promise<void> {
    const lesson = lessonAt(uri.path);
    if (lesson === null || state !== 'fresh' || !isCurrent || report === null) return;
    const { result } = await this.services.plans.load(uri);
    if (!result.ok) return;
    const outcome = outcomeOf(lesson, report, result.plan);
    const said = outcome.kind === 'evaded' ? outcome.why : outcome.kind;
    if (this.told.get(uri.toString()) === said) return;
    this.told.set(uri.toString(), said);
    if (outcome.kind === 'solved') await this.congratulate(lesson);
    if (outcome.kind === 'evaded') {
      const why = vscode.l10n.t('The plan is safe, but it no longer does what it was for: {0}.', outcome.why);
      void vscode.window.showInformationMessage(why);
    }
  }

  private async congratulate(lesson: Lesson): Promise<void> {
    const solved = new Set([...this.solved(), lesson.id]);
    await this.memory.update(solvedKey, [...solved]);
    await setSolved();
    this.changed.fire(lesson);
    const next = nextLesson(lesson, solved);
    const message = vscode.l10n.t('Lesson solved: {0}. The plan is safe.', lesson.title);
    const [more, rule] = [vscode.l10n.t('Next Lesson'), vscode.l10n.t('About {0}', lesson.rule)];
    const choice = await vscode.window.showInformationMessage(message, ...(next === null ? [] : [more]), rule);
    if (choice === more && next !== null) await this.start(next);
    if (choice === rule) await vscode.commands.executeCommand('cutover.openRule', lesson.rule);
  }
}

/** Completes the step of the walkthrough. */
function setSolved(): Thenable<unknown> {
  return vscode.commands.executeCommand('setContext', isSolvedContext, true);
}
