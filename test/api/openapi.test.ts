import { createConfig, lintFromString } from '@redocly/openapi-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, newTask, type TestApp } from '../support/app.ts';

let service: TestApp;
beforeAll(async () => {
  service = await createTestApp({ allowedHosts: ['cases.example'] });
});
afterAll(() => service.close());

const inject = (url: string) => service.app.inject({ url, headers: { host: 'localhost' } });

describe('/openapi.json', () => {
  it('is the document that answers are held against, in OpenAPI 3.1', async () => {
    const answer = await inject('/openapi.json');
    expect(answer.headers['content-type']).toContain('application/json');
    expect(answer.json()).toEqual(service.document);
    expect(service.document.openapi).toBe('3.1.0');
  });

  it('makes a linter happy, with nothing muted', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: JSON.stringify(service.document), config });
    expect(
      problems.map(({ severity, ruleId, message, location }) => ({
        severity,
        ruleId,
        message,
        at: location[0]?.pointer,
      })),
    ).toEqual([]);
  });

  it('is linted for real: a document with faults is told of', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const { paths: _, ...broken } = service.document;
    const problems = await lintFromString({ source: JSON.stringify(broken), config });
    expect(problems.length).toBeGreaterThan(0);
  });

  it('has every route that is here, and no other', () => {
    const routes = Object.entries(service.document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.sort()).toEqual([
      'GET /audit',
      'GET /audit/{case_id}',
      'GET /automation',
      'GET /cases',
      'GET /cases/{caseId}',
      'GET /cases/{caseId}/events',
      'GET /cases/{caseId}/evidence',
      'GET /export/audit',
      'GET /healthz',
      'GET /live',
      'GET /metrics',
      'GET /policy',
      'GET /policy/shadow',
      'GET /policy/{hash}',
      'GET /readyz',
      'GET /reviews',
      'GET /reviews/counts',
      'GET /reviews/{taskId}',
      'GET /tasks',
      'GET /tasks/{taskId}',
      'GET /verification',
      'POST /automation/pause',
      'POST /automation/resume',
      'POST /case-task',
      'POST /cases',
      'POST /cases/{caseId}/close',
      'POST /cases/{caseId}/erase',
      'POST /cases/{caseId}/notes',
      'POST /cases/{caseId}/reopen',
      'POST /cases/{caseId}/suspend',
      'POST /reviews/{taskId}/claim',
      'POST /reviews/{taskId}/decide',
      'POST /reviews/{taskId}/outcome',
      'POST /reviews/{taskId}/release',
    ]);
  });

  it('tells what a body must hold, how long it may be, and gives an example', () => {
    expect(service.document.components.schemas.CaseTaskInput).toMatchObject({
      required: ['case_id', 'description', 'channel', 'user_role'],
      additionalProperties: false,
      properties: {
        case_id: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
        description: { type: 'string', minLength: 1, maxLength: 8192 },
        channel: { type: 'string', maxLength: 64 },
        user_role: { type: 'string', maxLength: 64 },
      },
      examples: [newTask()],
    });
    expect(service.document.components.schemas.NewCaseInput).toMatchObject({
      required: ['caseId'],
      additionalProperties: false,
      examples: [{ caseId: 'C1001' }],
    });
    const required = Object.entries(service.document.paths).flatMap(([path, { post }]) =>
      post ? [[path, post.requestBody?.required]] : [],
    );
    expect(Object.fromEntries(required)).toEqual({
      '/automation/pause': true,
      '/automation/resume': true,
      '/case-task': true,
      '/cases': true,
      '/cases/{caseId}/close': false,
      '/cases/{caseId}/suspend': false,
      '/cases/{caseId}/reopen': false,
      '/cases/{caseId}/notes': true,
      '/cases/{caseId}/erase': true,
      '/reviews/{taskId}/claim': false,
      '/reviews/{taskId}/decide': true,
      '/reviews/{taskId}/outcome': true,
      '/reviews/{taskId}/release': false,
    });
  });

  it('declares problem documents for every operation', () => {
    for (const operations of Object.values(service.document.paths)) {
      for (const { responses } of Object.values(operations)) {
        const problems = Object.entries(responses).filter(([status]) => !status.startsWith('2'));
        expect(problems.map(([status]) => status)).toEqual(
          expect.arrayContaining(['403', '421', '503', 'default']),
        );
        for (const [, { content }] of problems) {
          expect(content).toEqual({
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
          });
        }
      }
    }
  });
});

describe('every answer', () => {
  it.each(['/healthz', '/cases/C4040', '/nowhere', '/cases/%'])(
    '%s carries the headers of safety',
    async (url) => {
      expect((await inject(url)).headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
    },
  );

  it('is logged with the id that it carries', async () => {
    const { headers } = await inject('/cases/C4040');
    const lines = service
      .logged()
      .split('\n')
      .filter((line) => line.includes(String(headers['x-request-id'])));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { method: 'GET', route: '/cases/:caseId', status: 404, msg: 'request answered' },
    ]);
  });
});

describe('/docs', () => {
  const POLICY =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  it.each(['/docs', '/docs/'])('%s is a page that its Content-Security-Policy lets work', async (page) => {
    const { statusCode, headers, payload } = await inject(page);
    expect(statusCode).toBe(200);
    expect(headers['content-security-policy']).toBe(POLICY);
    // Nothing inline, which the policy would stop.
    expect(payload).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/i);
    const assets = [...payload.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url);
    expect(assets.length).toBeGreaterThan(5);
    for (const asset of assets) {
      const url = new URL(asset, `http://localhost${page}`);
      expect(url.origin).toBe('http://localhost');
      const found = await inject(url.pathname);
      expect([asset, found.statusCode]).toEqual([asset, 200]);
      expect(found.headers['content-security-policy']).toBe(POLICY);
    }
  });

  it('sends nothing about this service anywhere', async () => {
    const { payload } = await inject('/docs/static/swagger-initializer.js');
    expect(payload).toContain('validatorUrl: null');
    expect(payload).not.toMatch(/https?:\/\/(?!stackoverflow\.com)/);
    expect((await inject('/docs/json')).json()).toEqual(service.document);
  });
});
