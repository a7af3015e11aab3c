import { runToEnd } from '../support/childService.ts';
import { createTestDatabase } from '../support/database.ts';
import { query } from '../support/embedded.ts';
import { createPerson, type KeyOwner, makeKeys, type Person } from '../support/people.ts';
import { askingModel, httpPlaybook, startTestService, type TestService } from '../support/service.ts';
import { startStubBackend } from '../support/stubBackend.ts';
import { type StubModel, startStubModel } from '../support/stubModel.ts';

/** Two processes of the service on one database, with authentication, a stub model and stub backends. */
export type TwoServices = {
  readonly url: string;
  readonly model: StubModel;
  readonly services: readonly [TestService, TestService];
  /** The owner of a key, by place among the owners, who calls the first process or the second. */
  readonly person: (index: number, service?: 0 | 1) => Person;
  /** Runs a command of src/cli to its end, beside both. */
  readonly command: (file: string, ...args: string[]) => ReturnType<typeof runToEnd>;
  /** The key of a case in hexadecimal; empty where there is none. */
  readonly keyOf: (caseId: string) => Promise<string>;
  /** Every row of every read model. */
  readonly readModels: () => Promise<unknown[][]>;
  readonly stop: () => Promise<void>;
};

export async function startTwoServices(owners: readonly KeyOwner[]): Promise<TwoServices> {
  const [database, model, backend] = await Promise.all([
    createTestDatabase('two services'),
    startStubModel(),
    startStubBackend(),
  ]);
  const { url } = database;
  const options = {
    databaseUrl: url,
    playbook: httpPlaybook(backend.url),
    env: { ...askingModel(model), AUTHENTICATION: 'keys' },
  };
  const services = [await startTestService(options), await startTestService(options)] as const;
  const keys = await makeKeys(url, owners);
  return {
    url,
    model,
    services,
    person: (index, service = 0) =>
      createPerson(services[service].url, owners[index]?.actor ?? '', keys[index] ?? ''),
    command: (file, ...args) => runToEnd([`src/cli/${file}.ts`, ...args], { DATABASE_URL: url }),
    keyOf: async (caseId) => {
      const statement = `select encode(key, 'hex') as key from vault.case_keys where case_id = '${caseId}'`;
      const [found] = (await query(url, statement)) as { readonly key: string }[];
      return found?.key ?? '';
    },
    readModels: () =>
      Promise.all(
        ['cases', 'tasks', 'audit_log', 'reviews'].map((table) =>
          query(url, `select to_jsonb(t) as row from readmodel.${table} t order by 1`),
        ),
      ),
    stop: async () => {
      await Promise.all(services.map((service) => service.stop()));
      await Promise.all([model.stop(), backend.stop()]);
      await database.drop();
    },
  };
}
