import { once } from 'node:events';
import { connect } from 'node:net';

/** An answer as it came over a socket. */
export type RawAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
};

const PATIENCE_MS = 3_000;

/**
 * Sends bytes as they are and nothing more, and reads until the server ends the connection.
 *
 * @throws Error when the server keeps the connection for 3 seconds, or answers with something that is not HTTP
 */
export async function sendRaw(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  const socket = connect({ port, host: '127.0.0.1', timeout: PATIENCE_MS });
  socket.on('timeout', () => socket.destroy(new Error('the server did not end the connection')));
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.end(bytes);
  await once(socket, 'close');
  return parse(Buffer.concat(chunks).toString('latin1'));
}

function parse(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1];
  if (status === undefined) throw new Error(`no HTTP answer: ${text.slice(0, 200)}`);
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(status), headers: Object.fromEntries(headers), payload: rest.join('\r\n\r\n') };
}

/** A request with a body, as text lines and bytes. */
export function rawRequest(lines: readonly string[], body: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}
