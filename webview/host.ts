/** The page's end of the line to its host, and the editor's own store for what the page remembers. */
import { createBirpc } from 'birpc';
import type { HostCalls, PageCalls } from './protocol.ts';
import type { Memory, Remembered } from './store.ts';

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export function connect(page: PageCalls): { readonly host: HostCalls; readonly memory: Memory } {
  const api = acquireVsCodeApi();
  const host = createBirpc<HostCalls, PageCalls>(page, {
    post: (data) => api.postMessage(data),
    on: (receive) => window.addEventListener('message', ({ data }) => receive(data)),
    timeout: -1,
  });
  const memory: Memory = {
    get: () => (api.getState() as Remembered | undefined) ?? null,
    set: (remembered) => api.setState(remembered),
  };
  return { host, memory };
}
