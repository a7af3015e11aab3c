import { randomBytes } from 'node:crypto';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { buildApp } from '../../src/api/app.ts';
import { createPositionTokens } from '../../src/api/positions.ts';
import type { Authenticate } from '../../src/auth/authenticate.ts';
import { createAutomation } from '../../src/commands/automation.ts';
import { createCaseStore } from '../../src/commands/caseStore.ts';
import { createSources } from '../../src/commands/sources.ts';
import { createTaskRunner } from '../../src/commands/taskRunner.ts';
import { ORCHESTRATOR } from '../../src/domain/actors.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { codec } from '../../src/eventstore/codec.ts';
import { identifyLog } from '../../src/eventstore/identity.ts';
import { createEventLog } from '../../src/eventstore/log.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import {
  type EventStore,
  type ReadEvent,
  type StoredEvent,
  StoreUnavailableError,
} from '../../src/eventstore/port.ts';
import { createMakeEvidence } from '../../src/evidence/makeEvidence.ts';
import { createMemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import { project } from '../../src/projections/projector.ts';
import { fingerprintOf, READ_MODELS } from '../../src/projections/readModels.ts';
import { queueReadings } from '../../src/projections/reviewQueries.ts';
import type { VerificationReport } from '../../src/replay/report.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { parseTrustedKeys, type SigningKey } from '../../src/seals/keys.ts';
import { sealNow } from '../../src/seals/sealer.ts';
import { createMemoryKeyStore } from '../../src/vault/memory.ts';
import { createVault } from '../../src/vault/vault.ts';
import { playbook, policy } from './builders.ts';
import { createMemoryReadModels } from './memoryReadModels.ts';
import { createOpenApiCheck, type OpenApiDocument } from './openapi.ts';
import { modelSays, scriptedBackend, scriptedRecommender, succeeded } from './scripted.ts';

export type TestAppOptions = {
  /** What the recommender answers; without it a decision that the default policy executes. */
  readonly model?: Parameters<typeof scriptedRecommender>[0];
  /** What the backends answer; without it success. */
  readonly backend?: Parameters<typeof scriptedBackend>[1];
  /** A candidate beside the default policy; without it none. */
  readonly shadow?: Policy;
  readonly waitMs?: number;
  readonly maxInFlight?: number;
  readonly allowedHosts?: readonly string[];
  /** Without it nobody is authenticated. */
  readonly authenticate?: Authenticate;
  readonly requestsPerMinute?: number;
  readonly trustedProxies?: readonly string[];
  /** What the last verification has found; without it none ever ran. */
  readonly verification?: VerificationReport;
  /** Signs seals and evidence; without it nothing is sealed. */
  readonly signingKey?: SigningKey;
  /** A log that is there before the service starts, with the keys of its cases in base64. */
  readonly log?: {
    readonly events: readonly (StoredEvent & { readonly stream: string; readonly revision: number })[];
    readonly keys: Readonly<Record<string, string>>;
  };
};

/** The real HTTP service over parts in memory. */
export type TestApp = {
  readonly app: FastifyInstance;
  /** Sends a request without a socket; every answer is held against the OpenAPI document. */
  readonly send: (request: InjectOptions & { readonly url: string }) => Promise<LightMyRequestResponse>;
  readonly get: (url: string) => Promise<LightMyRequestResponse>;
  readonly post: (
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<LightMyRequestResponse>;
  readonly document: OpenApiDocument;
  /** Every event that was recorded, in order. */
  readonly events: () => Promise<ReadEvent[]>;
  /** While set, the store cannot be reached for what it names; `fault` is one of our own, in whatever it does. */
  readonly outage: { of: 'append' | 'read' | 'fault' | null };
  /** Everything that was logged, at level trace. */
  readonly logged: () => string;
  readonly logId: string;
  readonly close: () => Promise<void>;
};

const MOST_EVENTS = 100_000;

export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });
  const clock = systemClock;
  const shutdown = new AbortController();
  const memory = createMemoryEventStore();
  const keyStore = createMemoryKeyStore();
  for (const { stream, revision, id, type, data, metadata } of options.log?.events ?? [])
    await memory.append(stream, revision - 1, [{ id, type, data, metadata }]);
  for (const [caseId, key] of Object.entries(options.log?.keys ?? {}))
    await keyStore.findOrCreate(caseId, Buffer.from(key, 'base64'));
  const outage: TestApp['outage'] = { of: null };
  const store = withOutages(memory, outage);

  const log = createEventLog(store, uuidv7);
  const { shadow = null } = options;
  const logId = await identifyLog(log, ORCHESTRATOR, uuidv7(), clock.now());
  const sources = createSources(log);
  await sources.register({ policy, shadow, playbook }, clock.now());
  const vault = createVault(keyStore, randomBytes);
  const metrics = createMetrics({ warn: () => {} });
  const cases = createCaseStore(log, clock, metrics.observer, shutdown.signal);
  const automation = createAutomation(log, clock, {
    INTENT: Object.keys(playbook.intents),
    BACKEND: Object.keys(playbook.backends),
  });
  const driving = {
    cases,
    automation,
    vault,
    policy,
    shadow,
    playbook,
    clock,
    newId: uuidv7,
    observer: metrics.observer,
    shutdown: shutdown.signal,
    ending: shutdown.signal,
    recommender: scriptedRecommender(options.model ?? (() => modelSays())),
    backends: new Map(
      Object.keys(playbook.backends).map((route) => [
        route,
        scriptedBackend(route, options.backend ?? (() => succeeded)),
      ]),
    ),
  };
  const runner = createTaskRunner(driving, logger);

  const rowStore = createMemoryRowStore();
  const readModels = createMemoryReadModels(rowStore, clock);
  const projector = {
    codec,
    rowStore,
    projections: READ_MODELS,
    logId,
    fingerprint: fingerprintOf('memory'),
    clock,
  };
  const { signingKey: key = null } = options;
  const trusted = key ? parseTrustedKeys(key.publicKey) : new Map();
  const sealing = { store, logId, actor: ORCHESTRATOR, trusted, anchor: null, newId: uuidv7, clock };
  const projected = project({ ...projector, store: memory, onCommit: readModels.committed }, shutdown.signal);

  const app = await buildApp(
    {
      cases,
      vault,
      sources,
      automation,
      runner,
      reviewing: { ...driving, runner },
      policy,
      shadow,
      playbook,
      store,
      readModels,
      projections: () => ({ leads: true, stopped: null, parked: 0 }),
      lastVerification: async () => options.verification ?? null,
      evidence:
        key &&
        createMakeEvidence({ store, logId, vault, clock, sealNow: () => sealNow({ ...sealing, key }) }, key),
      positions: createPositionTokens(logId),
      clock,
      waitMs: options.waitMs ?? 5_000,
      maxInFlight: options.maxInFlight ?? 100,
      metrics: () =>
        metrics.scrape({
          tasksInFlight: runner.inFlight,
          projectionLag: async () => 0,
          parkedCases: readModels.parkedCases,
          pauses: async () => (await automation.current()).pauses.length,
          queues: async () => queueReadings(policy, await readModels.reviewCounts(clock.now())),
          seals: async () => null,
          verification: async () => null,
        }),
    },
    {
      logger,
      newRequestId: uuidv7,
      allowedHosts: options.allowedHosts ?? [],
      version: '0.0.0-test',
      authenticate: options.authenticate ?? null,
      requestsPerMinute: options.requestsPerMinute ?? 0,
      trustedProxies: options.trustedProxies ?? [],
    },
  );
  await app.ready();
  const document = app.swagger() as unknown as OpenApiDocument;
  const expectMatchesOpenApi = createOpenApiCheck(document);

  const send: TestApp['send'] = async ({ headers, ...request }) => {
    const answer = await app.inject({ ...request, headers: { host: 'localhost', ...headers } });
    expectMatchesOpenApi({
      method: request.method ?? 'GET',
      url: request.url,
      statusCode: answer.statusCode,
      headers: answer.headers,
      payload: answer.payload,
    });
    return answer;
  };

  return {
    app,
    send,
    get: (url) => send({ method: 'GET', url }),
    post: (url, body, headers = {}) =>
      send(
        body === undefined
          ? { method: 'POST', url, headers }
          : {
              method: 'POST',
              url,
              headers: { 'content-type': 'application/json', ...headers },
              payload: typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body),
            },
      ),
    document,
    events: () => memory.readAll(null, MOST_EVENTS),
    outage,
    logged: () => lines.join(''),
    logId,
    close: async () => {
      shutdown.abort();
      await app.close();
      await projected;
      await memory.close();
    },
  };
}

function withOutages(store: EventStore, outage: TestApp['outage']): EventStore {
  const unlessOut =
    <A extends readonly unknown[], R>(of: 'append' | 'read', work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (outage.of === of) throw new StoreUnavailableError('The event store did not answer: TEST', null);
      if (outage.of === 'fault') throw new Error('an invariant is broken');
      return work(...args);
    };
  return {
    ...store,
    append: unlessOut('append', store.append),
    readStream: unlessOut('read', store.readStream),
    lastPosition: unlessOut('read', store.lastPosition),
    ping: unlessOut('read', store.ping),
  };
}

/** The sample case, as a body of POST /cases. */
export const newCase = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  caseId: 'C1001',
  priority: 'MEDIUM',
  lastErrorType: 'TIMEOUT',
  retryCount: 1,
  ...changes,
});

/** The sample task, as a body of POST /case-task. */
export const newTask = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  case_id: 'C1001',
  description: 'Partner API failed again with timeout, please retry for policy 4711',
  channel: 'SYSTEM',
  user_role: 'OPS',
  ...changes,
});
