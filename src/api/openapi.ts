import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { permissionOf } from './permissions.ts';
import { DOCS_CONTENT_SECURITY_POLICY } from './responseHeaders.ts';

/**
 * The contract at /openapi.json and a page for people at /docs. To be registered before any route.
 *
 * @param authenticated whether callers are, and the contract says how
 */
export async function registerOpenApi(
  app: FastifyInstance,
  version: string,
  authenticated: boolean,
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Case orchestrator',
        version,
        description:
          'A model recommends, versioned guardrails decide, people take over, and every fact is an event.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      // Where nobody is authenticated the contract says so.
      security: [],
      ...(authenticated ? { components: { securitySchemes: { bearer: BEARER } } } : {}),
      tags: [
        { name: 'tasks', description: 'Requests to do something about a case' },
        { name: 'reviews', description: 'The manual queue' },
        { name: 'cases', description: 'Cases and their histories' },
        { name: 'audit', description: 'What became of each task' },
        { name: 'policy', description: 'What may be executed without a person' },
        { name: 'operations', description: 'Health and metrics' },
      ],
    },
    transform: authenticated ? withSecurity : jsonSchemaTransform,
    transformObject: (document) => tidied(jsonSchemaTransformObject(document)),
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCS_CONTENT_SECURITY_POLICY,
    uiConfig: { docExpansion: 'list', layout: 'BaseLayout' },
    theme: { title: 'Case orchestrator' },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

const BEARER = {
  type: 'http',
  scheme: 'bearer',
  description: 'An API key, or a token of the OpenID provider that this service believes',
} as const;

/** Adds to each operation which scope it needs. */
const withSecurity: typeof jsonSchemaTransform = (input) => {
  const { schema, url } = jsonSchemaTransform(input);
  const permission = permissionOf([input.route.method].flat()[0] ?? '', input.route.url);
  const security = permission === 'anybody' ? [] : [{ bearer: [permission] }];
  return { schema: { ...schema, security }, url };
};

type OpenApi = ReturnType<typeof jsonSchemaTransformObject>;
type Schemas = Record<string, { readonly default?: unknown }>;
type Operation = {
  requestBody?: { required: boolean; content: Record<string, { schema?: { $ref?: string } }> };
};

const SCHEMA_REFERENCE = /#\/components\/schemas\/([^"/]+)/g;

/** Mends what the generator cannot know: which schemas are used at all, and which bodies may be left out. */
function tidied(document: OpenApi): OpenApi {
  const { components, paths = {} } = document as {
    components?: { schemas?: Schemas };
    paths?: Record<string, Record<string, Operation>>;
  };
  const schemas = components?.schemas ?? {};
  for (const { requestBody } of Object.values(paths).flatMap((path) => Object.values(path))) {
    if (!requestBody) continue;
    const [name = ''] = referencesIn(requestBody);
    requestBody.required = schemas[name]?.default === undefined;
  }
  const used = reachable(paths, schemas);
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  return { ...document, components: { ...components, schemas: kept } } as OpenApi;
}

const referencesIn = (part: unknown): string[] =>
  [...JSON.stringify(part).matchAll(SCHEMA_REFERENCE)].map(([, name = '']) => name);

/** Every schema is made in two shapes, for what comes in and for what goes out; most are used in one. */
function reachable(part: unknown, schemas: Schemas, found = new Set<string>()): Set<string> {
  for (const name of referencesIn(part)) {
    if (found.has(name)) continue;
    found.add(name);
    reachable(schemas[name], schemas, found);
  }
  return found;
}
