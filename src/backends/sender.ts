import type { LimitFunction } from 'p-limit';
import { type Exchange, exchange } from './exchange.ts';
import type { Connect } from './guardedConnector.ts';
import type { BackendCall } from './port.ts';
import type { HttpRequest, Render } from './requestTemplate.ts';
import { TemplateError } from './template.ts';
import { type Bounds, inTurn } from './turn.ts';
import { originOf } from './urlTemplate.ts';

/** What the requests of one backend share. */
export type SenderDependencies = {
  readonly limit: LimitFunction;
  readonly clock: { readonly monotonicMs: () => number };
  readonly connect: Connect;
  readonly resolveSecret: (name: string) => string | undefined;
};

/** Lets an exchange through, or answers in its stead. */
export type Guard = (work: () => Promise<Exchange>) => Promise<Exchange>;

/** Fills in a request for one call and sends it in its turn. Never rejects; `guard` is asked when the turn has come. */
export type Send = (call: BackendCall, bounds: Bounds, guard: Guard) => Promise<Exchange>;

/** Prepares one kind of request of a backend: where it goes is fixed, `render` fills in the rest. */
export function createSender(
  { limit, clock, connect, resolveSecret }: SenderDependencies,
  target: { readonly method: string; readonly url: string },
  render: Render,
): Send {
  const { method } = target;
  const { origin } = originOf(target.url);
  return async (call, bounds, guard) => {
    let request: HttpRequest;
    try {
      request = render({ call, resolveSecret });
    } catch (error) {
      const errorType = error instanceof TemplateError ? error.code : 'REQUEST_INVALID';
      return { kind: 'notSent', errorType };
    }
    return inTurn(limit, clock, bounds, (time) =>
      guard(() => exchange({ origin, method, request, connect, time })),
    );
  };
}
