/** What the adapter asks of whoever plays the plan: a process of its own in the editor, the player itself in tests. */
import type { Answered, ForkCommand, Forked, Recording } from '../../simulator/player/model.ts';

export interface OpenRequest {
  /** The plan's path, as the simulator knows it. */
  readonly plan: string;
  readonly finding: string | null;
  /** Versions whose requests are tried at each moment; null: all that are live. */
  readonly versions: readonly string[] | null;
}

export type OpenReply =
  | { readonly ok: true; readonly recording: Recording }
  | {
      readonly ok: false;
      readonly message: string;
      /** Mistakes in the plan, with their places. */
      readonly errors: readonly {
        readonly message: string;
        readonly file: string;
        readonly line: number;
        readonly column: number;
      }[];
    };

export interface PlayerClient {
  open(request: OpenRequest, onProgress: (message: string) => void, signal: AbortSignal): Promise<OpenReply>;
  fork(history: number, moment: number, command: ForkCommand): Promise<Forked>;
  ask(history: number, moment: number, sql: string, probe: number | null): Promise<Answered>;
  /** Of the process that plays; null when there is none. */
  readonly pid: number | null;
  /** Called once, when it is gone without having been closed. */
  onLost(listener: (reason: string) => void): void;
  close(): void;
}
