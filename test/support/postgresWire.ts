/** One message of the Postgres protocol; `type` is empty for the startup message, which has none. */
export type WireMessage = { readonly type: string; readonly bytes: Buffer };

/**
 * Cuts a stream of bytes into messages of the Postgres protocol, version 3, without TLS.
 *
 * @param startsUntyped whether the first one is a client's startup message
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export function createFramer(startsUntyped: boolean): (chunk: Buffer) => WireMessage[] {
  let rest: Buffer = Buffer.alloc(0);
  let head = startsUntyped ? 0 : 1;
  const next = (): WireMessage | null => {
    const size = rest.length < head + 4 ? Number.POSITIVE_INFINITY : head + rest.readInt32BE(head);
    if (rest.length < size) return null;
    const message = { type: rest.toString('latin1', 0, head), bytes: rest.subarray(0, size) };
    rest = rest.subarray(size);
    head = 1;
    return message;
  };
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const messages: WireMessage[] = [];
    for (let message = next(); message !== null; message = next()) messages.push(message);
    return messages;
  };
}

/** What a client asks for in one go: one round trip. `sql` is empty where it holds no statement. */
export type WireRequest = {
  readonly kind: 'startup' | 'query' | 'other';
  readonly sql: string;
  readonly bytes: Buffer;
};

const EXTENDED = 'PBDECH';

/** Collects a client's messages into requests; knows the text of statements that were prepared before. */
export function createRequestReader(): (chunk: Buffer) => WireRequest[] {
  const frame = createFramer(true);
  const prepared = new Map<string, string>();
  let pending: Buffer[] = [];
  let sql = '';

  const read = ({ type, bytes }: WireMessage): WireRequest | null => {
    if (type === '') return { kind: 'startup', sql: '', bytes };
    if (type === 'Q') return { kind: 'query', sql: textAt(bytes, 5), bytes };
    if (type === 'P') {
      const name = textAt(bytes, 5);
      sql = textAt(bytes, 5 + Buffer.byteLength(name) + 1);
      prepared.set(name, sql);
    }
    if (type === 'B' && sql === '') {
      const portal = textAt(bytes, 5);
      sql = prepared.get(textAt(bytes, 5 + Buffer.byteLength(portal) + 1)) ?? '';
    }
    if (!EXTENDED.includes(type) && type !== 'S') return { kind: 'other', sql: '', bytes };
    pending.push(bytes);
    if (type !== 'S') return null;
    const request: WireRequest = { kind: 'query', sql, bytes: Buffer.concat(pending) };
    pending = [];
    sql = '';
    return request;
  };
  return (chunk) => frame(chunk).flatMap((message) => read(message) ?? []);
}

/** The text that begins at an offset and ends before the next zero byte. */
const textAt = (bytes: Buffer, offset: number): string =>
  bytes.toString('utf8', offset, bytes.indexOf(0, offset));

/** Whether a statement writes, as far as its words tell. */
export const writes = (sql: string): boolean =>
  /\b(insert|update|delete|create|alter|drop|append_events|claim_tasks)\b/i.test(sql);

/** An ErrorResponse. After FATAL the server ends the connection. */
export function errorResponse(severity: 'ERROR' | 'FATAL', sqlstate: string): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${sqlstate}`, `Minjected failure ${sqlstate}`];
  return message('E', `${fields.map((field) => `${field}\0`).join('')}\0`);
}

/** A ReadyForQuery: I is idle, E in a transaction that has failed. */
export const readyForQuery = (status: 'I' | 'E'): Buffer => message('Z', status);

function message(type: string, body: string): Buffer {
  const bytes = Buffer.alloc(5 + Buffer.byteLength(body));
  bytes.write(type, 0, 'latin1');
  bytes.writeInt32BE(bytes.length - 1, 1);
  bytes.write(body, 5, 'utf8');
  return bytes;
}
