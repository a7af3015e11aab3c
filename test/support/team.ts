import { systemClock } from '../../src/runtime/clock.ts';
import { configText } from './builders.ts';
import { createTestDatabase } from './database.ts';
import { type EventStreamClient, openEventStream } from './eventStream.ts';
import { createPerson, type KeyOwner, makeKeys, type Person } from './people.ts';
import { askingModel, httpPlaybook, startTestService, type TestService } from './service.ts';
import { type StubBackend, startStubBackend } from './stubBackend.ts';
import { type StubModel, startStubModel } from './stubModel.ts';

const OWNERS = {
  clerk: { actor: 'clerk', roles: ['OPS'], scopes: ['submit', 'cases', 'read'] },
  ann: { actor: 'ann', roles: ['OPS'], scopes: ['submit', 'read', 'review'] },
  ben: { actor: 'ben', roles: ['OPS', 'SUPERVISOR'], scopes: ['read', 'review', 'operate'] },
  auditor: { actor: 'auditor', roles: [], scopes: ['read'] },
} satisfies Record<string, KeyOwner>;

type TeamMember = keyof typeof OWNERS;

/** A team of people at work on a service over Postgres, with a clock that can be put forward. */
export type Team = Readonly<Record<TeamMember, Person>> & {
  readonly service: TestService;
  readonly databaseUrl: string;
  readonly model: StubModel;
  readonly backend: StubBackend;
  /** GET /live, open since the beginning. */
  readonly live: EventStreamClient;
  /** Lets so many minutes pass by the wall clock. */
  readonly minutesPass: (minutes: number) => void;
  readonly stop: () => Promise<void>;
};

/**
 * Starts the service with authentication, its model and its backends (which do not promise to do nothing twice), and gives everybody a
 * key.
 *
 * @param start when the day begins, ISO 8601
 */
export async function startTeam(start: string): Promise<Team> {
  const [database, model, backend] = await Promise.all([
    createTestDatabase('team'),
    startStubModel(),
    startStubBackend(),
  ]);
  let aheadMs = Date.parse(start) - Date.now();
  const now = (): string => new Date(Date.now() + aheadMs).toISOString();
  const service = await startTestService({
    databaseUrl: database.url,
    playbook: httpPlaybook(backend.url, { idempotent: false }),
    // Longer than a slow machine takes to look: retries fall due when a test says so.
    policy: configText('policy.yaml').replace('firstPauseSeconds: 2', 'firstPauseSeconds: 60'),
    env: { ...askingModel(model), AUTHENTICATION: 'keys' },
    overrides: { clock: { ...systemClock, now } },
  });
  const names = Object.keys(OWNERS) as TeamMember[];
  const keys = await makeKeys(
    database.url,
    names.map((name) => OWNERS[name]),
    start,
  );
  const people = Object.fromEntries(
    names.map((name, n) => [name, createPerson(service.url, name, keys[n] ?? '')]),
  ) as Record<TeamMember, Person>;
  const authorization = `Bearer ${keys[names.indexOf('auditor')]}`;
  const live = await openEventStream(`${service.url}/live`, { authorization });
  return {
    ...people,
    service,
    databaseUrl: database.url,
    model,
    backend,
    live,
    minutesPass: (minutes) => {
      aheadMs += minutes * 60_000;
    },
    stop: async () => {
      live.close();
      await service.stop();
      await Promise.all([model.stop(), backend.stop()]);
      await database.drop();
    },
  };
}
