import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { until } from './until.ts';

/** One server-sent event. */
export type SentEvent<Data = Record<string, unknown>> = {
  readonly event: string;
  readonly id: string;
  readonly data: Data;
};

/** A client of text/event-stream over a socket of its own. */
export type EventStreamClient = {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Every event so far. */
  readonly events: readonly SentEvent[];
  /** Everything that came, as text. */
  readonly text: () => string;
  /** The id to come back with. */
  readonly lastEventId: () => string;
  /** Waits until so many events have come that match. */
  readonly received: (
    what: string,
    matches: (event: SentEvent) => boolean,
    count?: number,
  ) => Promise<SentEvent[]>;
  /** Stops reading what comes, and goes on. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Resolves when the server has ended the answer: whether it was whole. */
  readonly ended: Promise<'whole' | 'cut'>;
  /** Ends the connection. */
  readonly close: () => void;
};

/** Connects, and returns when the answer's head is there. */
export async function openEventStream(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventStreamClient> {
  const sent = request(url, { headers, agent: false });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const events: SentEvent[] = [];
  let text = '';
  let unread = '';
  let lastEventId = '';
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    text += chunk;
    const blocks = `${unread}${chunk}`.split('\n\n');
    unread = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parse(block);
      lastEventId = event.id ?? lastEventId;
      if (event.data !== undefined) {
        events.push({ event: event.event ?? 'message', id: lastEventId, data: JSON.parse(event.data) });
      }
    }
  });
  const ended = new Promise<'whole' | 'cut'>((resolve) => {
    answer.on('error', () => resolve('cut'));
    answer.on('close', () => resolve(answer.complete && unread === '' ? 'whole' : 'cut'));
  });
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    events,
    text: () => text,
    lastEventId: () => lastEventId,
    received: (what, matches, count = 1) =>
      until(what, async () => {
        const found = events.filter(matches);
        return found.length >= count ? found : null;
      }),
    pause: () => void answer.pause(),
    resume: () => void answer.resume(),
    ended,
    close: () => void answer.destroy(),
  };
}

type Fields = { readonly event?: string; readonly id?: string; readonly data?: string };

/** The fields of one block; comments have no name. */
const parse = (block: string): Fields =>
  Object.fromEntries(
    block
      .split('\n')
      .filter((line) => !line.startsWith(':'))
      .map((line) => {
        const colon = line.indexOf(': ');
        return [line.slice(0, colon), line.slice(colon + 2)];
      }),
  );
