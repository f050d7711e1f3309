/** What runs in Monaco's worker: it works out differences. Bundled by itself, as one script. */
import 'monaco-editor/editor/editor.worker';
