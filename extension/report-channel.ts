/** The report as text, in the output panel: the last plan that was rehearsed, or the one that was asked for. */
import * as vscode from 'vscode';
import type { PlanRehearsal } from './rehearsal/rehearsals.ts';
import type { Services } from './services.ts';

export interface ReportChannel extends vscode.Disposable {
  /** Shows a plan's report, if it has one, and leaves the focus where it is. */
  show(plan: vscode.Uri): boolean;
  /** What the channel holds: an output channel can't be read. */
  text(): string;
}

export function createReportChannel({ rehearsals }: Services): ReportChannel {
  const channel = vscode.window.createOutputChannel('Cutover');
  let content = '';
  const write = (plan: vscode.Uri) => {
    const { text, isCurrent } = rehearsals.get(plan);
    const note = isCurrent ? [] : [vscode.l10n.t('The plan has changed since this rehearsal.')];
    // The panel follows the end of what is written, so the verdict is there too.
    const [verdict = ''] = text.split('\n');
    content = [...note, text, verdict, ...note, ''].join('\n');
    channel.replace(content);
  };
  let last: PlanRehearsal | null = null;
  const subscription = rehearsals.onDidChange((rehearsal) => {
    const { uri, text, isCurrent } = rehearsal;
    const isShown = last?.uri.toString() === uri.toString() && last.text === text && last.isCurrent === isCurrent;
    if (text === '' || isShown) return;
    last = rehearsal;
    write(uri);
  });
  return {
    show(plan) {
      if (rehearsals.get(plan).report === null) return false;
      write(plan);
      channel.show(true);
      return true;
    },
    text: () => content,
    dispose: () => vscode.Disposable.from(subscription, channel).dispose(),
  };
}
