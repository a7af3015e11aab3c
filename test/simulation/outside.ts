import type { AttemptResult } from '../../src/domain/vocabulary.ts';
import type { BackendFault } from './climate.ts';
import type { Host } from './host.ts';
import { ROUTES, type Route } from './sources.ts';
import type { World } from './world.ts';

/** One request on its way to a backend. */
export type Request = {
  readonly route: Route;
  readonly key: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly from: Host;
};

/** What a backend did for one key, after its own de-duplication. */
export type Effect = Omit<Request, 'from'> & { readonly at: number };

/** What becomes of a request where it arrives; null: no answer. */
export type Reply = { readonly result: AttemptResult; readonly errorType: string | null } | null;

/** The systems behind the backends: what truly happened there. */
export type Outside = {
  readonly effects: readonly Effect[];
  /** Keys about which a backend said what is not so. */
  readonly liedAbout: ReadonlySet<string>;
  /** Whether something is still on its way, or at work. */
  readonly isBusy: () => boolean;
  readonly send: (request: Request, fault: BackendFault | null, onReply: (reply: Reply) => void) => void;
  /** What became of a key: UNKNOWN while something with it is on its way. */
  readonly truth: (route: Route, key: string) => AttemptResult;
};

const SUCCEEDED: Reply = { result: 'SUCCEEDED', errorType: null };
const REFUSED: Reply = { result: 'FAILED', errorType: 'HTTP_422' };

/** @param onEffect told of each effect, and of those before it for the same task about which nobody was lied to */
export function createOutside(
  world: World,
  onEffect: (effect: Effect, before: readonly Effect[]) => void,
): Outside {
  const { timeline, random, tell } = world;
  const effects: Effect[] = [];
  const liedAbout = new Set<string>();
  const underWay = new Map<string, number>();
  let busy = 0;

  const begin = (key: string): (() => void) => {
    busy += 1;
    underWay.set(key, (underWay.get(key) ?? 0) + 1);
    return () => {
      busy -= 1;
      underWay.set(key, (underWay.get(key) ?? 0) - 1);
    };
  };
  const perform = ({ route, key, taskId, attempt }: Request): void => {
    const before = effects.filter((effect) => effect.key === key && effect.route === route);
    if (before.length > 0 && ROUTES[route].idempotent) return;
    const effect = { route, key, taskId, attempt, at: timeline.now() };
    effects.push(effect);
    tell(() => `${route} did …${key.slice(-6)} (attempt ${attempt})`);
    onEffect(
      effect,
      effects.filter((other) => other !== effect && other.taskId === taskId && !liedAbout.has(other.key)),
    );
  };
  const travel = (): number => random.between(0, random.chance(0.2) ? 300 : 20);
  const workFor = (fault: BackendFault | null): number => {
    if (fault === 'doneLate') return random.between(1_500, 5_000);
    return fault === 'slow' ? random.between(300, 1_500) : random.between(0, 50);
  };

  /** What the backend does and says with a request that has reached it. */
  const serve = (request: Request, fault: BackendFault | null): Reply => {
    if (fault === 'refuses') return REFUSED;
    if (fault === 'liesSuccess' || fault === 'liesFailure') liedAbout.add(request.key);
    if (fault === 'liesSuccess') return SUCCEEDED;
    perform(request);
    if (fault === 'liesFailure') return REFUSED;
    return fault === 'doneUnanswered' ? null : SUCCEEDED;
  };
  // What a process has sent may arrive, and may not, when the process is gone.
  const isLost = (from: Host, fault: BackendFault | null): boolean =>
    fault === 'lostOnTheWay' || (!from.isAlive() && random.chance(0.5));

  return {
    effects,
    liedAbout,
    isBusy: () => busy > 0,
    send: (request, fault, onReply) => {
      const end = begin(request.key);
      timeline.after(travel(), () => {
        if (isLost(request.from, fault)) {
          end();
          return;
        }
        if (fault === 'deliveredTwice') timeline.after(travel(), () => perform(request));
        timeline.after(workFor(fault), () => {
          end();
          const reply = serve(request, fault);
          timeline.after(travel(), () => onReply(reply));
        });
      });
    },
    truth: (route, key) => {
      if (effects.some((effect) => effect.key === key && effect.route === route)) return 'SUCCEEDED';
      return (underWay.get(key) ?? 0) > 0 ? 'UNKNOWN' : 'FAILED';
    },
  };
}
