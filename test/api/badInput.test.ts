import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newTask } from '../support/app.ts';
import { createRefusingApp, invalid, type RefusingApp } from './refusals.ts';

let service: RefusingApp;
beforeAll(async () => {
  service = await createRefusingApp();
});
afterAll(() => service.close());

const task = (changes: object): string => JSON.stringify({ ...newTask(), ...changes });
const without = (key: string): string => JSON.stringify({ ...newTask(), [key]: undefined });
const KIB_8 = 8 * 1024;

describe('a field of POST /case-task', () => {
  it.each<[string, string, string, string]>([
    ['is missing', without('description'), 'description', 'is missing; it must be text'],
    ['is missing', without('case_id'), 'case_id', 'is missing; it must be text'],
    ['is missing', without('user_role'), 'user_role', 'is missing; it must be text'],
    ['has the wrong type', task({ description: 7 }), 'description', 'must be text'],
    ['has the wrong type', task({ description: null }), 'description', 'must be text'],
    ['has the wrong type', task({ case_id: ['C1001'] }), 'case_id', 'must be text'],
    ['is empty', task({ description: '' }), 'description', 'must not be empty'],
    ['is blank', task({ description: ' \n\t ' }), 'description', 'must not be empty'],
    ['is 1 MB', task({ description: 'x'.repeat(1e6) }), 'description', 'must be at most 8192 bytes in UTF-8'],
    [
      'is one byte too long in multi-byte characters',
      task({ description: `x${'é'.repeat(KIB_8 / 2)}` }),
      'description',
      'must be at most 8192 bytes in UTF-8',
    ],
    ['holds NUL', task({ description: 'a\0b' }), 'description', 'must not hold NUL characters'],
    [
      'holds a lone surrogate',
      task({ description: 'a' }).replace('"a"', '"\\ud800"'),
      'description',
      'must be well-formed Unicode, without lone surrogates',
    ],
    ['is an unknown role', task({ user_role: 'ROOT' }), 'user_role', 'must be one of OPS, SUPERVISOR, AGENT'],
    [
      'is an unknown channel',
      task({ channel: 'FAX' }),
      'channel',
      'must be one of SYSTEM, EMAIL, PHONE, PORTAL, CHAT',
    ],
    ['is far too long', task({ channel: 'x'.repeat(65) }), 'channel', 'must be at most 64 characters long'],
    [
      'climbs out of its stream',
      task({ case_id: '../C1001' }),
      'case_id',
      'must be 1 to 64 characters out of A-Z a-z 0-9 . _ -',
    ],
    [
      'is unknown',
      task({ prio: 1 }),
      'body',
      'takes only case_id, description, channel, user_role; leave out what else is there',
    ],
    [
      'is called constructor',
      task({ constructor: { prototype: {} } }),
      'body',
      'takes only case_id, description, channel, user_role; leave out what else is there',
    ],
  ])('%s', async (_what, body, field, message) => {
    expect(await service.refused(await service.post('/case-task', body))).toEqual(invalid(field, message));
  });

  it('at the limit is taken, in bytes of UTF-8', async () => {
    const answer = await service.post(
      '/case-task',
      task({ case_id: 'nobody', description: 'é'.repeat(KIB_8 / 2) }),
    );
    expect(answer.json().code).toBe('CASE_NOT_FOUND');
  });

  it('is reported with all others that are wrong', async () => {
    const answer = await service.post('/case-task', { description: 7, channel: 'SYSTEM' });
    expect((await service.refused(answer)).errors?.map(({ field }) => field)).toEqual([
      'case_id',
      'description',
      'user_role',
    ]);
    expect(answer.json().detail).toBe(
      'case_id is missing; it must be text; description must be text; user_role is missing; it must be text',
    );
  });

  it('names a case that does not exist', async () => {
    expect(await service.refused(await service.post('/case-task', task({ case_id: 'C4040' })))).toEqual({
      status: 404,
      code: 'CASE_NOT_FOUND',
      errors: [{ field: 'case_id', message: 'there is no case C4040' }],
    });
  });
});

const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

