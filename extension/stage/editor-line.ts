/** The line of the plan that the playhead stands in, marked and shown in the plan's editor; nobody's cursor or focus is moved. */
import * as vscode from 'vscode';

export interface MarkedLine {
  readonly uri: vscode.Uri;
  /** From 0. */
  readonly line: number;
}

export class EditorLine {
  private readonly decoration = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('editor.stackFrameHighlightBackground'),
    overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.infoForeground'),
    overviewRulerLane: vscode.OverviewRulerLane.Full,
  });
  private readonly subscription = vscode.window.onDidChangeVisibleTextEditors(() => this.decorate());
  private marked: MarkedLine | null = null;

  /** Null where nothing is marked. */
  get current(): MarkedLine | null {
    return this.marked;
  }

  show(marked: MarkedLine | null): void {
    this.marked = marked;
    this.decorate();
    if (marked === null) return;
    const range = lineRange(marked.line);
    for (const editor of vscode.window.visibleTextEditors)
      if (isOf(editor, marked)) editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  dispose(): void {
    this.subscription.dispose();
    this.decoration.dispose();
  }

  private decorate(): void {
    const { marked } = this;
    for (const editor of vscode.window.visibleTextEditors)
      editor.setDecorations(this.decoration, marked !== null && isOf(editor, marked) ? [lineRange(marked.line)] : []);
  }
}

function isOf({ document }: vscode.TextEditor, { uri }: MarkedLine): boolean {
  return document.uri.toString() === uri.toString();
}

function lineRange(line: number): vscode.Range {
  return new vscode.Range(line, 0, line, 0);
}
