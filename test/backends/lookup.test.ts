import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { validateBackends } from '../../src/backends/backends.ts';
import type { Backend, BackendAnswer } from '../../src/backends/port.ts';
import { type LookupSpec, parsePlaybook } from '../../src/domain/playbook.ts';
import { InvalidSourceError } from '../../src/domain/yaml.ts';
import { configText } from '../support/builders.ts';
import { openGate } from '../support/gate.ts';
import { type StubBackend, type StubBackendMode, startStubBackend } from '../support/stubBackend.ts';
import { backendOf, CALL, specOf } from './support.ts';

let stub: StubBackend;
beforeEach(async () => {
  stub = await startStubBackend();
});
afterEach(() => stub.stop());

const lookupOf = (changes: Partial<LookupSpec> = {}): LookupSpec => ({
  method: 'GET',
  url: `${stub.url}/retries/{idempotencyKey}`,
  headers: {},
  success: [200],
  failure: [],
  ...changes,
});
const withLookup = (changes: Partial<LookupSpec> = {}, more = {}, options = {}): Backend =>
  backendOf(specOf({ url: `${stub.url}/retries`, lookup: lookupOf(changes), ...more }), options);

function lookUp(backend: Backend, changes = {}): Promise<BackendAnswer> {
  if (backend.lookUp === null) throw new Error('the backend has no lookup');
  return backend.lookUp({ ...CALL, ...changes });
}
const answer = (result: string, errorType: string | null, responseDigest: unknown = null) => ({
  result,
  errorType,
  responseDigest,
  durationMs: expect.any(Number),
});
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a lookup that is answered', () => {
  const OK = digest('{"ok":true}');
  it.each<readonly [string, Partial<LookupSpec>, StubBackendMode, unknown]>([
    ['200', {}, { kind: 'status', status: 200 }, answer('SUCCEEDED', null, OK)],
    ['404 by default', {}, { kind: 'status', status: 404 }, answer('UNKNOWN', 'HTTP_404', OK)],
    [
      '404 as a failure',
      { failure: [404] },
      { kind: 'status', status: 404 },
      answer('FAILED', 'HTTP_404', OK),
    ],
    ['202 by default', {}, { kind: 'status', status: 202 }, answer('UNKNOWN', 'HTTP_202', OK)],
    ['204 as a success', { success: [204] }, { kind: 'status', status: 204 }, answer('SUCCEEDED', null)],
    ['401', { failure: [404] }, { kind: 'status', status: 401 }, answer('UNKNOWN', 'HTTP_401', OK)],
    ['500', { failure: [404] }, { kind: 'status', status: 500 }, answer('UNKNOWN', 'HTTP_500', OK)],
    ['silence', {}, { kind: 'stall' }, answer('UNKNOWN', 'TIMEOUT')],
    ['a reset', {}, { kind: 'reset' }, answer('UNKNOWN', 'CONNECTION_RESET')],
    ['something that is no HTTP', {}, { kind: 'garbage' }, answer('UNKNOWN', 'INVALID_RESPONSE')],
    ['a body that stalls', {}, { kind: 'stalledBody', status: 200 }, answer('SUCCEEDED', null)],
  ])('by %s', async (_, changes, mode, expected) => {
    stub.mode = mode;
    const started = performance.now();
    expect(await lookUp(withLookup(changes))).toEqual(expected);
    expect(performance.now() - started).toBeLessThan(400);
    expect(stub.calls()).toBe(1);
  });

  it('by a redirect does not follow it, to whichever host', async () => {
    const elsewhere = await startStubBackend();
    try {
      for (const location of [`${elsewhere.url}/`, '/done', 'http://169.254.169.254/']) {
        stub.mode = { kind: 'status', status: 302, location };
        expect(await lookUp(withLookup())).toMatchObject({ result: 'UNKNOWN', errorType: 'HTTP_302' });
      }
      expect([stub.calls(), elsewhere.calls()]).toEqual([3, 0]);
    } finally {
      await elsewhere.stop();
    }
  });

  it('by an endless body reads its first MiB alone', async () => {
    const mebibyte = 'x'.repeat(1024 * 1024);
    stub.mode = { kind: 'status', status: 200, body: `${mebibyte}${'y'.repeat(20_000_000)}` };
    const backend = withLookup({}, { timeoutMs: 2_000 });
    expect(await lookUp(backend)).toEqual(answer('SUCCEEDED', null, digest(mebibyte)));
  });
});

