import { performance } from 'node:perf_hooks';
import { createHttpBackend, type HttpBackendOptions } from '../../src/backends/http.ts';
import type { Backend, BackendCall } from '../../src/backends/port.ts';
import type { HttpBackendSpec } from '../../src/domain/playbook.ts';

/** A call with every field set, and no deadline but the backend's time-out. */
export const CALL: BackendCall = {
  actionId: 'action-1',
  idempotencyKey: 'key-1',
  caseId: 'C1001',
  taskId: 'C1001~0123',
  intent: 'RETRY_EXTERNAL_CALL',
  attempt: 1,
  attributes: { policy: '4711', amount: 12.5, urgent: true },
  deadlineMs: Number.POSITIVE_INFINITY,
};

/** An http entry of a playbook with the playbook's defaults; `url` is all that has to be said. */
export const specOf = (changes: Partial<HttpBackendSpec> & { readonly url: string }): HttpBackendSpec => ({
  kind: 'http',
  method: 'POST',
  headers: {},
  idempotent: false,
  timeoutMs: 200,
  concurrency: 8,
  success: [200, 201, 202, 204],
  failure: [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429],
  allowPrivateHosts: ['127.0.0.1', 'localhost', 'partner.test'],
  breaker: { failures: 5, openMs: 10_000 },
  ...changes,
});

/** An http backend for route PARTNER_API without secrets. */
export const backendOf = (spec: HttpBackendSpec, changes: Partial<HttpBackendOptions> = {}): Backend =>
  createHttpBackend({
    route: 'PARTNER_API',
    spec,
    clock: { monotonicMs: () => performance.now() },
    resolveSecret: () => undefined,
    ...changes,
  });
