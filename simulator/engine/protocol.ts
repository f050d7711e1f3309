/**
 * Postgres' wire protocol, as much of it as the engine speaks. Statements are sent one message at a time
 * and answered at once, so there is no stream to keep: a request is one buffer, its answer another.
 */

/** An error that Postgres reported for a statement: an answer, not a failure of the engine. */
export interface SqlError {
  readonly sqlstate: string;
  readonly message: string;
  /** `FATAL` and `PANIC` end the session. */
  readonly severity: string;
}

export interface Field {
  readonly name: string;
  /** The table's oid and the column's number, where it is a column as it stands; else 0. */
  readonly table: number;
  readonly attribute: number;
  readonly type: number;
  readonly modifier: number;
}

/** The answer to what one Sync, or one simple query, ended; of several statements, that of the last. */
export interface Reply {
  fields: readonly Field[] | null;
  rows: (string | null)[][] | null;
  /** The command tag of the last statement that completed: `UPDATE 1`. */
  tag: string;
  error: SqlError | null;
  /** Types of `$1…`, when a statement was described. */
  parameters: readonly number[] | null;
  /** Every result of a message that held several statements. */
  sets: (string | null)[][][];
  /** Texts of notices and debug messages, in order. */
  notices: string[];
  /** True when the session is inside of a transaction block, failed or not. */
  inTransaction: boolean;
}

/** Builds one buffer of protocol messages; it is reused, so what `take` gives lasts until the next message. */
export class Outgoing {
  private buffer = Buffer.allocUnsafe(64 * 1024);
  private length = 0;

  query(sql: string): this {
    return this.message('Q', [sql]);
  }

  parse(name: string, sql: string): this {
    return this.message('P', [name, sql], 2);
  }

  /** With the types of the first parameters given; 0: to be inferred. */
  parseTyped(name: string, sql: string, types: readonly number[]): this {
    const start = this.message('P', [name, sql], 2 + types.length * 4).length - types.length * 4;
    this.buffer.writeInt16BE(types.length, start - 2);
    types.forEach((type, i) => this.buffer.writeUInt32BE(type, start + i * 4));
    return this;
  }

  describe(name: string): this {
    return this.tagged('D', name);
  }

  closeStatement(name: string): this {
    return this.tagged('C', name);
  }

  /** Runs a prepared statement that takes no parameters, and reads all of its rows. */
  execute(name: string): this {
    this.message('B', ['', name], 6);
    return this.message('E', [''], 4);
  }

  /** Runs a prepared statement with these values, as text. */
  run(name: string, values: readonly (string | null)[]): this {
    this.reserve(64 + name.length * 3 + values.reduce((n, v) => n + 4 + (v?.length ?? 0) * 3, 0));
    const { buffer } = this;
    const start = this.length;
    buffer[start] = 0x42;
    let at = start + 5;
    buffer[at++] = 0;
    at += buffer.write(name, at);
    buffer[at++] = 0;
    // No parameter formats: all are text.
    at = put16(buffer, at, 0);
    at = put16(buffer, at, values.length);
    for (const value of values) at = putValue(buffer, at, value);
    at = put16(buffer, at, 0);
    put32(buffer, start + 1, at - start - 1);
    // Execute: the unnamed portal, every row.
    buffer[at++] = 0x45;
    at = put32(buffer, at, 9);
    buffer[at++] = 0;
    this.length = put32(buffer, at, 0);
    return this;
  }

  /** Ends a COPY FROM STDIN that would wait for data for ever; ignored when there is none. */
  copyFail(): this {
    return this.message('f', ['COPY from the client is not rehearsed']);
  }

  sync(): this {
    return this.message('S', []);
  }

  take(): Buffer {
    const taken = this.buffer.subarray(0, this.length);
    this.length = 0;
    return taken;
  }

  /** Strings, each ended by a zero, then a number of zero bytes (empty counts of parameters and formats). */
  private message(type: string, strings: readonly string[], zeros = 0): this {
    let most = 5 + zeros;
    for (const text of strings) most += text.length * 3 + 1;
    this.reserve(most);
    const start = this.length;
    this.buffer[start] = type.charCodeAt(0);
    let end = start + 5;
    for (const text of strings) {
      end += this.buffer.write(text, end);
      this.buffer[end++] = 0;
    }
    this.buffer.fill(0, end, end + zeros);
    this.length = end + zeros;
    this.buffer.writeInt32BE(this.length - start - 1, start + 1);
    return this;
  }

