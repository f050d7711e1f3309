/** A history with its plan, as a lesson: a plan like any other, with a question in its comments. */
import * as vscode from 'vscode';
import type { Plan } from '../../simulator/plan/model.ts';
import type { Playhead } from '../../webview/protocol.ts';
import { goalOf, lessonFileName, lessonText } from '../lessons/saved.ts';
import { planFile } from '../plans.ts';
import type { Services } from '../services.ts';
import { folderOf, write } from './files.ts';
import type { Stage } from './stage.ts';

const mostText = 500;

export async function saveLesson(stage: Stage, services: Services, at: Playhead): Promise<vscode.Uri | null> {
  const { plan: uri, sources, parts } = stage;
  const told = stage.told(at);
  if (uri === null || told === null || parts.play.kind !== 'ready') return null;
  const { recording } = parts.play;
  const plan = await planOf(services, uri, sources);
  if (plan === null) return null;
  const title = await vscode.window.showInputBox({
    title: vscode.l10n.t('Title of the lesson'),
    value: recording.finding === null ? recording.title : recording.finding.message,
    validateInput: (text) => (text.trim() === '' ? vscode.l10n.t('A lesson has a title.') : null),
  });
  if (title === undefined) return null;
  const question = await vscode.window.showInputBox({
    title: vscode.l10n.t('Question of the lesson'),
    value: vscode.l10n.t('How does this come about, and what mends the plan?'),
  });
  if (question === undefined) return null;
  const text = sources.get(planFile(uri).path) ?? '';
  const lesson = { title: short(title), question: short(question), rule: recording.finding?.rule ?? null, told };
  const target = await freeUri(folderOf(uri), lessonFileName(lesson.title));
  const content = lessonText({ ...lesson, goal: goalOf(plan) }, text);
  if (!(await write(target, new TextEncoder().encode(content)))) return null;
  await vscode.window.showTextDocument(target, { preview: false });
  return target;
}

function short(text: string): string {
  return text.trim().slice(0, mostText);
}

/** The plan as it was played, which may be older than what is on screen. */
async function planOf(
  { loader }: Services,
  uri: vscode.Uri,
  sources: ReadonlyMap<string, string>,
): Promise<Plan | null> {
  const read = (path: string) => {
    const text = sources.get(path);
    return text === undefined ? Promise.reject(new Error(`${path} was not played`)) : Promise.resolve(text);
  };
  const result = await loader.load(planFile(uri), { read });
  return result.ok ? result.plan : null;
}

/** Nothing is written over. */
async function freeUri(folder: vscode.Uri, name: string): Promise<vscode.Uri> {
  for (let number = 1; ; number++) {
    const uri = vscode.Uri.joinPath(folder, `${name}${number === 1 ? '' : `-${number}`}.lesson.cutover.yaml`);
    const isTaken = await vscode.workspace.fs.stat(uri).then(
      () => true,
      () => false,
    );
    if (!isTaken) return uri;
  }
}
