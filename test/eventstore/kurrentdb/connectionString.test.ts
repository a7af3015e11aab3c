import { expect, test, vi } from 'vitest';
import {
  describeKurrentDbUrl,
  InvalidKurrentDbUrlError,
} from '../../../src/eventstore/kurrentdb/connectionString.ts';
import { createKurrentDbEventStore } from '../../../src/eventstore/kurrentdb/kurrentDbEventStore.ts';

const SECRET = 'tr0ub4dor';

test.each([
  ['esdb://127.0.0.1:2113?tls=false', 'esdb://127.0.0.1:2113 (not encrypted)'],
  ['esdb://db.example', 'esdb://db.example (TLS)'],
  [' esdb://db.example:2113/ ', 'esdb://db.example:2113 (TLS)'],
  [`esdb://admin:${SECRET}@db.example:2113?tls=true&tlsCAFile=%2Fca.crt`, 'esdb://db.example:2113 (TLS)'],
  [`esdb://admin:${SECRET}%40%3A@a:1,b:2,c:3?nodePreference=leader`, 'esdb://a:1,b:2,c:3 (TLS)'],
  [
    'esdb+discover://cluster.example:2113?keep_alive_interval=10000',
    'esdb+discover://cluster.example:2113 (TLS)',
  ],
  ['esdb://a:1?tls=false&keepAliveInterval=-1&maxDiscoverAttempts=3', 'esdb://a:1 (not encrypted)'],
])('%s is understood, by the client too, and described without its secrets', async (url, description) => {
  const warn = vi.spyOn(console, 'warn');
  expect(describeKurrentDbUrl(url)).toBe(description);
  if (!url.includes('tlsCAFile')) {
    const store = createKurrentDbEventStore({ connectionString: url, pingTimeoutMs: 50 });
    // The client parses the string at the first call.
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await store.close();
  }
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

test.each([
  [`kurrentdb://admin:${SECRET}@a:1?tls=false`, /write esdb:\/\/ instead/],
  ['kurrentdb+discover://a:1', /write esdb\+discover:\/\/ instead/],
  [`postgres://admin:${SECRET}@a:1/db`, /is not of the form esdb:\/\//],
  ['', /is not of the form/],
  ['esdb://', /is not of the form/],
  [`esdb://${SECRET}@a:1`, /user:password/],
  [`esdb://admin:${SECRET}:x@a:1`, /user:password/],
  [`esdb://admin:${SECRET}%zz@a:1`, /user:password/],
  [`esdb://admin:${SECRET}@b@a:1`, /is not of the form/],
  ['esdb://a:99999', /host/],
  ['esdb://a:1,,b:2', /host/],
  ['esdb://a:1?tls=maybe', /tls=true or tls=false/],
  ['esdb://a:1?keepAliveInterval=soon', /an integer for keepAliveInterval/],
  ['esdb://a:1?keepAliveInterval=100', /at least 10000/],
  [`esdb://a:1?password=${SECRET}`, /an option that is not known/],
  [`esdb://admin:${SECRET}@a:1?tls=true&tlsVerifyCert=false`, /tlsCAFile/],
  ['esdb://a:1?tls', /needs tls=value/],
])('%s is refused with what to do about it, and nothing is printed', (url, problem) => {
  const warn = vi.spyOn(console, 'warn');
  const act = () => createKurrentDbEventStore({ connectionString: url });
  expect(act).toThrow(InvalidKurrentDbUrlError);
  expect(act).toThrow(problem);
  expect(act).not.toThrow(SECRET);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});
