/**
 * Boots PGlite from the prebaked image, with a clock that stands still and seeded random bytes. What
 * comes out is one function: a buffer of protocol messages in, Postgres' answer out, with no await.
 */
import { brotliDecompressSync } from 'node:zlib';
import { PGlite, MemoryFS } from '@electric-sql/pglite';

export interface BootFiles {
  readonly wasm: WebAssembly.Module;
  /** PGlite's own bundle of shared files. */
  readonly bundle: Uint8Array;
  /** What scripts/build-image.mjs makes. */
  readonly image: Uint8Array;
  /** Name of an extension → URL of its files. */
  readonly extensions: Readonly<Record<string, string>>;
}

export interface Wire {
  /** `onOutput` is called whenever Postgres has put out something, in the middle of its work. */
  send(messages: Uint8Array, onOutput?: () => void): Buffer;
  setClock(milliseconds: number): void;
  setRandom(seed: number): void;
  /** Bytes of Postgres' memory, which grows and never shrinks. */
  memory(): number;
  readonly gauges: Gauges;
}

/** Postgres' own variables and functions, asked without SQL: while a statement runs, too. */
export interface Gauges {
  /** The strongest lock that the session holds on a relation at this moment: 1 AccessShareLock … 8 AccessExclusiveLock, 0 none. */
  strongestLock(relation: number): number;
  /** The number that the next new object gets. */
  nextOid(): number;
  /** Bytes of all records that the session has written to the log. */
  walBytes(): number;
}

/** What PGlite's module exports of Postgres, which its types do not tell. */
interface Exports {
  readonly HEAPU8: Uint8Array;
  _CheckRelationOidLockedByMe(relation: number, mode: number, orStronger: number): number;
  /** Address of a `WalUsage`: two 64-bit counts, then the bytes. */
  readonly _pgWalUsage: number;
  /** Address of a pointer to a `TransamVariablesData`, which starts with the next oid. */
  readonly _TransamVariables: number;
}

/** What the engine needs of Emscripten's file system. */
interface FileSystem {
  mkdirTree(path: string, mode?: number): void;
  mkdir(path: string, mode?: number): void;
  writeFile(path: string, data: Uint8Array): void;
  chmod(path: string, mode: number): void;
  unlink(path: string): void;
  makedev(major: number, minor: number): number;
  mkdev(path: string, device: number): void;
  registerDevice(device: number, operations: Record<string, (...args: never[]) => unknown>): void;
}

/** Settings that hold for the session: RESET ALL goes back to these. */
const settings: Readonly<Record<string, string>> = {
  shared_buffers: '16MB',
  wal_buffers: '256kB',
  // Else a timer keeps the thread alive.
  log_startup_progress_interval: '0',
  max_prepared_transactions: '20',
  // A simulated pod's locks; thousands of small migrations would else end the session.
  max_locks_per_transaction: '256',
  // Runaway recursion is to end as an error, before the thread's own stack or patience does.
  max_stack_depth: '512kB',
  timezone: 'UTC',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  client_min_messages: 'error',
  // Nobody reads the server's log, and each letter of it costs.
  log_min_messages: 'panic',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
  synchronous_commit: 'off',
  autovacuum: 'off',
  // The files are memory, where no page is torn; and what a statement logs no longer depends on the last checkpoint.
  full_page_writes: 'off',
};

