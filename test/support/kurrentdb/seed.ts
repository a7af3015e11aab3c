/** Part of the protocol test server: a test double in memory, not a database. */
import { randomUUID } from 'node:crypto';
import type { ProposedEvent, ServerLog } from './log.ts';

/** A JSON event that the server itself writes. */
export function systemEvent(type: string, json: string): ProposedEvent {
  return {
    id: randomUUID(),
    type,
    contentType: 'application/json',
    data: Buffer.from(json),
    metadata: new Uint8Array(),
  };
}

/** Writes what a fresh server has in its log before any client comes: `$all` never starts empty. */
export function seedSystemEvents(log: Pick<ServerLog, 'write'>): void {
  log.write('$epoch-information', [systemEvent('$epoch-information', '{"epochNumber":0}')]);
  for (const login of ['admin', 'ops']) {
    log.write(`$$$user-${login}`, [systemEvent('$metadata', '{"$acl":{"$w":"$admins"}}')]);
    log.write(`$user-${login}`, [systemEvent('$UserCreated', `{"loginName":"${login}","disabled":false}`)]);
    log.write('$users', [systemEvent('$User', `"${login}"`)]);
  }
  log.write('$$$scavenges', [systemEvent('$metadata', '{"$maxCount":100}')]);
}

const HIDDEN_SUBSCRIPTION_STREAM = /^\$persistentsubscription-\$all::.*-(checkpoint|parked)$/;

/** Whether `$all` never shows this stream's events, in reads and subscriptions alike. */
export function isHiddenFromAll(stream: string): boolean {
  return stream === '$epoch-information' || HIDDEN_SUBSCRIPTION_STREAM.test(stream);
}
