import { createRemoteJWKSet, customFetch, type RemoteJWKSet } from 'jose';
import { z } from 'zod';
import type { Timer } from '../runtime/clock.ts';
import { AuthenticationUnavailableError } from './errors.ts';
import { isTrustworthyUrl } from './settings.ts';

/** For all of one look at the issuer's keys. */
const TIMEOUT_MS = 5_000;
/** A token that names a key nobody knows makes the keys be read again, but no sooner than this after the last time. */
const COOLDOWN_MS = 10_000;
/** A key that the issuer has withdrawn is believed no longer than this. */
const MAX_AGE_MS = 600_000;
/** After a failure nobody asks the issuer again for so long. */
const PAUSE_MS = 1_000;
const MAX_BYTES = 1024 * 1024;

const keySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) });
const discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.string().refine(isTrustworthyUrl) });

/** Something that the issuer answered and that cannot be used; the message is one word for the log. */
class UnusableAnswerError extends Error {}

/**
 * The public keys of a token issuer, read when they are first needed and again when they may have changed (JWKS, RFC 7517;
 * OpenID Connect Discovery 1.0 without a JWKS URL of its own). Only keys from there are believed, whatever a token's header says.
 *
 * @returns a resolver for jose; it throws AuthenticationUnavailableError when the keys cannot be read
 */
export function createIssuerKeys(
  issuer: string,
  jwksUrl: string | undefined,
  timer: Pick<Timer, 'monotonicMs'>,
  timeoutMs = TIMEOUT_MS,
): RemoteJWKSet {
  let failedAt = Number.NEGATIVE_INFINITY;
  const read = async (signal: AbortSignal): Promise<unknown> =>
    parsed(keySet, await readJson(jwksUrl ?? (await discover(issuer, signal)), signal));
  return createRemoteJWKSet(new URL(jwksUrl ?? issuer), {
    timeoutDuration: timeoutMs,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
    // Where the keys are is asked anew each time: an issuer may move them.
    [customFetch]: async (_url, { signal }) => {
      if (timer.monotonicMs() - failedAt < PAUSE_MS) throw unavailable('it failed a moment ago');
      try {
        return Response.json(await read(signal));
      } catch (error) {
        failedAt = timer.monotonicMs();
        throw unavailable(reasonOf(error));
      }
    },
  });
}

async function discover(issuer: string, signal: AbortSignal): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = parsed(discovery, await readJson(url, signal));
  if (document.issuer !== issuer)
    throw new UnusableAnswerError('the discovery document is of another issuer');
  return document.jwks_uri;
}

async function readJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, {
    signal,
    redirect: 'manual',
    headers: { accept: 'application/json, application/jwk-set+json' },
  });
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    throw new UnusableAnswerError(`status ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new UnusableAnswerError('the answer is too large');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new UnusableAnswerError('the answer is not what was asked for');
}

const unavailable = (reason: string): AuthenticationUnavailableError =>
  new AuthenticationUnavailableError(`the keys of the token issuer cannot be read: ${reason}`);

function reasonOf(error: unknown): string {
  if (error instanceof UnusableAnswerError) return error.message;
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  // Node's fetch tells what went wrong in the cause of its TypeError.
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