export async function boot(files: BootFiles): Promise<Wire> {
  const clock = freezeClock();
  const random = new SeededBytes();
  const db = await PGlite.create({
    fs: new ImageFileSystem(files.image, random),
    fsBundle: new Blob([new Uint8Array(files.bundle)]),
    pgliteWasmModule: files.wasm,
    // Never run, as the image has a database; without a value PGlite would fetch it.
    initdbWasmModule: files.wasm,
    // A plain URL is what PGlite takes for an extension that has no JavaScript of its own.
    extensions: Object.fromEntries(Object.entries(files.extensions).map(([name, url]) => [name, new URL(url)])),
    startParams: [
      ...PGlite.defaultStartParams,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
  });
  return {
    send: (messages, onOutput) => send(db, messages, onOutput),
    setClock: (milliseconds) => void (clock.now = milliseconds),
    setRandom: (seed) => random.reseed(seed),
    memory: () => db.Module.HEAPU8.byteLength,
    gauges: readGauges(db.Module as unknown as Exports),
  };
}

function readGauges(module: Exports): Gauges {
  // The memory's buffer is another one after it has grown.
  const view = (): DataView => new DataView(module.HEAPU8.buffer);
  const held = (relation: number, mode: number, orStronger: boolean): boolean =>
    // A C `bool` fills one byte of what comes back.
    (module._CheckRelationOidLockedByMe(relation, mode, orStronger ? 1 : 0) & 0xff) !== 0;
  return {
    strongestLock: (relation) => {
      if (!held(relation, 1, true)) return 0;
      let mode = 8;
      while (mode > 1 && !held(relation, mode, false)) mode--;
      return mode;
    },
    nextOid: () => view().getUint32(view().getUint32(module._TransamVariables, true), true),
    walBytes: () => Number(view().getBigUint64(module._pgWalUsage + 16, true)),
  };
}

/** PGlite's `async` function runs to its end before it returns: its promise tells nothing that the answer does not. */
function send(db: PGlite, messages: Uint8Array, onOutput?: () => void): Buffer {
  const chunks: Buffer[] = [];
  const done = db.execProtocolRawStream(messages, {
    syncToFs: false,
    // The bytes are a view of memory that the next message overwrites.
    onRawData: (bytes) => {
      chunks.push(Buffer.from(bytes));
      onOutput?.();
    },
  });
  // A failure shows in the answer, which then lacks its end.
  done.catch(() => {});
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

/** Postgres asks Date.now for the time of day; timers use other clocks, which go on. */
function freezeClock(): { now: number } {
  const clock = { now: Date.UTC(2024, 0, 1) };
  Date.now = () => clock.now;
  return clock;
}

/** Bytes of a small generator (splitmix32): the same seed gives the same bytes. */
class SeededBytes {
  private state = 0;

  reseed(seed: number): void {
    this.state = seed | 0;
  }

  next(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) & 0xff;
  }
}

/** An in-memory file system that starts with the image's files, and whose random device is seeded. */
class ImageFileSystem extends MemoryFS {
  constructor(
    private readonly image: Uint8Array,
    private readonly random: SeededBytes,
  ) {
    super();
  }

  override async initialSyncFs(): Promise<void> {
    if (this.pg === undefined) throw new Error('the file system was asked for before it was made');
    const fs = this.pg.Module.FS as unknown as FileSystem;
    writeImage(fs, PGlite.paths.PGDATA, this.image);
    replaceRandomDevice(fs, this.random);
  }
}

function writeImage(fs: FileSystem, top: string, image: Uint8Array): void {
  const data = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  const bodyAt = 4 + data.readUInt32LE();
  const header = JSON.parse(data.toString('utf8', 4, bodyAt)) as { files: [string, number, number][] };
  const body = brotliDecompressSync(data.subarray(bodyAt));
  fs.mkdirTree(top, 0o700);
  let at = 0;
  for (const [path, mode, size] of header.files) {
    const full = `${top}/${path}`;
    if (size < 0) fs.mkdir(full, mode);
    else {
      fs.writeFile(full, body.subarray(at, at + size));
      fs.chmod(full, mode);
      at += size;
    }
  }
}

function replaceRandomDevice(fs: FileSystem, random: SeededBytes): void {
  const device = fs.makedev(65, 0);
  fs.registerDevice(device, {
    open: () => {},
    close: () => {},
    read: (_stream: unknown, buffer: Uint8Array, offset: number, length: number) => {
      for (let i = 0; i < length; i++) buffer[offset + i] = random.next();
      return length;
    },
    write: (_stream: unknown, _buffer: Uint8Array, _offset: number, length: number) => length,
  });
  for (const path of ['/dev/urandom', '/dev/random']) {
    fs.unlink(path);
    fs.mkdev(path, device);
  }
}
