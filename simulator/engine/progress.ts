/**
 * Shared memory in which the worker says what it is doing, for the main thread to read when the worker
 * can't answer: a counter that moves with every statement, and the text of the plan's statement at hand.
 */

const headerBytes = 16;
const textBytes = 64 * 1024;

export function createProgress(): SharedArrayBuffer {
  return new SharedArrayBuffer(headerBytes + textBytes);
}

export class ProgressWriter {
  private readonly header: Int32Array;
  private readonly text: Buffer;
  private last = '';
  private lastLength = 0;

  constructor(memory: SharedArrayBuffer) {
    this.header = new Int32Array(memory, 0, headerBytes / 4);
    this.text = Buffer.from(memory, headerBytes, textBytes);
  }

  /** A statement starts; null is one of the engine's own. */
  begin(sql: string | null): void {
    // The same statement again is there already.
    if (sql !== null && sql !== this.last) {
      this.lastLength = this.text.write(sql);
      this.last = sql;
    }
    this.header[1] = sql === null ? 0 : this.lastLength;
    Atomics.add(this.header, 0, 1);
  }

  end(): void {
    this.header[1] = 0;
    Atomics.add(this.header, 0, 1);
  }
}

export class ProgressReader {
  private readonly header: Int32Array;
  private readonly text: Buffer;

  constructor(memory: SharedArrayBuffer) {
    this.header = new Int32Array(memory, 0, headerBytes / 4);
    this.text = Buffer.from(memory, headerBytes, textBytes);
  }

  /** Moves whenever a statement starts or ends. */
  tick(): number {
    return Atomics.load(this.header, 0);
  }

  /** The plan's statement that is running; null when it is none. */
  sql(): string | null {
    const length = this.header[1] ?? 0;
    return length === 0 ? null : this.text.toString('utf8', 0, length);
  }
}
