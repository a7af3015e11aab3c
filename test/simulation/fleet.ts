import type { Backend } from '../../src/backends/port.ts';
import type { Decision } from '../../src/domain/decision.ts';
import type { Playbook } from '../../src/domain/playbook.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { type Engine, startEngine } from '../../src/engine.ts';
import type { EventStore } from '../../src/eventstore/port.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import type { Observer } from '../../src/runtime/observer.ts';
import { type BackendWatch, createSimulatedWay } from './backend.ts';
import type { Climate } from './climate.ts';
import { createHost, type Host } from './host.ts';
import { createLink, type Link } from './link.ts';
import { createSimulatedModel, type ModelWatch } from './model.ts';
import type { Outside } from './outside.ts';
import { coordinatorOf, type Lies } from './ports/coordinator.ts';
import { keysOf } from './ports/keys.ts';
import { rowsOf } from './ports/rows.ts';
import { type StoreWatch, storeOf } from './ports/store.ts';
import type { Shared } from './shared.ts';
import { ROUTE_NAMES } from './sources.ts';
import type { World } from './world.ts';

/** What a process is started with. */
export type ProcessConfig = {
  readonly policy: Policy;
  /** What is evaluated beside it; null in a share of the runs. */
  readonly shadow: Policy | null;
  readonly playbook: Playbook;
  /** How long a call of a backend may take, in milliseconds. */
  readonly timeoutMs: number;
  /** What it takes its store for: with another kind it takes the read models for those of another version. */
  readonly storeKind: EventStore['kind'];
};

export type Process = {
  readonly host: Host;
  readonly config: ProcessConfig;
  readonly lies: Lies;
  /** Null while it is starting. */
  engine: Engine | null;
};

/** The processes of one service, as they come and go. */
export type Fleet = {
  /** Those that live, also while they start or end. */
  readonly living: () => readonly Process[];
  /** Those that take requests. */
  readonly serving: () => readonly (Process & { readonly engine: Engine })[];
  readonly start: () => void;
  readonly crash: (host: Host) => void;
  /** Ends one in an orderly way. */
  readonly stop: (process: Process) => void;
  readonly link: Link;
};

export type FleetOptions = {
  readonly world: World;
  readonly climate: Climate;
  readonly shared: Shared;
  readonly outside: Outside;
  readonly watch: { readonly store: StoreWatch; readonly model: ModelWatch; readonly backend: BackendWatch };
  readonly reasonable: (description: string) => Decision;
  /** What the next process is started with. */
  readonly nextConfig: () => ProcessConfig;
  /** Told of each start. */
  readonly onStart: (name: string, config: ProcessConfig) => void;
};

const DRAIN_MS = 3_000;
/** After so long, whoever ends it loses patience. */
const KILLED_AFTER_MS = 8_000;

export function createFleet(options: FleetOptions): Fleet {
  const { world, climate, shared, outside, watch, nextConfig } = options;
  const { timeline, random, count, tell } = world;
  const processes: Process[] = [];
  let started = 0;

  const living = (): Process[] => processes.filter(({ host }) => host.isAlive());
  const restartLater = (): void => {
    timeline.after(random.between(100, 3_000), () => start());
  };
  const crash = (host: Host): void => {
    if (!host.isAlive()) return;
    host.kill();
    count('fault/crash');
    tell(() => `${host.name} DIES`);
    if (living().length === 0 || random.chance(0.7)) restartLater();
  };
  /** A fault that was on its way when the storm ended does no harm any more. */
  const crashInStorm = (host: Host): void => {
    if (world.isStormy()) crash(host);
  };
  const link = createLink(world, climate, crashInStorm);

  const start = (): void => {
    started += 1;
    const config = nextConfig();
    const host = createHost(world, `p${started}`);
    const process: Process = {
      host,
      config,
      engine: null,
      lies: { leads: false, claims: false, unattended: false },
    };
    processes.push(process);
    options.onStart(host.name, config);
    count('process/start');
    tell(() => `${host.name} STARTS, policy ${config.policy.version}`);
    startEngine({
      store: storeOf(host, link, shared, watch.store, config.storeKind),
      rowStore: rowsOf(host, link, shared.rows, shared.refusedCases),
      keys: keysOf(host, link, shared),
      coordinator: coordinatorOf(host, link, shared, process.lies),
      clock: host.clock,
      logger: loggerOf(world, host),
      observer: observerOf(world, host),
      newId: world.newId,
      randomBytes: random.bytes,
      onCommit: () => {},
      startPaused: false,
      policy: config.policy,
      shadow: config.shadow,
      playbook: config.playbook,
      recommender: createSimulatedModel({ ...options, host, crash: crashInStorm, watch: watch.model }),
      backends: waysOf(host, config),
    }).then(
      (engine) => {
        process.engine = engine;
        tell(() => `${host.name} serves`);
      },
      (error: unknown) => {
        tell(() => `${host.name} does not start: ${String(error)}`);
        count('process/startFailed');
        host.kill();
        restartLater();
      },
    );
  };

  const waysOf = (host: Host, { timeoutMs }: ProcessConfig): ReadonlyMap<string, Backend> =>
    new Map(
      ROUTE_NAMES.map((route) => [
        route,
        createSimulatedWay({
          world,
          climate,
          host,
          route,
          timeoutMs,
          outside,
          crash: crashInStorm,
          watch: watch.backend,
          observer: observerOf(world, host),
        }),
      ]),
    );

  return {
    link,
    living,
    serving: () =>
      living().filter(
        (process): process is Process & { engine: Engine } =>
          process.engine !== null && !process.host.isLeaving(),
      ),
    start,
    crash,
    stop: ({ host, engine }) => {
      if (!engine || host.isLeaving()) return;
      count('fault/orderlyStop');
      tell(() => `${host.name} is told to end`);
      host.leave(world.isStormy());
      const gone = (end: () => void): void => {
        if (!host.isAlive()) return;
        tell(() => `${host.name} has ended`);
        end();
        restartLater();
      };
      timeline.after(KILLED_AFTER_MS, () => gone(host.kill));
      host.deliver(() => void engine.stop(DRAIN_MS).then(() => gone(host.end)));
    },
  };
}

function loggerOf({ tell }: World, host: Host): Logger {
  const log =
    (level: string): Logger['info'] =>
    (fields, message) =>
      tell(() => `${host.name} logs ${level}: ${message} ${fields.err ? String(fields.err) : ''}`);
  return { info: log('info'), warn: log('warn'), error: log('error') };
}

function observerOf({ count, tell }: World, host: Host): Observer {
  return {
    taskSettled: () => {},
    recommended: () => {},
    fellBack: () => {},
    backendCalled: () => {},
    shadowJudged: (verdict, shadow) => count(`shadow/${verdict}/${shadow}`),
    outcomeResolved: () => {},
    takenOver: (why) => {
      count(`takeover/${why}`);
      tell(() => `${host.name} takes over a task: ${why}`);
    },
    appendConflict: () => count('conflict'),
    storeAway: () => count('storeAway'),
    circuit: (_dependency, state) => count(`circuit/${state}`),
  };
}