describe('a lookup that is not sent tells nothing', () => {
  it('for a refused connection', async () => {
    const gate = await openGate(stub.url);
    await gate.shut();
    const backend = withLookup({ url: `${gate.url}{actionId}`, failure: [404] });
    expect(await lookUp(backend)).toEqual(answer('UNKNOWN', 'CONNECTION_REFUSED'));
  });

  it('for a private address, a missing secret, a missing value', async () => {
    const refused = withLookup({}, { allowPrivateHosts: [] });
    expect(await lookUp(refused)).toEqual(answer('UNKNOWN', 'ADDRESS_REFUSED'));
    const secret = withLookup({ headers: { Authorization: 'Bearer $'.concat('{env:TOKEN}') } });
    expect(await lookUp(secret)).toEqual(answer('UNKNOWN', 'SECRET_MISSING'));
    const missing = withLookup({ url: `${stub.url}/{attributes.iban}/{actionId}` });
    expect(await lookUp(missing)).toEqual(answer('UNKNOWN', 'TEMPLATE_VALUE_MISSING'));
    expect(stub.calls()).toBe(0);
  });

  it('for a slot that is not free in time', async () => {
    stub.mode = { kind: 'stall' };
    const backend = withLookup({}, { concurrency: 1 });
    const answers = await Promise.all([backend.call(CALL), lookUp(backend)]);
    expect(answers).toEqual([answer('UNKNOWN', 'TIMEOUT'), answer('UNKNOWN', 'QUEUE_TIMEOUT')]);
    expect(stub.calls()).toBe(1);
  });
});

describe('the request of a lookup', () => {
  it('carries the key where the playbook puts it and nowhere else, encoded for its place', async () => {
    const headers = { 'X-Ref': '{taskId}', Authorization: 'Bearer $'.concat('{env:TOKEN}') };
    const url = `${stub.url}/{caseId}/{idempotencyKey}?action={actionId}`;
    const backend = withLookup({ url, headers }, { body: { a: 1 } }, { resolveSecret: () => 's3cret' });
    await lookUp(backend, { idempotencyKey: 'a/b c', actionId: 'x&y' });
    const [request] = stub.requests;
    expect(request).toMatchObject({ method: 'GET', path: '/C1001/a%2Fb%20c?action=x%26y', body: '' });
    expect(request?.headers).toMatchObject({ 'x-ref': 'C1001~0123', authorization: 'Bearer s3cret' });
    expect(Object.keys(request?.headers ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/idempotency-key|content-type/)]),
    );
  });

  it('can be a POST, and carry the key in the header of that name', async () => {
    const headers = { 'Idempotency-Key': '{idempotencyKey}' };
    const backend = withLookup({ method: 'POST', url: `${stub.url}/search`, headers });
    expect(await lookUp(backend)).toMatchObject({ result: 'SUCCEEDED' });
    expect(stub.requests[0]).toMatchObject({ method: 'POST', path: '/search', body: '' });
    expect(stub.requests[0]?.headers).toMatchObject({ 'idempotency-key': 'key-1' });
  });

  it('goes out after the deadline of the attempt too: it is asked because of it', async () => {
    expect(await lookUp(withLookup(), { deadlineMs: 0 })).toMatchObject({ result: 'SUCCEEDED' });
  });

  it('goes out while the circuit is open, and neither opens nor closes it', async () => {
    const backend = withLookup({}, { breaker: { failures: 2, openMs: 60_000 } });
    stub.mode = { kind: 'status', status: 500 };
    for (let index = 0; index < 5; index += 1) await lookUp(backend);
    expect(backend.available()).toBe(true);
    await backend.call(CALL);
    await backend.call(CALL);
    expect(backend.available()).toBe(false);
    stub.mode = { kind: 'status', status: 200 };
    expect(await lookUp(backend)).toMatchObject({ result: 'SUCCEEDED' });
    expect(backend.available()).toBe(false);
  });
});

it('a backend without one has none', () => {
  expect(backendOf(specOf({ url: `${stub.url}/` })).lookUp).toBeNull();
});

