/** Activation: services, then features. Whatever takes time is done later, elsewhere. */
import type * as vscode from 'vscode';
import { registerCommands } from './commands.ts';
import { debugPlans } from './debug/debugger.ts';
import { showDiagnostics } from './diagnostics/diagnostics.ts';
import { offerFixes } from './fixes/actions.ts';
import { offerLanguage } from './language/language.ts';
import { Lessons } from './lessons/lessons.ts';
import { offerNewPlan } from './new-plan/new-plan.ts';
import { createReportChannel, type ReportChannel } from './report-channel.ts';
import { createServices, type Feature, type Services } from './services.ts';
import { OpenStage } from './stage/open-stage.ts';
import { showStatus, type StatusBar } from './status/status-bar.ts';
import { showTests, type Tests } from './testing/controller.ts';
import { showLenses } from './lens/lenses.ts';
import { rehearseWhenDue } from './triggers.ts';

/** What the extension hands to its tests. */
export interface Cutover {
  readonly services: Services;
  readonly reports: ReportChannel;
  readonly status: StatusBar;
  readonly lessons: Lessons;
  readonly tests: Tests;
  readonly stage: OpenStage;
  readonly activationMs: number;
}

/** Each is a part of its own, and none knows another. */
const features: readonly Feature[] = [
  showDiagnostics,
  rehearseWhenDue,
  offerLanguage,
  offerNewPlan,
  debugPlans,
  offerFixes,
  showLenses,
];

export function activate(context: vscode.ExtensionContext): Cutover {
  const begun = performance.now();
  const services = createServices(context);
  const reports = createReportChannel(services);
  const status = showStatus(services);
  const lessons = new Lessons(services, context.globalState);
  const tests = showTests(services);
  const stage = new OpenStage(services, context.workspaceState);
  context.subscriptions.push(reports, status, lessons, tests, stage, registerCommands(services, reports));
  for (const start of features) context.subscriptions.push(start(services));
  return { services, reports, status, lessons, tests, stage, activationMs: performance.now() - begun };
}
