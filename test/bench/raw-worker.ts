/** One engine at its fastest, for comparison: prepared statements in long messages, answers not looked at. Run in a thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { boot } from '../../simulator/engine/boot.ts';
import { Outgoing } from '../../simulator/engine/protocol.ts';

export interface RawInput {
  readonly wasm: object;
  readonly bundle: Uint8Array;
  readonly image: Uint8Array;
  readonly setup: string;
  /** Prepared as s0, s1, … */
  readonly statements: readonly string[];
  /** Statement and values, in the order in which they are sent. */
  readonly requests: readonly (readonly [statement: number, values: readonly string[]])[];
  readonly rounds: number;
}

const syncsPerMessage = 256;

async function main(): Promise<void> {
  const input = workerData as RawInput;
  const wire = await boot({
    wasm: input.wasm,
    bundle: input.bundle,
    image: input.image,
    extensions: {},
  });
  const out = new Outgoing();
  wire.send(out.query(input.setup).take());
  for (const [i, sql] of input.statements.entries()) wire.send(out.parse(`s${i}`, sql).sync().take());
  const messages: Buffer[] = [];
  for (let at = 0; at < input.requests.length; at += syncsPerMessage) {
    for (const [s, values] of input.requests.slice(at, at + syncsPerMessage)) out.run(`s${s}`, values).sync();
    messages.push(Buffer.from(out.take()));
  }
  // Once unmeasured: WebAssembly gets faster as it is used.
  for (const message of messages) wire.send(message);
  parentPort?.postMessage('ready');
  parentPort?.once('message', () => {
    const begun = performance.now();
    for (let round = 0; round < input.rounds; round++) for (const message of messages) wire.send(message);
    parentPort?.postMessage({ statements: input.requests.length * input.rounds, ms: performance.now() - begun });
  });
}

void main();
