/**
 * Lessons: broken plans that are opened as new documents, and are solved when they are safe. Those of this extension, and those
 * that somebody has saved in the workspace.
 */
import * as vscode from 'vscode';
import { openNew } from '../new-document.ts';
import { activePlan, isPlan, openDocument, readText } from '../plans.ts';
import type { PlanRehearsal } from '../rehearsal/rehearsals.ts';
import type { Services } from '../services.ts';
import { rehearseMode } from '../settings.ts';
import {
  fileNameOf,
  lessonAt,
  lessonOf,
  lessons,
  nextLesson,
  outcomeOf,
  type Exercise,
  type Lesson,
} from './catalog.ts';
import { isLessonFile, readLesson, workName } from './saved.ts';

/** A lesson is not saved: it is rehearsed at a pause, unless nothing is to be rehearsed unasked. */
const pauseMs = 700;
const solvedKey = 'cutover.lessons.solved';
const isSolvedContext = 'cutover.lessonSolved';
const savedGlob = '**/*.lesson.cutover.{yaml,yml}';

interface Pick extends vscode.QuickPickItem {
  readonly start?: () => Promise<vscode.TextDocument | null>;
}

export class Lessons {
  private readonly changed = new vscode.EventEmitter<Exercise>();
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
      vscode.commands.registerCommand('cutover.startLesson', (which?: unknown) => this.choose(which)),
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

  /** One that somebody has saved: with its history, on the stage. Null when the file is no lesson. */
  async startSaved(file: vscode.Uri): Promise<vscode.TextDocument | null> {
    const text = await readText(file);
    const lesson = readLesson(text);
    if (lesson === null) {
      const name = vscode.workspace.asRelativePath(file);
      void vscode.window.showErrorMessage(vscode.l10n.t('{0} is no lesson: the comment that says so is gone.', name));
      return null;
    }
    // Files that the plan names are found beside it.
    const folder = vscode.Uri.joinPath(file, '..');
    const path = vscode.Uri.joinPath(folder, `${workName(file.path)}.cutover.yaml`).path;
    const open = vscode.workspace.textDocuments.find(
      (each) => !each.isClosed && each.isUntitled && each.uri.path === path,
    );
    const document = open ?? (await openNew(workName(file.path), text, folder));
    if (open !== undefined) await vscode.window.showTextDocument(open);
    await this.services.stage.show(document.uri, lesson.told);
    return document;
  }

  private async choose(which: unknown): Promise<void> {
    if (which instanceof vscode.Uri) {
      await this.startSaved(which);
      return;
    }
    const lesson = typeof which === 'string' ? lessonOf(which) : null;
    if (lesson !== null) await this.start(lesson);
    else await (await this.pick())?.start?.();
  }

  private async pick(): Promise<Pick | null> {
    const solved = this.solved();
    const icon = (id: string) => (solved.has(id) ? '$(pass)' : '$(circle-large-outline)');
    const description = (id: string) => (solved.has(id) ? vscode.l10n.t('solved') : '');
    const own = lessons.map((lesson, index): Pick => ({
      label: `${icon(lesson.id)} ${index + 1}. ${lesson.title}`,
      description: description(lesson.id),
      start: () => this.start(lesson),
    }));
    const saved = (await this.savedLessons()).map(({ file, title }): Pick => ({
      label: `${icon(savedId(title))} ${title}`,
      description: description(savedId(title)),
      detail: vscode.workspace.asRelativePath(file),
      start: () => this.startSaved(file),
    }));
    const heading = { label: vscode.l10n.t('In this workspace'), kind: vscode.QuickPickItemKind.Separator };
    const items = [...own, ...(saved.length === 0 ? [] : [heading, ...saved])];
    return (await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Which lesson?') })) ?? null;
  }

  private async savedLessons(): Promise<readonly { readonly file: vscode.Uri; readonly title: string }[]> {
    const files = await vscode.workspace.findFiles(savedGlob, '**/node_modules/**');
    const read = files.map(async (file) => {
      const lesson = await readText(file).then(readLesson, () => null);
      return lesson === null ? [] : [{ file, title: lesson.title }];
    });
    return (await Promise.all(read)).flat().toSorted((a, b) => (a.file.path < b.file.path ? -1 : 1));
  }

  private typed(document: vscode.TextDocument): void {
    const { uri } = document;
    if (exerciseIn(document) === null || rehearseMode(uri) !== 'onSave' || !vscode.workspace.isTrusted) return;
    const key = uri.toString();
    clearTimeout(this.timers.get(key));
    const rehearse = () => {
      this.timers.delete(key);
      if (activePlan()?.uri.toString() === key) void this.services.rehearsals.rehearse(uri);
    };
    this.timers.set(key, setTimeout(rehearse, pauseMs));
  }

  private async judge({ uri, state, report, isCurrent }: PlanRehearsal): Promise<void> {
    const document = openDocument(uri);
    const lesson = document === null ? null : exerciseIn(document);
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

  private async congratulate(lesson: Exercise): Promise<void> {
    const solved = new Set([...this.solved(), lesson.id]);
    await this.memory.update(solvedKey, [...solved]);
    await setSolved();
    this.changed.fire(lesson);
    const next = nextLesson(lesson, solved);
    const message = vscode.l10n.t('Lesson solved: {0}. The plan is safe.', lesson.title);
    const more = vscode.l10n.t('Next Lesson');
    const rule = lesson.rule === null ? [] : [vscode.l10n.t('About {0}', lesson.rule)];
    const choice = await vscode.window.showInformationMessage(message, ...(next === null ? [] : [more]), ...rule);
    if (choice === more && next !== null) await this.start(next);
    else if (choice !== undefined) await vscode.commands.executeCommand('cutover.openRule', lesson.rule);
  }
}

/** The lesson that a document is about: known by its name, or by what is written in it. */
function exerciseIn(document: vscode.TextDocument): Exercise | null {
  const { path } = document.uri;
  const own = lessonAt(path);
  if (own !== null || !isPlan(document) || isLessonFile(path)) return own;
  const saved = readLesson(document.getText());
  return saved === null ? null : { id: savedId(saved.title), title: saved.title, rule: saved.rule, goal: saved.goal };
}

function savedId(title: string): string {
  return `saved: ${title}`;
}

/** Completes the step of the walkthrough. */
function setSolved(): Thenable<unknown> {
  return vscode.commands.executeCommand('setContext', isSolvedContext, true);
}