  private tagged(type: string, name: string): this {
    return this.message(type, [`S${name}`]);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe((this.length + more) * 2);
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}

function put16(buffer: Buffer, at: number, value: number): number {
  buffer[at] = value >> 8;
  buffer[at + 1] = value & 0xff;
  return at + 2;
}

function put32(buffer: Buffer, at: number, value: number): number {
  buffer[at] = value >>> 24;
  buffer[at + 1] = (value >>> 16) & 0xff;
  buffer[at + 2] = (value >>> 8) & 0xff;
  buffer[at + 3] = value & 0xff;
  return at + 4;
}

function putValue(buffer: Buffer, at: number, value: string | null): number {
  if (value === null) return put32(buffer, at, -1);
  // Most values are a few ASCII bytes, for which the encoder's own set-up costs more than the work.
  if (value.length < 24) {
    let i = 0;
    for (; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) break;
      buffer[at + 4 + i] = code;
    }
    if (i === value.length) {
      put32(buffer, at, i);
      return at + 4 + i;
    }
  }
  const length = buffer.write(value, at + 4);
  put32(buffer, at, length);
  return at + 4 + length;
}

function emptyReply(): Reply {
  return {
    fields: null,
    rows: null,
    tag: '',
    error: null,
    parameters: null,
    sets: [],
    notices: [],
    inTransaction: false,
  };
}

/** Splits an answer at each ReadyForQuery; what comes after the last one (nothing, in a live session) is `rest`. */
export function readReplies(data: Buffer): { replies: Reply[]; complete: boolean } {
  const replies: Reply[] = [];
  let reply = emptyReply();
  let pending = false;
  let open: (string | null)[][] | null = null;
  let at = 0;
  while (at + 5 <= data.length) {
    const type = data[at];
    const body = at + 5;
    const next = at + 1 + data.readInt32BE(at + 1);
    pending = true;
    if (type === 0x44) open?.push(readRow(data, body));
    else if (type === 0x43) {
      reply.tag = data.toString('utf8', body, next - 1);
      reply.rows = open;
      if (open !== null) reply.sets.push(open);
      open = null;
    } else if (type === 0x54) {
      reply.fields = readFields(data, body);
      open = [];
    } else if (type === 0x32) {
      // A portal that was bound without being described sends its rows with no header.
      open = [];
    } else if (type === 0x45) reply.error ??= readError(data, body);
    else if (type === 0x4e) reply.notices.push(readError(data, body).message);
    else if (type === 0x74) reply.parameters = readParameters(data, body);
    else if (type === 0x5a) {
      reply.inTransaction = data[body] !== 0x49;
      replies.push(reply);
      reply = emptyReply();
      open = null;
      pending = false;
    }
    at = next;
  }
  return { replies, complete: !pending && replies.length > 0 };
}

export function readRow(data: Buffer, body: number): (string | null)[] {
  const count = data.readInt16BE(body);
  const row = Array.from<string | null>({ length: count });
  let at = body + 2;
  for (let i = 0; i < count; i++) {
    const length = data.readInt32BE(at);
    at += 4;
    if (length < 0) row[i] = null;
    else {
      row[i] = length < 24 ? readShort(data, at, length) : data.toString('utf8', at, at + length);
      at += length;
    }
  }
  return row;
}

/** Most values are a few ASCII bytes, for which the decoder's own set-up costs more than the work. */
function readShort(data: Buffer, at: number, length: number): string {
  let text = '';
  for (let i = at; i < at + length; i++) {
    const byte = data[i] ?? 0;
    if (byte > 0x7f) return data.toString('utf8', at, at + length);
    text += String.fromCharCode(byte);
  }
  return text;
}

function readFields(data: Buffer, body: number): Field[] {
  const count = data.readInt16BE(body);
  const fields: Field[] = [];
  let at = body + 2;
  for (let i = 0; i < count; i++) {
    const end = data.indexOf(0, at);
    const name = data.toString('utf8', at, end);
    fields.push({
      name,
      table: data.readUInt32BE(end + 1),
      attribute: data.readInt16BE(end + 5),
      type: data.readUInt32BE(end + 7),
      modifier: data.readInt32BE(end + 13),
    });
    at = end + 19;
  }
  return fields;
}

export function readError(data: Buffer, body: number): SqlError {
  const error = { sqlstate: 'XX000', message: '', severity: 'ERROR' };
  for (let at = body; data[at] !== 0 && at < data.length;) {
    const code = String.fromCharCode(data[at] ?? 0);
    const end = data.indexOf(0, at + 1);
    const text = data.toString('utf8', at + 1, end);
    if (code === 'C') error.sqlstate = text;
    else if (code === 'M') error.message = text;
    else if (code === 'V') error.severity = text;
    at = end + 1;
  }
  return error;
}

function readParameters(data: Buffer, body: number): number[] {
  return Array.from({ length: data.readInt16BE(body) }, (_, i) => data.readUInt32BE(body + 2 + i * 4));
}
