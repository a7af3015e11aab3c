import { afterEach, expect, it } from 'vitest';
import { history } from '../replay/history.ts';
import { storeOf, verify } from '../replay/support.ts';
import { createTestApp, type TestApp } from '../support/app.ts';

let service: TestApp;
afterEach(() => service.close());

it('GET /verification is a problem where the log was never verified', async () => {
  service = await createTestApp();
  const answer = await service.get('/verification');
  expect(answer.statusCode).toBe(404);
  expect(answer.json()).toMatchObject({
    code: 'NEVER_VERIFIED',
    detail: 'run `npm run verify` against the database of this service',
  });
});

it('GET /verification tells what the last verification has found', async () => {
  const log = await history();
  const verification = await verify(storeOf(log.filter(({ stream }) => !stream.startsWith('policy-'))));
  expect(verification.mismatchesByKind).toEqual({ SOURCE: verification.mismatchCount });
  service = await createTestApp({ verification });
  const answer = await service.get('/verification');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual(verification);
  expect((await service.get('/verification?at=1')).statusCode).toBe(400);
});
