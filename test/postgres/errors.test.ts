import { expect, test } from 'vitest';
import { classifyPostgresError, codeOf, isUniqueViolation } from '../../src/postgres/errors.ts';

const withCode = (code: string): Error => Object.assign(new Error('failed'), { code });

test.each([
  ['unavailable', ['08006', '08P01', '53300', '53100', '57P01', '57P02', '57P03', '57014', '58030', '25006']],
  ['unavailable', ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND']],
  ['contention', ['40001', '40P01', '55P03']],
  ['data', ['22P02', '22021', '23505', '23502']],
  ['other', ['42P01', '42501', '28P01', '0A000', 'XX000', 'ERR_SOMETHING', 'ABORT']],
])('%s: %s', (failure, codes) => {
  expect(codes.map((code) => classifyPostgresError(withCode(code)))).toEqual(codes.map(() => failure));
});

test.each([
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error and is not queryable',
])("the driver's own failure, which has no code: %s", (message) => {
  expect(classifyPostgresError(new Error(message))).toBe('unavailable');
});

test('what is not an error of Postgres is none of these', () => {
  for (const thrown of [
    new Error('something else'),
    'Connection terminated',
    { code: '57P01' },
    null,
    undefined,
  ]) {
    expect(classifyPostgresError(thrown)).toBe('other');
    expect(codeOf(thrown)).toBeNull();
  }
});

test('a unique violation is told by its constraint', () => {
  const violation = Object.assign(withCode('23505'), { constraint: 'events_id_key' });
  expect(isUniqueViolation(violation, 'events_id_key')).toBe(true);
  expect(isUniqueViolation(violation, 'events_pkey')).toBe(false);
  expect(isUniqueViolation(withCode('23505'), 'events_id_key')).toBe(false);
  expect(
    isUniqueViolation(Object.assign(withCode('23503'), { constraint: 'events_id_key' }), 'events_id_key'),
  ).toBe(false);
});
