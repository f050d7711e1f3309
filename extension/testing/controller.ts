/** Plans in the Test Explorer: profiles that rehearse, step through what was found, and show what a rehearsal ran. */
import * as vscode from 'vscode';
import type { Services } from '../services.ts';
import { TestItems } from './items.ts';
import { TestRuns } from './runs.ts';

export interface Tests extends vscode.Disposable {
  readonly controller: vscode.TestController;
  readonly profiles: readonly vscode.TestRunProfile[];
}

export function showTests(services: Services): Tests {
  const controller = vscode.tests.createTestController('cutover', 'Cutover');
  const items = new TestItems(controller, services);
  const runs = new TestRuns(controller, items, services);
  const { Run, Debug, Coverage } = vscode.TestRunProfileKind;
  const profiles = [
    controller.createRunProfile(vscode.l10n.t('Rehearse'), Run, runs.handler('run'), true),
    controller.createRunProfile(vscode.l10n.t('Rehearse and Debug'), Debug, runs.handler('debug'), true),
    controller.createRunProfile(vscode.l10n.t('Rehearse with Coverage'), Coverage, runs.handler('coverage'), true),
  ];
  for (const profile of profiles) {
    profile.loadDetailedCoverage = (_run, coverage) => Promise.resolve(runs.loadCoverage(coverage));
  }
  return { controller, profiles, dispose: () => vscode.Disposable.from(items, ...profiles, controller).dispose() };
}
