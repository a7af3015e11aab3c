import { NO_STREAM, type StoredEvent } from './port.ts';

/**
 * Refuses an append that no adapter may accept; see the port.
 *
 * @throws RangeError which names the argument
 */
export function checkAppend(stream: string, expectedRevision: number, events: readonly StoredEvent[]): void {
  checkText('stream', stream);
  if (stream === '') throw new RangeError('stream is empty.');
  if (expectedRevision !== NO_STREAM) checkCount('expectedRevision', expectedRevision, 0);
  if (events.length === 0) throw new RangeError('events is empty: append at least one event.');
  for (const [index, event] of events.entries()) checkEvent(`events[${index}]`, event);
}

/**
 * Refuses a page that no adapter may be asked for.
 *
 * @throws RangeError which names the argument
 */
export function checkPage(limit: number, fromRevision = 0): void {
  checkCount('limit', limit, 1);
  checkCount('fromRevision', fromRevision, 0);
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name} is ${value}: it must be an integer of at least ${least}.`);
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function checkEvent(name: string, event: StoredEvent): void {
  if (!UUID.test(event.id)) throw new RangeError(`${name}.id is not a lowercase UUID.`);
  checkText(`${name}.type`, event.type);
  checkText(`${name}.data`, event.data);
  checkText(`${name}.metadata`, event.metadata);
}

function checkText(name: string, text: string): void {
  if (text.includes('\0')) throw new RangeError(`${name} contains NUL: escape it as \\u0000.`);
  if (!text.isWellFormed()) throw new RangeError(`${name} contains a lone surrogate: escape it as \\udXXX.`);
}
