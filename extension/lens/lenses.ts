/** Code lenses above the steps of a plan, the hover on a step, and the commands behind them. */
import * as vscode from 'vscode';
import type { PlanResult } from '../../simulator/plan/model.ts';
import { placesOf, type StepPlace } from '../outline.ts';
import { openDocument, planSelector } from '../plans.ts';
import type { Services } from '../services.ts';
import { showsLenses } from '../settings.ts';
import { evidenceOf } from './evidence.ts';
import { lensesOf, type Lens } from './lens-text.ts';
import { showTrace } from './trace.ts';

export function showLenses(services: Services): vscode.Disposable {
  const places = new Places(services);
  const lenses = new StepLenses(services, places);
  return vscode.Disposable.from(
    lenses,
    vscode.languages.registerCodeLensProvider(planSelector, lenses),
    vscode.languages.registerHoverProvider(planSelector, new StepHover(services, places)),
    vscode.commands.registerCommand('cutover.showTrace', (plan: vscode.Uri, finding: string) =>
      showTrace(services, plan, finding),
    ),
  );
}

/** What a hover may link to. */
const linkedCommands = ['cutover.openRule', 'cutover.showTrace', 'cutover.debugFinding', 'cutover.openStage'];

/** Of the text on screen; while that can't be read, of the last that could: lenses that come and go move the text. */
class Places {
  private readonly known = new Map<string, { readonly of: PlanResult; readonly places: readonly StepPlace[] }>();

  constructor(private readonly services: Services) {}

  in(uri: vscode.Uri): readonly StepPlace[] {
    const result = this.services.plans.get(uri)?.result;
    const known = this.known.get(uri.toString());
    if (result?.ok !== true || known?.of === result) return known?.places ?? [];
    const places = placesOf(result.plan);
    this.known.set(uri.toString(), { of: result, places });
    return places;
  }
}

class StepLenses implements vscode.CodeLensProvider {
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly subscriptions: vscode.Disposable;
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(
    private readonly services: Services,
    private readonly places: Places,
  ) {
    let last = '';
    this.subscriptions = vscode.Disposable.from(
      this.changed,
      services.plans.onDidChange(() => this.changed.fire()),
      services.rehearsals.onDidChange(({ uri, state, isCurrent }) => {
        // How far a rehearsal is changes no lens.
        const now = `${uri.toString()} ${state} ${isCurrent}`;
        if (now === last && state === 'running') return;
        last = now;
        this.changed.fire();
      }),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('cutover.codeLens')) this.changed.fire();
      }),
    );
  }

  provideCodeLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    if (!showsLenses(uri) || !vscode.workspace.isTrusted) return [];
    const places = this.places.in(uri);
    const shown = lensesOf(this.services.rehearsals.get(uri), places);
    return shown.flatMap(({ lenses }, i) => {
      const line = places[i]?.line ?? 0;
      return lenses.map((lens) => new vscode.CodeLens(new vscode.Range(line, 0, line, 0), commandOf(uri, lens)));
    });
  }

  dispose(): void {
    this.subscriptions.dispose();
  }
}

function commandOf(uri: vscode.Uri, { text, tooltip, does }: Lens): vscode.Command {
  const { command } = does;
  const more = 'finding' in does ? [does.finding] : [];
  return { command, title: text, tooltip, arguments: command === 'cutover.cancel' ? [] : [uri, ...more] };
}

/** On the line of a step's name, and on that of what it does. */
class StepHover implements vscode.HoverProvider {
  constructor(
    private readonly services: Services,
    private readonly places: Places,
  ) {}

  provideHover({ uri }: vscode.TextDocument, { line }: vscode.Position): vscode.Hover | null {
    const place = this.places.in(uri).find((each) => each.line === line || each.forwardLine === line);
    const { report, isCurrent } = this.services.rehearsals.get(uri);
    if (place === undefined || report === null || !isCurrent || openDocument(uri) === null) return null;
    const link = (label: string, command: string, argument: string) => {
      const all = command === 'cutover.openRule' ? [argument] : [uri, argument];
      return `[${label}](command:${command}?${encodeURIComponent(JSON.stringify(all))})`;
    };
    const text = evidenceOf(report, place.name, link);
    if (text === null) return null;
    const markdown = new vscode.MarkdownString(text);
    markdown.isTrusted = { enabledCommands: linkedCommands };
    return new vscode.Hover(markdown);
  }
}
