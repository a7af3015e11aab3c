import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newTask } from '../support/app.ts';
import { rawRequest, sendRaw } from '../support/rawHttp.ts';
import { createRefusingApp, invalid, type RefusingApp } from './refusals.ts';

let service: RefusingApp;
let port: number;
beforeAll(async () => {
  service = await createRefusingApp();
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  port = (service.app.server.address() as AddressInfo).port;
});
afterAll(() => service.close());

/** Sends bytes, and gives the problem document that comes back. */
async function problemOf(bytes: Buffer) {
  const answer = await sendRaw(port, bytes);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const refusal = await service.refused(answer);
  expect(refusal.status).toBe(answer.status);
  return refusal;
}

const post = (body: string | Buffer, headers: readonly string[] = []): Buffer =>
  rawRequest(
    [
      'POST /case-task HTTP/1.1',
      'Host: localhost',
      'Connection: close',
      'Content-Type: application/json',
      ...(headers.length > 0 ? headers : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ],
    body,
  );
const get = (...lines: readonly string[]): Buffer => rawRequest([...lines, 'Connection: close']);

const FOREIGN_HOST = {
  status: 421,
  code: 'FOREIGN_HOST',
  errors: [
    { field: 'Host', message: 'is not a name of this service; add it to ALLOWED_HOSTS if it should be' },
  ],
};
const malformed = { status: 400, code: 'MALFORMED_REQUEST', errors: undefined };

describe('bytes on the wire', () => {
  it('that are no UTF-8', async () => {
    const body = Buffer.concat([
      Buffer.from('{"description": "'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}'),
    ]);
    expect(await problemOf(post(body))).toEqual(invalid('body', 'is not valid UTF-8'));
  });

  it('without a Host, and with an empty one', async () => {
    expect(await problemOf(get('GET /cases HTTP/1.1'))).toEqual(FOREIGN_HOST);
    expect(await problemOf(get('GET /cases HTTP/1.0'))).toEqual(FOREIGN_HOST);
    expect(await problemOf(get('GET /cases HTTP/1.1', 'Host:'))).toEqual(FOREIGN_HOST);
  });

  it('with a body that ends before its length', async () => {
    expect(await problemOf(post('{"case_id": "C1001"', ['Content-Length: 400']))).toEqual(malformed);
  });

  it('with a body that goes on behind its length', async () => {
    expect(await problemOf(post(JSON.stringify(newTask()), ['Content-Length: 10']))).toEqual(malformed);
  });

  it.each([
    ['a length that is no number', ['Content-Length: x']],
    ['two lengths', ['Content-Length: 2', 'Content-Length: 3']],
    ['a length and chunks', ['Content-Length: 2', 'Transfer-Encoding: chunked']],
    ['a chunk size that is none', ['Transfer-Encoding: chunked']],
  ])('with %s', async (_what, headers) => {
    expect(await problemOf(post('{}', headers))).toEqual(malformed);
  });

  it('in chunks that are too many', async () => {
    const chunk = `80000\r\n${'x'.repeat(0x80000)}\r\n`;
    const refusal = await problemOf(post(`${chunk.repeat(5)}0\r\n\r\n`, ['Transfer-Encoding: chunked']));
    expect(refusal).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  });

  it.each([
    ['that are no HTTP', 'GARBAGE\r\n\r\n'],
    ['with a method that is none', 'FETCH /cases HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['with a control character in a header', 'GET /cases HTTP/1.1\r\nHost: localhost\r\nX: a\u0001b\r\n\r\n'],
    ['with a space in a header name', 'GET /cases HTTP/1.1\r\nHost : localhost\r\n\r\n'],
  ])('%s', async (_what, text) => {
    expect(await problemOf(Buffer.from(text, 'latin1'))).toEqual(malformed);
  });

  it('with headers that are too large', async () => {
    expect(
      await problemOf(get('GET /cases HTTP/1.1', 'Host: localhost', `X: ${'x'.repeat(20_000)}`)),
    ).toEqual({
      status: 431,
      code: 'HEADERS_TOO_LARGE',
      errors: undefined,
    });
  });

  it('with two Idempotency-Keys', async () => {
    const body = JSON.stringify(newTask());
    const headers = [`Content-Length: ${body.length}`, 'Idempotency-Key: "a"', 'Idempotency-Key: "b"'];
    expect(await problemOf(post(body, headers))).toEqual(
      invalid('Idempotency-Key', 'must be 1 to 255 visible ASCII characters, quoted or bare'),
    );
  });

  it('that are right get their answer', async () => {
    const { status, payload } = await sendRaw(port, get('GET /healthz HTTP/1.1', 'Host: localhost'));
    expect([status, payload]).toEqual([200, '{"status":"alive"}']);
  });
});