describe('a body of POST /case-task', () => {
  it.each<[string, string | Buffer, string, string]>([
    ['is empty', '', 'body', 'is empty; send a JSON object'],
    ['is blank', ' \n ', 'body', 'is empty; send a JSON object'],
    ['is an array', '[]', 'body', 'must be a JSON object'],
    ['is a text', '"x"', 'body', 'must be a JSON object'],
    ['is null', 'null', 'body', 'must be a JSON object'],
    ['is cut off', '{"case_id": "C1', 'body', 'is not valid JSON (line 1, column 13)'],
    ['has a trailing comma', '{"case_id": "C1",}', 'body', 'is not valid JSON (line 1, column 18)'],
    ['has a comment', '{\n/* hi */ "case_id": "C1"}', 'body', 'is not valid JSON (line 2, column 1)'],
    ['has single quotes', "{'case_id': 1}", 'body', 'is not valid JSON (line 1, column 2)'],
    ['goes on behind its end', '{} {}', 'body', 'is not valid JSON (line 1, column 4)'],
    ['holds a control character', '{"case_id": "a\nb"}', 'body', 'is not valid JSON (line 1, column 13)'],
    ['holds a bad escape', '{"case_id": "\\x"}', 'body', 'is not valid JSON (line 1, column 13)'],
    ['holds a number that is none', '{"case_id": 01}', 'body', 'is not valid JSON (line 1, column 14)'],
    ['holds NaN', '{"case_id": NaN}', 'body', 'is not valid JSON (line 1, column 13)'],
    ['is not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'body', 'is not valid UTF-8'],
    ['holds an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'body', 'is not valid UTF-8'],
    ['has a byte order mark', '\u{feff}{}', 'body', 'begins with a byte order mark; send UTF-8 without one'],
    ['is deep', deep(21), 'body', 'is nested deeper than 20 levels'],
    ['is very deep', deep(500_000), 'body', 'is nested deeper than 20 levels'],
    [
      'has a key twice',
      '{"case_id": "C1", "case_id": "C2"}',
      'case_id',
      'holds a key twice (line 1, column 19); send each key once',
    ],
    [
      'has a key twice, once in escapes',
      '{"case_id": "C1",\n "case\\u005fid": "C2"}',
      'case_id',
      'holds a key twice (line 2, column 2); send each key once',
    ],
    [
      'has __proto__',
      '{"__proto__": {"channel": "SYSTEM"}}',
      'body',
      'holds the key __proto__ (line 1, column 2); leave it out',
    ],
  ])('%s', async (_what, body, field, message) => {
    expect(await service.refused(await service.post('/case-task', body))).toEqual(invalid(field, message));
  });

  it('is not there', async () => {
    expect(await service.refused(await service.post('/case-task'))).toEqual(
      invalid('body', 'is missing; it must be a JSON object'),
    );
  });

  it('is larger than is read', async () => {
    expect(await service.refused(await service.post('/case-task', 'x'.repeat(2 * 1024 * 1024 + 1)))).toEqual({
      status: 413,
      code: 'BODY_TOO_LARGE',
      errors: [{ field: 'body', message: 'is larger than this service reads' }],
    });
  });

  it.each([
    'text/plain',
    'application/jsonx',
    'application/merge-patch+json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'json',
    '',
  ])('has the content type %j', async (contentType) => {
    const answer = await service.post('/case-task', task({}), { 'content-type': contentType });
    expect(await service.refused(answer)).toEqual({
      status: 415,
      code: 'UNSUPPORTED_MEDIA_TYPE',
      errors: [{ field: 'Content-Type', message: 'must be application/json' }],
    });
  });

  it('is compressed', async () => {
    const answer = await service.post('/case-task', gzipSync(task({})), { 'content-encoding': 'gzip' });
    expect(await service.refused(answer)).toEqual({
      status: 415,
      code: 'UNSUPPORTED_MEDIA_TYPE',
      errors: [{ field: 'Content-Encoding', message: 'must be left out; send the body as it is' }],
    });
  });
});

const CASE_IDS = 'must be 1 to 64 characters out of A-Z a-z 0-9 . _ -';
const NAMES = 'must have names of at most 64 letters, digits and _, a letter first';
const TOO_LARGE = 'must be a number that JSON keeps exactly (up to 2^53 - 1); send a larger one as text';

describe('a field of POST /cases', () => {
  it.each<[string, string, string, string]>([
    ['is 65 characters long', `{"caseId": "${'x'.repeat(65)}"}`, 'caseId', CASE_IDS],
    ['is not ASCII', '{"caseId": "Fäll"}', 'caseId', CASE_IDS],
    ['is blank', '{"caseId": " "}', 'caseId', CASE_IDS],
    [
      'is not among the words',
      '{"caseId": "C2", "priority": "URGENT"}',
      'priority',
      'must be one of LOW, MEDIUM, HIGH, CRITICAL',
    ],
    ['is not whole', '{"caseId": "C2", "retryCount": 1.5}', 'retryCount', 'must be a whole number'],
    ['is negative', '{"caseId": "C2", "retryCount": -1}', 'retryCount', 'must be at least 0'],
    ['is huge', '{"caseId": "C2", "retryCount": 1000001}', 'retryCount', 'must be at most 1000000'],
    [
      'is no number any more',
      '{"caseId": "C2", "retryCount": 1e999}',
      'retryCount',
      'must be a whole number',
    ],
    [
      'is too large to be exact',
      '{"caseId": "C2", "attributes": {"n": 12345678901234567890}}',
      'attributes.n',
      TOO_LARGE,
    ],
    [
      'is infinite',
      '{"caseId": "C2", "attributes": {"n": -1e999}}',
      'attributes.n',
      'must be text, a finite number, true or false',
    ],
    [
      'is an object',
      '{"caseId": "C2", "attributes": {"n": {}}}',
      'attributes.n',
      'must be text, a finite number, true or false',
    ],
    [
      'is too long',
      `{"caseId": "C2", "attributes": {"n": "${'x'.repeat(1025)}"}}`,
      'attributes.n',
      'must be at most 1024 bytes in UTF-8',
    ],
    [
      'holds NUL',
      '{"caseId": "C2", "personalAttributes": {"n": "\\u0000"}}',
      'personalAttributes.n',
      'must not hold NUL characters',
    ],
    ['is named badly', '{"caseId": "C2", "attributes": {"a b": 1}}', 'attributes', NAMES],
    [
      'is nested and there twice',
      '{"caseId": "C2", "attributes": {"n": 1, "n": 2}}',
      'attributes.n',
      'holds a key twice (line 1, column 41); send each key once',
    ],
    [
      'is nested and __proto__',
      '{"caseId": "C2", "attributes": {"__proto__": 1}}',
      'body',
      'holds the key __proto__ (line 1, column 33); leave it out',
    ],
    [
      'is nested and unknown twice',
      '{"caseId": "C2", "x": {"y": 1, "y": 2}}',
      'body',
      'holds a key twice (line 1, column 32); send each key once',
    ],
  ])('%s', async (_what, body, field, message) => {
    expect(await service.refused(await service.post('/cases', body))).toEqual(invalid(field, message));
  });
});
