/**
 * Monaco, as the page uses it: the editor, its difference view and PostgreSQL, nothing else. A bundle of its own, which
 * is loaded when SQL is shown for the first time.
 */
import * as monaco from 'monaco-editor/editor/editor.api';
import { conf, language } from 'monaco-editor/languages/definitions/pgsql/pgsql';
// The feature of this name brings completion as ghost text, and not the list.
import 'monaco-editor/editor/contrib/suggest/browser/suggestController';
import 'monaco-editor/features/bracketMatching/register';
import 'monaco-editor/features/clipboard/register';
import 'monaco-editor/features/codicon/register';
import 'monaco-editor/features/diffEditor/register';
import 'monaco-editor/features/hover/register';
import 'monaco-editor/features/placeholderText/register';
import 'monaco-editor/features/wordOperations/register';
import { completeSql } from './complete.ts';
import { followTheme } from './theme.ts';
import {
  differenceView,
  inputView,
  textView,
  type DifferenceShown,
  type InputCalls,
  type TextShown,
  type View,
} from './views.ts';
import { workerFrom } from './worker.ts';

export type Monaco = typeof monaco;

const languageId = 'pgsql';

/** The grammar knows reserved words alone; these are as much words of SQL to whoever reads it. */
const furtherWords =
  'ADD ALTER BEGIN BY COMMIT CASCADE COPY DELETE DROP EXECUTE EXISTS FUNCTION IF INDEX INSERT LOCAL LOCK PROCEDURE RENAME RESTRICT ROLLBACK SET TRIGGER TRUNCATE TYPE UPDATE VALIDATE VALUES VIEW WHEN WHERE WITH';

function grammar(): monaco.languages.IMonarchLanguage {
  const keywords = [...(language['keywords'] as readonly string[]), ...furtherWords.split(' ')];
  return { ...language, keywords };
}

/** What the page makes of Monaco. */
export interface Editors {
  text(host: HTMLElement, shown: TextShown): View<TextShown>;
  difference(host: HTMLElement, shown: DifferenceShown): View<DifferenceShown>;
  input(host: HTMLElement, text: string, calls: InputCalls): monaco.IDisposable;
}

/** Called once, before the first editor is made. `base` is where the page's files lie. */
export function setUp(base: string): Editors {
  self.MonacoEnvironment = { getWorker: () => workerFrom(`${base}editor.worker.js`) };
  monaco.languages.register({ id: languageId });
  monaco.languages.setMonarchTokensProvider(languageId, grammar());
  monaco.languages.setLanguageConfiguration(languageId, conf);
  monaco.languages.registerCompletionItemProvider(languageId, completeSql(monaco));
  followTheme(monaco);
  return {
    text: (host, shown) => textView(monaco, host, shown),
    difference: (host, shown) => differenceView(monaco, host, shown),
    input: (host, text, calls) => inputView(monaco, host, text, calls),
  };
}
