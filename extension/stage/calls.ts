/** What the page may ask of its host. Nothing rejects, and nothing that fails is silent: it is logged, or told. */
import * as vscode from 'vscode';
import type { HostCalls } from '../../webview/protocol.ts';
import type { Location } from '../../simulator/plan/model.ts';
import { fileUri } from '../plans.ts';
import type { Services } from '../services.ts';
import { copyText, save } from './files.ts';
import { copyLink } from './links.ts';
import { saveLesson } from './save-lesson.ts';
import type { Stage } from './stage.ts';
import { messageOf } from './stage-player.ts';

export function hostCalls(stage: Stage, services: Services): HostCalls {
  /** Work that nobody waits for. */
  const start = (work: () => unknown): void => {
    void (async () => work())().catch((error: unknown) => services.log(`The stage: ${messageOf(error)}`));
  };
  const ofPlan = (work: (plan: vscode.Uri) => unknown) =>
    start(() => {
      if (stage.plan !== null) return work(stage.plan);
    });
  const refused = (error: unknown) => ({ ok: false as const, message: messageOf(error) });
  return {
    ready: () => Promise.resolve(stage.parts),
    rehearse: () => start(() => stage.rehearse()),
    cancelRehearsal: () => start(() => stage.cancelRehearsal()),
    choose: (finding) => start(() => stage.choose(finding)),
    cancelPlay: () => start(() => stage.cancelPlay()),
    moveTo: (playhead, number) => start(() => stage.moveTo(playhead, number)),
    fork: (history, moment, command) => stage.fork(history, moment, command).catch(refused),
    ask: (playhead, sql) => stage.ask(playhead, sql).catch(refused),
    setFollow: (follow) => start(() => stage.setFollow(follow)),
    reveal: (place) => ofPlan((plan) => reveal(plan, place)),
    openRule: (rule) => start(() => vscode.commands.executeCommand('cutover.openRule', rule)),
    debug: (finding) => ofPlan((plan) => services.debug.debugFinding(plan, finding)),
    simulate: () => start(() => stage.simulate()),
    cancelSimulation: () => start(() => stage.cancelSimulation()),
    save: (kind, name, content) => ofPlan((plan) => save(plan, kind, name, content)),
    saveLesson: (playhead) => start(() => saveLesson(stage, services, playhead)),
    copyLink: (playhead) => start(() => copyLink(stage, playhead)),
    copyText: (text) => start(() => copyText(text)),
  };
}

/** Where the file is on screen already; else beside nothing, in the first column. */
async function reveal(plan: vscode.Uri, { file, line, column }: Location): Promise<void> {
  const uri = fileUri(plan, file);
  const columnOf = (wanted: vscode.Uri) =>
    vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === wanted.toString())?.viewColumn;
  const at = new vscode.Position(Math.max(0, line - 1), Math.max(0, column - 1));
  await vscode.window.showTextDocument(uri, {
    viewColumn: columnOf(uri) ?? columnOf(plan) ?? vscode.ViewColumn.One,
    selection: new vscode.Range(at, at),
  });
}
