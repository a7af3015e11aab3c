import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { EffectRoute } from '../support/effectBackend.ts';
import type { LinkTrouble } from '../support/postgresLink.ts';
import type { FaultKind } from './journal.ts';
import { killPostgres, killService } from './kills.ts';
import type { Slot } from './slot.ts';
import type { Stage } from './stage.ts';

/** A fault, or several at once, from its beginning to the moment when nothing of it is left. */
export type Action = {
  /** What it takes for itself: two actions that need the same are not done at one time. */
  readonly needs: readonly string[];
  readonly run: () => Promise<void>;
};

/** @param scale by which every duration is multiplied */
export type ActionParts = { readonly stage: Stage; readonly random: Random; readonly scale: number };

type Maker = (parts: ActionParts) => Action;

/** Every action, with how often it is chosen in relation to the others. */
export const WEIGHTS = {
  killProcess: 6,
  killBothProcesses: 1,
  killPostgres: 5,
  killPostgresAndProcess: 3,
  killEverything: 2,
  freeze: 4,
  cut: 2,
  silenceThenCut: 2,
  silenceThenDelivery: 2,
  loseAnswers: 2,
  failWrites: 2,
  turnAway: 2,
  modelDown: 2,
  backendDown: 3,
} as const;
export type ActionName = keyof typeof WEIGHTS;

const POSTGRES = 'Postgres';
const linkOf = ({ name }: Slot): string => `link ${name}`;
const EVERY_LINK = ['link A', 'link B'];
const names = (slots: readonly Slot[]): string[] => slots.map(({ name }) => name);

const MAKERS: Readonly<Record<ActionName, Maker>> = {
  killProcess: ({ stage, random, scale }) => {
    const slot = random.pick(stage.slots);
    return { needs: [slot.name], run: () => killService(stage, slot, restartAfter(random, scale)) };
  },
  killBothProcesses: ({ stage, random, scale }) => ({
    needs: names(stage.slots),
    run: () => all(stage.slots.map((slot) => killService(stage, slot, restartAfter(random, scale)))),
  }),
  killPostgres: ({ stage, random, scale }) => ({
    needs: [POSTGRES],
    run: () => killPostgres(stage, restartAfter(random, scale)),
  }),
  killPostgresAndProcess: ({ stage, random, scale }) => {
    const slot = random.pick(stage.slots);
    return {
      needs: [POSTGRES, slot.name],
      run: () =>
        all([
          killPostgres(stage, restartAfter(random, scale)),
          killService(stage, slot, restartAfter(random, scale)),
        ]),
    };
  },
  killEverything: ({ stage, random, scale }) => ({
    needs: [POSTGRES, ...names(stage.slots)],
    run: () =>
      all([
        killPostgres(stage, restartAfter(random, scale)),
        ...stage.slots.map((slot) => killService(stage, slot, restartAfter(random, scale))),
      ]),
  }),
  freeze: ({ stage, random, scale }) => {
    const slot = random.pick(stage.slots);
    return {
      needs: [slot.name],
      run: during(stage, 'process frozen', slot.name, async () => {
        // Mostly long enough to be taken for dead, at times only long enough to be late.
        const [least, most] = random.chance(0.3) ? [500, 3_000] : [3_000, 10_000];
        await slot.freeze(scale * random.between(least, most));
      }),
    };
  },
  cut: (parts) => onOneLink(parts, 'connections cut', { kind: 'cut' }, [200, 3_000]),
  silenceThenCut: (parts) => onOneLink(parts, 'silence, then cut', { kind: 'silent' }, [2_000, 8_000]),
  silenceThenDelivery: (parts) =>
    onOneLink(parts, 'silence, then all is delivered', { kind: 'silent' }, [2_000, 8_000], 'deliver'),
  loseAnswers: (parts) => {
    const chance = parts.random.fork('answers');
    const trouble: LinkTrouble = { kind: 'answersLost', loses: () => chance.chance(0.3) };
    return onOneLink(parts, 'answers lost', trouble, [2_000, 4_000]);
  },
  failWrites: (parts) =>
    parts.random.chance(0.5)
      ? onBothLinks(parts, 'disk full (53100)', { kind: 'writesFail', sqlstate: '53100' })
      : onBothLinks(parts, 'read-only (25006)', { kind: 'writesFail', sqlstate: '25006' }),
  turnAway: (parts) =>
    parts.random.chance(0.5)
      ? onBothLinks(parts, 'too many connections (53300)', turnedAway('53300', '57P01'))
      : onBothLinks(parts, 'shutting down (57P01, 57P03)', turnedAway('57P03', '57P01')),
  modelDown: ({ stage, random, scale }) => ({
    needs: ['model'],
    run: during(stage, 'model down', 'model', async () => {
      const how = random.pick(['unavailable', 'limited', 'reset', 'stall', 'nonsense', 'refused'] as const);
      if (how === 'refused') await stage.model.refuse();
      else stage.model.outage = how;
      await sleep(scale * random.between(2_000, 5_000));
      stage.model.outage = null;
      await stage.model.accept();
    }),
  }),
  backendDown: ({ stage, random, scale }) => {
    const route = random.pick(['partner', 'core', 'both'] as const);
    return {
      needs: ['backend'],
      run: during(stage, 'backend down', route, async () => {
        await takeDown(stage, random, route);
        await sleep(scale * random.between(2_000, 5_000));
        Object.assign(stage.backend.outage, { partner: null, core: null });
        await stage.backend.accept();
      }),
    };
  },
};