describe('in the playbook', () => {
  const source = (lines: readonly string[], kind = 'http'): string => {
    const http = `kind: http\n    method: POST\n    url: https://partner.example/\n    idempotent: false`;
    const entry = [kind === 'http' ? http : 'kind: simulated', ...lines].join('\n    ');
    return configText('playbook.yaml').replace('kind: simulated\n    failureRate: 0', entry);
  };
  const parse = (lines: readonly string[], kind?: string) =>
    parsePlaybook(source(lines, kind), 'playbook.yaml', validateBackends).backends.PARTNER_API;
  const problems = (...lines: string[]) => {
    try {
      parse(lines);
      return [];
    } catch (error) {
      if (!(error instanceof InvalidSourceError)) throw error;
      return error.problems.map(({ file, line, path, message }) => {
        const text = source(lines).split('\n')[line - 1]?.trim();
        return `${file}: ${text}: ${path.replace('backends.PARTNER_API', '')}: ${message}`;
      });
    }
  };
  const URL_LINE = '  url: https://partner.example/retries/{idempotencyKey}';

  it('lookup and breaker may be left out, or be there with what they must have', () => {
    const breaker = { failures: 5, openMs: 10_000 };
    expect(parse([])).toMatchObject({ breaker });
    expect(parse([])).not.toHaveProperty('lookup');
    expect(parse(['lookup:', URL_LINE, 'breaker: { openMs: 500 }'])).toMatchObject({
      breaker: { failures: 5, openMs: 500 },
      lookup: {
        method: 'GET',
        url: 'https://partner.example/retries/{idempotencyKey}',
        headers: {},
        success: [200],
        failure: [],
      },
    });
    expect(parse([], 'simulated')).toMatchObject({ lookup: false });
    expect(parse(['lookup: true'], 'simulated')).toMatchObject({ lookup: true });
  });

  it('the one that docs/adapt.md shows asks about the action', async () => {
    const page = readFileSync('docs/adapt.md', 'utf8');
    const block = /<!-- recipe: backend -->\n```yaml\nbackends:\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const entry = block.replaceAll('https://partner.example.com', stub.url);
    const playbook = configText('playbook.yaml').replace(
      / {2}PARTNER_API:\n {4}kind: simulated\n.*\n/,
      entry,
    );
    const spec = parsePlaybook(playbook, 'playbook.yaml', validateBackends).backends.PARTNER_API;
    if (spec?.kind !== 'http') throw new Error('the page shows an http backend');
    const allowed = { ...spec, allowPrivateHosts: ['127.0.0.1'] };
    const backend = backendOf(allowed, { resolveSecret: (name) => `value of ${name}` });
    expect(await lookUp(backend)).toMatchObject({ result: 'SUCCEEDED' });
    expect(stub.requests[0]).toMatchObject({
      method: 'GET',
      path: '/v1/retries/key-1',
      headers: { authorization: 'Bearer value of PARTNER_TOKEN' },
    });
  });

  it.each([
    ['no URL', ['lookup: {}'], 'lookup: {}: .lookup.url: must be an absolute http(s) URL'],
    [
      'a URL that names no action',
      ['lookup:', '  url: https://partner.example/{caseId}'],
      'url: https://partner.example/{caseId}: .lookup.url: must hold {idempotencyKey} or {actionId}, else the answer could be about another action',
    ],
    [
      'a placeholder in the host',
      ['lookup:', '  url: https://{idempotencyKey}.example/'],
      'url: https://{idempotencyKey}.example/: .lookup.url: scheme, host and port are fixed: no placeholder and only ASCII may stand there',
    ],
    [
      'a credential in clear',
      ['lookup:', URL_LINE, '  headers:', '    Authorization: Bearer abc'],
      'Authorization: Bearer abc: .lookup.headers.Authorization: Authorization looks like a credential in clear; put it into the environment and write $'.concat(
        '{env:PARTNER_API_AUTHORIZATION}',
      ),
    ],
    [
      'a header of the service',
      ['lookup:', URL_LINE, '  headers:', '    Host: evil.example'],
      'Host: evil.example: .lookup.headers.Host: is set by the service itself; remove it',
    ],
    [
      'one status for both',
      ['lookup:', URL_LINE, '  success: [200, 404]', '  failure: [404]'],
      'failure: [404]: .lookup.failure: 404 cannot mean both success and failure',
    ],
    [
      'another method',
      ['lookup:', URL_LINE, '  method: DELETE'],
      'method: DELETE: .lookup.method: Invalid option: expected one of "GET"|"POST"',
    ],
    [
      'an unknown key',
      ['lookup:', URL_LINE, '  timeoutMs: 5'],
      'timeoutMs: 5: .lookup: Unrecognized key: "timeoutMs"',
    ],
    [
      'a breaker that never opens',
      ['breaker: { failures: 0 }'],
      'breaker: { failures: 0 }: .breaker.failures: Too small: expected number to be >=1',
    ],
  ])('%s is refused with file, line and key', (_, lines, expected) => {
    expect(problems(...lines)).toEqual([`playbook.yaml: ${expected}`]);
  });
});
