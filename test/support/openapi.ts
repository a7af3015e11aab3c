import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { LightMyRequestResponse } from 'fastify';
import { expect } from 'vitest';

/** An OpenAPI document, as far as tests look into it. */
export type OpenApiDocument = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
};
type Operation = {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, unknown>> };
};

/** One answer, with the request that it answers. */
export type Exchange = Pick<LightMyRequestResponse, 'statusCode' | 'headers' | 'payload'> & {
  readonly method: string;
  readonly url: string;
};

/** Holds an answer against the contract: status, media type and body are declared for that operation. Throws like `expect`. */
export type ExpectMatchesOpenApi = (exchange: Exchange) => void;

const ROOT = 'openapi';

/** A check of answers against a document; each schema is compiled once. */
export function createOpenApiCheck(document: OpenApiDocument): ExpectMatchesOpenApi {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(document, ROOT);
  const validate = (pointer: string, body: unknown): void => {
    const schema = `${ROOT}#${pointer}`;
    const check = ajv.getSchema(schema);
    if (!check) throw new Error(`the document has no schema at ${pointer}`);
    expect(check(body) ? [] : check.errors, `the answer against ${pointer}`).toEqual([]);
  };

  return ({ method, url, statusCode, headers, payload }) => {
    const mediaType = String(headers['content-type']).split(';', 1)[0] ?? '';
    const body: unknown = mediaType.endsWith('json') ? JSON.parse(payload) : payload;
    if (statusCode >= 400) expectProblem(statusCode, mediaType, body);
    const path = pathOf(document, url.split('?', 1)[0] ?? '');
    const operation = document.paths[path]?.[method.toLowerCase()];
    if (!operation) {
      // No route, or not this method: all that can be said is that it is a problem document.
      expect([400, 403, 404, 405, 421]).toContain(statusCode);
      validate('/components/schemas/Problem', body);
      return;
    }
    const status = String(statusCode) in operation.responses ? String(statusCode) : 'default';
    expect(
      Object.keys(operation.responses[status]?.content ?? {}),
      `${method} ${path} answering ${statusCode}`,
    ).toContain(mediaType);
    const at = ['paths', path, method.toLowerCase(), 'responses', status, 'content', mediaType, 'schema'];
    validate(at.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''), body);
  };
}

function expectProblem(status: number, mediaType: string, body: unknown): void {
  expect(mediaType).toBe('application/problem+json');
  expect(body).toMatchObject({
    type: expect.stringMatching(/^urn:case-orchestrator:problem:[a-z-]+$/),
    title: expect.any(String),
    status,
    code: expect.stringMatching(/^[A-Z_]+$/),
  });
}

function pathOf(document: OpenApiDocument, path: string): string {
  const given = path.split('/');
  const fits = (template: string): boolean => {
    const parts = template.split('/');
    return (
      parts.length === given.length && parts.every((part, i) => part.startsWith('{') || part === given[i])
    );
  };
  return Object.keys(document.paths).find(fits) ?? '';
}