/** Makes an action of this kind: what it hits, how and for how long is drawn from `random`. */
export const makeAction = (name: ActionName, parts: ActionParts): Action => MAKERS[name](parts);

/** At once, or after a while. */
const restartAfter = (random: Random, scale: number): number =>
  random.chance(0.5) ? 0 : scale * random.between(300, 3_000);

const turnedAway = (sqlstate: string, goodbye: string): LinkTrouble => ({
  kind: 'turnedAway',
  sqlstate,
  goodbye,
});

async function takeDown({ backend }: Stage, random: Random, which: EffectRoute | 'both'): Promise<void> {
  const how = random.pick(['unavailable', 'reset', 'stall', 'refused'] as const);
  if (how === 'refused') return backend.refuse();
  for (const route of ['partner', 'core'] as const) {
    if (which === route || which === 'both') backend.outage[route] = how;
  }
}

function onOneLink(
  { stage, random, scale }: ActionParts,
  kind: FaultKind,
  trouble: LinkTrouble,
  [least, most]: readonly [number, number],
  held: 'deliver' | 'cut' = 'cut',
): Action {
  const slot = random.pick(stage.slots);
  return {
    needs: [linkOf(slot)],
    run: during(stage, kind, linkOf(slot), async () => {
      await slot.link.disturb(trouble);
      await sleep(scale * random.between(least, most));
      await slot.link.heal(held);
    }),
  };
}

/** What the database itself says, it says to everybody. */
function onBothLinks({ stage, random, scale }: ActionParts, kind: FaultKind, trouble: LinkTrouble): Action {
  return {
    needs: EVERY_LINK,
    run: during(stage, kind, POSTGRES, async () => {
      await all(stage.slots.map(({ link }) => link.disturb(trouble)));
      await sleep(scale * random.between(1_000, 4_000));
      await all(stage.slots.map(({ link }) => link.heal()));
    }),
  };
}

const during =
  ({ journal }: Stage, kind: FaultKind, target: string, work: () => Promise<void>) =>
  async (): Promise<void> => {
    const ended = journal.begin(kind, target);
    await work();
    ended();
  };

const all = async (works: readonly Promise<void>[]): Promise<void> => {
  await Promise.all(works);
};
