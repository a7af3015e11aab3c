import { randomUUID } from 'node:crypto';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { createKurrentDbEventStore } from '../../../src/eventstore/kurrentdb/kurrentDbEventStore.ts';
import { startProtocolTestServer } from '../../support/kurrentdb/server.ts';

const server = await startProtocolTestServer({ maxAppendSize: 1 << 28 });
const store = createKurrentDbEventStore({ connectionString: server.connectionString });
const ev = () => ({ id: randomUUID(), type: 'T', data: '{"a":1,"b":"' + 'x'.repeat(300) + '"}', metadata: '{"m":"' + 'y'.repeat(200) + '"}' });
let n = 0;
async function measure(name: string, streams: number, appends: number, batch: number, one: (s: string, rev: number, evs: any[]) => Promise<unknown>) {
  const lat: number[] = [];
  const t = performance.now();
  const base = n++;
  await Promise.all(Array.from({ length: streams }, async (_, i) => {
    for (let k = 0; k < appends; k++) {
      const evs = Array.from({ length: batch }, ev);
      const s = performance.now();
      await one(`s-${base}-${i}`, k * batch - 1, evs);
      lat.push(performance.now() - s);
    }
  }));
  const ms = performance.now() - t;
  lat.sort((a, b) => a - b);
  console.log(name.padEnd(42), `${streams} streams x ${appends} x ${batch} events: ${(ms).toFixed(0)} ms, ${(streams * appends / ms * 1000).toFixed(0)} appends/s, ${(streams * appends * batch / ms * 1000).toFixed(0)} ev/s, p50 ${lat[lat.length >> 1]?.toFixed(1)} p99 ${lat[Math.floor(lat.length * 0.99)]?.toFixed(1)}`);
}
const client = EventStoreDBClient.connectionString(server.connectionString);
const viaClient = (opts: object) => (s: string, rev: number, evs: any[]) => client.appendToStream(s, evs.map((e) => jsonEvent({ id: e.id, type: e.type, data: JSON.parse(e.data), metadata: JSON.parse(e.metadata) })), { expectedRevision: rev < 0 ? 'no_stream' : BigInt(rev), ...opts });
for (const round of [1, 2]) {
  for (const batch of [1, 3]) {
    await measure('adapter (own classic call)', 32, 40, batch, (s, r, e) => store.append(s, r, e));
    await measure('client, batch path', 32, 40, batch, viaClient({}));
    await measure('client, classic path (credentials)', 32, 40, batch, viaClient({ credentials: { username: 'a', password: 'b' } }));
  }
}
await measure('adapter', 4, 20, 500, (s, r, e) => store.append(s, r, e));
await measure('client, batch path', 4, 20, 500, viaClient({}));
await measure('client, classic path', 4, 20, 500, viaClient({ credentials: { username: 'a', password: 'b' } }));
const t = performance.now();
let count = 0; for (let after: bigint | null = null;;) { const p: any[] = await store.readAll(after, 5000); if (!p.length) break; count += p.length; after = p.at(-1).position; }
console.log('readAll', count, (performance.now() - t).toFixed(0), 'ms');
const t2 = performance.now(); let c2 = 0;
for await (const b of store.subscribe(null, 500, new AbortController().signal)) { c2 += b.length; if (c2 >= count) break; }
console.log('subscribe', c2, (performance.now() - t2).toFixed(0), 'ms');
await store.close(); await client.dispose(); await server.stop(); process.exit(0);
