import { createMemoryCoordination } from '../../src/coordination/memory.ts';
import { ALIVE_MS } from '../../src/coordination/port.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { createMemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import { type Clients, createClients } from './clients.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { createKeyRing } from './keyRing.ts';
import { watchAttendance } from './oracle/attendance.ts';
import { isAtRest } from './oracle/ledger.ts';
import { createOracle, type Oracle } from './oracle/oracle.ts';
import { askAgain } from './oracle/repeats.ts';
import { createOutside } from './outside.ts';
import { createRandom, type Random } from './random.ts';
import { rebuildReadModels } from './rebuilding.ts';
import { createRequests } from './requests.ts';
import { createReviewers, type Reviewers } from './reviewers.ts';
import { createScenario, type Scenario } from './scenario.ts';
import { type Shared, shareLog } from './shared.ts';
import { MOST_AHEAD_MS, unleash } from './storm.ts';
import { createTimeline } from './timeline.ts';
import { createIds, isoAt, type Violation, type World } from './world.ts';

/** What came of one seed. */
export type Run = {
  readonly violations: readonly Violation[];
  /** What was injected and reached, how often. */
  readonly counts: ReadonlyMap<string, number>;
  /** The whole log. */
  readonly log: readonly ReadEvent[];
  /** Simulated milliseconds. */
  readonly milliseconds: number;
  /** Things that happened. */
  readonly steps: number;
};

const MOST_STEPS = 60_000;
const LOOK_MS = 250;
/** After so long without faults everything has to be quiet. */
const CALM_MS = 90_000;
const REPEATS_MS = 10_000;
const MOST_EVENTS = 100_000;

/**
 * Runs the service of one seed, from its start through a storm of faults until all is quiet, and holds it against the rules.
 *
 * @param tell gets the story of the run, line by line
 */
export async function simulate(seed: string, tell?: (line: string) => void): Promise<Run> {
  const random = createRandom(seed);
  const scenario = createScenario(random.fork('scenario'));
  const { world, calm, counts, violations } = createWorld(random, tell);
  const { timeline } = world;
  const keyRing = createKeyRing();
  const oracle = createOracle(world, keyRing, scenario.climate.latency.most);
  const coordinatorClock = { offset: 0 };
  const shared: Shared = {
    log: shareLog(createMemoryEventStore(), oracle.book.commit),
    rows: createMemoryRowStore(),
    keys: keyRing.store,
    coordination: createMemoryCoordination({ now: () => isoAt(timeline.now() + coordinatorClock.offset) }),
    coordinatorClock,
    refusedCases: new Set(),
  };
  const outside = createOutside(world, oracle.backend.effect);
  const fleet = createFleet({
    world,
    ...scenario,
    shared,
    outside,
    watch: { ...oracle, store: { knows: oracle.knowledge.learn } },
    reasonable: reasonableModel(scenario),
    onStart: oracle.started,
  });
  const requests = createRequests(world, fleet);
  const clients = createClients(world, requests, oracle.answers, oracle.erasures);
  const reviewers = createReviewers(world, requests, oracle.book, outside, oracle.reviews);
  const isBroken = (): boolean => violations.length > 0;
  const isQuiet = async (): Promise<boolean> => {
    if (timeline.now() <= scenario.calm.at) return false;
    const { position } = (await shared.rows.checkpoint()) ?? { position: null };
    const areDone = clients.areDone() && reviewers.areDone() && requests.areDone();
    const isStill = !outside.isBusy() && areDone && fleet.link.late() === 0;
    return isStill && position === oracle.book.position() && isAllDone(world, fleet, oracle);
  };

  const caseIds = scenario.cases.map(({ caseId }) => caseId);
  for (let started = 0; started < scenario.processes; started += 1) fleet.start();
  for (const fault of scenario.faults)
    timeline.after(fault.at, () => unleash(world, fleet, shared, caseIds, fault));
  setToWork(scenario, clients, reviewers);
  try {
    await timeline.run(scenario.stormMs, isBroken);
    calm();
    heal(fleet, shared, scenario.calm.processes);
    // What was said by a clock that was ahead holds again when the true time gets there.
    const { most } = scenario.climate.latency;
    timeline.after(counts.has('fault/coordinatorJumps') ? MOST_AHEAD_MS + ALIVE_MS : 0, () =>
      watchAttendance(world, fleet, shared.rows, oracle.book, most),
    );
    disturb(world, fleet, scenario);
    await runUntil(world, isQuiet, CALM_MS, isBroken);
    if (!isBroken() && !(await isQuiet())) tellWhatIsLeft(world, fleet, oracle);
    if (!isBroken() && (await shared.rows.parked()).length > 0) {
      void rebuildReadModels(world, fleet.link, shared, null);
      const isMended = async (): Promise<boolean> => (await shared.rows.parked()).length === 0 && isQuiet();
      await runUntil(world, isMended, CALM_MS, isBroken);
    }
    let isAsked = false;
    void askAgain(world, fleet, clients, oracle.book, keyRing, scenario.tasks).then(() => {
      isAsked = true;
    });
    await timeline.run(timeline.now() + REPEATS_MS, () => isAsked || isBroken());
    if (!isAsked && !isBroken()) world.violate('an answer stays', 'nobody answers a repeat');
    // Another process may have taken over the projecting meanwhile.
    await runUntil(world, isQuiet, CALM_MS, isBroken);
    if (!isBroken()) await oracle.checkEnd(shared, outside);
  } catch (error) {
    world.violate('every run comes to an end', String(error));
  }
  const log = await shared.log.store.readAll(null, MOST_EVENTS);
  return { violations, counts, log, milliseconds: timeline.now(), steps: timeline.steps() };
}

