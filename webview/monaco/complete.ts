/** Completion in Monaco: each text knows the tables that are there at its moment. */
import type { editor, languages } from 'monaco-editor/editor/editor.api';
import type { TableView } from '../../simulator/player/model.ts';
import { suggestions, type Suggestion } from '../model/completion.ts';
import type { Monaco } from './editor.ts';

const schemas = new WeakMap<editor.ITextModel, () => readonly TableView[]>();

/** From now on `tables` is asked whenever something is completed in this text. */
export function completeFrom(model: editor.ITextModel, tables: () => readonly TableView[]): void {
  schemas.set(model, tables);
}

/** Columns come first, then tables, then words. */
const order: Readonly<Record<Suggestion['kind'], string>> = { column: '1', table: '2', keyword: '3' };

export function completeSql(monaco: Monaco): languages.CompletionItemProvider {
  const { CompletionItemKind } = monaco.languages;
  const kinds = {
    column: CompletionItemKind.Field,
    table: CompletionItemKind.Struct,
    keyword: CompletionItemKind.Keyword,
  };
  return {
    triggerCharacters: ['.', ' '],
    provideCompletionItems(model, position) {
      const tables = schemas.get(model)?.() ?? [];
      const { startColumn, endColumn } = model.getWordUntilPosition(position);
      const { lineNumber, column } = position;
      const before = model.getValueInRange(new monaco.Range(1, 1, lineNumber, column));
      const range = new monaco.Range(lineNumber, startColumn, lineNumber, endColumn);
      const found = suggestions(before, model.getValue(), tables);
      return {
        suggestions: found.map(({ kind, label, detail }) => ({
          label: { label, description: detail },
          kind: kinds[kind],
          insertText: label,
          sortText: `${order[kind]}${label}`,
          range,
        })),
      };
    },
  };
}
