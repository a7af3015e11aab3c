import type { LightMyRequestResponse } from 'fastify';
import { expect } from 'vitest';
import { createTestApp, newCase, type TestApp, type TestAppOptions } from '../support/app.ts';

/** What a refusal tells, as far as clients act on it. */
export type Refusal = {
  readonly status: number;
  readonly code: string;
  readonly errors: readonly { readonly field: string; readonly message: string }[] | undefined;
};

export type RefusingApp = TestApp & {
  /** What the answer refuses with; throws when anything was written since the sample case. */
  readonly refused: (answer: Pick<LightMyRequestResponse, 'payload'>) => Promise<Refusal>;
};

/** The service with the sample case and nothing else, which its tests must not add to. */
export async function createRefusingApp(options: TestAppOptions = {}): Promise<RefusingApp> {
  const service = await createTestApp(options);
  expect((await service.post('/cases', newCase())).statusCode).toBe(201);
  const before = await service.events();
  return {
    ...service,
    refused: async ({ payload }) => {
      expect(await service.events()).toEqual(before);
      const { status, code, type, errors } = JSON.parse(payload);
      expect(type).toBe(`urn:case-orchestrator:problem:${code.toLowerCase().replaceAll('_', '-')}`);
      return { status, code, errors };
    },
    close: async () => {
      await service.close();
      // No refusal is a fault of the service.
      expect(service.logged()).not.toContain('"level":50');
    },
  };
}

/** The refusal of one bad field. */
export const invalid = (field: string, message: string): Refusal => ({
  status: 400,
  code: 'INVALID_INPUT',
  errors: [{ field, message }],
});