function setToWork(scenario: Scenario, clients: Clients, reviewers: Reviewers): void {
  for (const plan of scenario.cases) void clients.open(plan);
  for (const plan of scenario.tasks) void clients.submit(plan);
  for (const plan of scenario.changes) void clients.change(plan);
  for (const plan of scenario.erasures) void clients.erase(plan);
  for (const plan of scenario.orders) void clients.order(plan);
  for (const plan of scenario.reviews) void reviewers.work(plan);
}

function createWorld(random: Random, tell: ((line: string) => void) | undefined) {
  const timeline = createTimeline(random.fork('order'), MOST_STEPS);
  const counts = new Map<string, number>();
  const violations: Violation[] = [];
  let stormy = true;
  const world: World = {
    timeline,
    random: random.fork('chance'),
    isStormy: () => stormy,
    count: (what) => {
      counts.set(what, (counts.get(what) ?? 0) + 1);
    },
    tell: (line) => tell?.(`${String(timeline.now()).padStart(6)} ${line()}`),
    violate: (rule, what) => {
      violations.push({ rule, what, at: timeline.now() });
      world.tell(() => `VIOLATION of "${rule}": ${what}`);
    },
    newId: createIds(random.fork('ids'), timeline),
  };
  const calm = (): void => {
    stormy = false;
    world.tell(() => 'THE STORM IS OVER');
  };
  return { world, calm, counts, violations };
}

const reasonableModel =
  ({ tasks }: Scenario) =>
  (description: string): Scenario['tasks'][number]['decision'] => {
    const plan = tasks.find((task) => task.description === description);
    if (!plan) throw new Error(`nobody sent "${description}"`);
    return plan.decision;
  };

/** @param least so many processes live from now on */
function heal(fleet: Fleet, { coordinatorClock, refusedCases }: Shared, least: number): void {
  coordinatorClock.offset = 0;
  refusedCases.clear();
  for (const { host, lies } of fleet.living()) {
    host.heal();
    Object.assign(lies, { leads: false, claims: false, unattended: false });
  }
  while (fleet.living().length < least) fleet.start();
}

/** What can happen to a service that is well. */
function disturb({ timeline, random, count }: World, fleet: Fleet, { calm }: Scenario): void {
  if (calm.kind === 'nothing') return;
  timeline.after(calm.at - timeline.now(), () => {
    const [one, ...others] = fleet.serving();
    if (!one || others.length === 0) return;
    count(`calm/${calm.kind}`);
    if (calm.kind === 'crash') fleet.crash(random.pick([one, ...others]).host);
    else for (const process of others) fleet.stop(process);
  });
}

const isAllDone = ({ timeline }: World, fleet: Fleet, { book }: Oracle): boolean =>
  book.tasks().every((task) => isAtRest(task, isoAt(timeline.now()))) &&
  fleet.living().every(({ engine, host }) => engine?.runner.inFlight() === 0 && !host.isFrozen());

/** Runs until all is quiet. Looks now and then, which is cheaper than always. */
async function runUntil(
  { timeline }: World,
  isQuiet: () => Promise<boolean>,
  milliseconds: number,
  isBroken: () => boolean,
): Promise<void> {
  const end = timeline.now() + milliseconds;
  while (timeline.now() < end && !isBroken() && !(await isQuiet())) {
    await timeline.run(Math.min(end, timeline.now() + LOOK_MS), isBroken);
  }
}

function tellWhatIsLeft({ violate, timeline }: World, fleet: Fleet, { book }: Oracle): void {
  for (const task of book.tasks()) {
    if (!isAtRest(task, isoAt(timeline.now())))
      violate('everything accepted settles', `${task.taskId} is ${task.status}`);
  }
  for (const { host, engine } of fleet.living()) {
    if (engine?.runner.inFlight() !== 0) {
      violate('nothing stays in flight', `${host.name} drives ${engine?.runner.driving().join(' ')}`);
    }
  }
}
