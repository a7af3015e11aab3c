import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../simulation/random.ts';
import { type EffectBackend, type Fate, startEffectBackend } from '../support/effectBackend.ts';
import { startTextModel, type TextModel } from '../support/textModel.ts';
import { createJournal, type Journal } from './journal.ts';
import { type OwnPostgres, startOwnPostgres } from './ownPostgres.ts';
import { openSlot, type Slot } from './slot.ts';
import { decisionAbout, type Pace, playbookText, policyText } from './sources.ts';

/** Everything that a run consists of: two services, their Postgres, and what they call. */
export type Stage = {
  readonly postgres: OwnPostgres;
  readonly slots: readonly [Slot, Slot];
  readonly model: TextModel;
  readonly backend: EffectBackend;
  readonly journal: Journal;
  /** Where the services' own logs are. */
  readonly logs: string;
  /** Starts Postgres again where it is down, and leads the services to it. */
  readonly raisePostgres: () => Promise<void>;
  /** Ends every process and server. Keeps the folder, with logs and data, if told to. */
  readonly close: (keep?: boolean) => Promise<void>;
};

/** How likely each fate of a call is, out of a hundred. */
const FATES: Readonly<Record<Fate, number>> = {
  done: 76,
  doneSlowly: 5,
  doneLate: 2,
  doneThenError: 3,
  doneThenClosed: 3,
  doneThenSilent: 1,
  failed: 3,
  refused: 4,
  closed: 3,
};
const MISHAPS = { none: 95, unavailable: 2, limited: 1, reset: 1, nonsense: 1 } as const;

/** @param say takes a line about each fault and violation */
export async function openStage(random: Random, pace: Pace, say: (line: string) => void): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'case-orchestrator-faults-'));
  await chmod(folder, 0o711);
  const logs = join(folder, 'logs');
  await mkdir(logs);
  const journal = createJournal(say);
  const [postgres, backend, model] = await Promise.all([
    startOwnPostgres(join(folder, 'data')),
    startBackend(random.fork('backend'), pace),
    startModel(random.fork('model')),
  ]);
  const playbook = join(folder, 'playbook.yaml');
  const policy = join(folder, 'policy.yaml');
  await writeFile(playbook, playbookText(backend.url, pace));
  await writeFile(policy, policyText(pace));

  const open = (name: string): Promise<Slot> =>
    openSlot({
      name,
      logs,
      env: (link) => {
        if (postgres.isUp()) link.leadTo(postgres.port());
        return {
          DATABASE_URL: link.url(databaseUrl),
          PLAYBOOK: playbook,
          POLICY: policy,
          RECOMMENDER: 'openai',
          OPENAI_API_KEY: 'sk-test-not-a-key',
          OPENAI_BASE_URL: `${model.url}/v1`,
          MODEL_TIMEOUT_MS: String(pace.modelTimeout),
        };
      },
      onCrash: (incarnation, served, said) => {
        // Without its database no process starts; that is said, and it is started again.
        if (!served && journal.isAnythingWrong()) return;
        const rule = served ? 'a process ends only when killed' : 'a process starts while all is well';
        journal.violate(rule, `${name}-${incarnation}`, said);
      },
    });
  const databaseUrl = postgres.url();
  const slots = await Promise.all([open('A'), open('B')]);

  return {
    postgres,
    slots,
    model,
    backend,
    journal,
    logs,
    raisePostgres: async () => {
      await postgres.start();
      for (const { link } of slots) link.leadTo(postgres.port());
    },
    close: async (keep = false) => {
      await Promise.all(slots.map((slot) => slot.end()));
      await Promise.all([model.refuse(), backend.refuse(), postgres.stop()]);
      if (!keep) await rm(folder, { recursive: true, force: true });
    },
  };
}

const startBackend = (random: Random, { backendTimeout }: Pace): Promise<EffectBackend> =>
  startEffectBackend({
    fateOf: () => random.weighted(FATES),
    takes: (how) => {
      if (how === 'usual') return random.between(10, 150);
      if (how === 'slow')
        return random.between(Math.round(backendTimeout * 0.3), Math.round(backendTimeout * 0.8));
      return backendTimeout + random.between(100, 1_500);
    },
  });

const startModel = (random: Random): Promise<TextModel> =>
  startTextModel({
    decide: decisionAbout,
    mishap: () => {
      const mishap = random.weighted(MISHAPS);
      return mishap === 'none' ? null : mishap;
    },
    takes: () => random.between(100, 700),
  });
