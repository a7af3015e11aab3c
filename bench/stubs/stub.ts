import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/** What the parent process asks of a stub: another delay, or nothing; it answers with what it saw. */
export type StubOrder = { readonly delayMs?: number };
export type StubCounts = {
  readonly calls: number;
  /** How many different idempotency keys came. */
  readonly keys: number;
  /** How often the key came that came most often. */
  readonly mostCallsOfOneKey: number;
};

/** Answers every POST with the same JSON after `--delay-ms`, and counts, by idempotency key where there is one. Ends with its parent. */
export function runStub(answer: unknown, path: string): void {
  const { values } = parseArgs({ options: { 'delay-ms': { type: 'string', default: '0' } } });
  let delayMs = Number(values['delay-ms']);
  let calls = 0;
  const callsOfKey = new Map<string, number>();
  const text = Buffer.from(JSON.stringify(answer));
  const headers = { 'content-type': 'application/json', 'content-length': text.byteLength };

  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    calls += 1;
    const key = request.headers['idempotency-key'];
    if (typeof key === 'string') callsOfKey.set(key, (callsOfKey.get(key) ?? 0) + 1);
    const send = () => response.writeHead(200, headers).end(text);
    request.resume();
    request.once('end', () => (delayMs === 0 ? send() : void sleep(delayMs).then(send)));
    response.on('error', () => undefined);
  });
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('listens on no port');
    process.send?.({ url: `http://127.0.0.1:${address.port}${path}` });
  });
  process.on('message', (order: StubOrder) => {
    delayMs = order.delayMs ?? delayMs;
    let mostCallsOfOneKey = 0;
    for (const count of callsOfKey.values()) mostCallsOfOneKey = Math.max(mostCallsOfOneKey, count);
    process.send?.({ calls, keys: callsOfKey.size, mostCallsOfOneKey } satisfies StubCounts);
  });
  process.on('disconnect', () => process.exit(0));
}
