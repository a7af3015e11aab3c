/** An answer of the service, its body parsed where it is JSON. */
export type Answer<Body = unknown> = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
};

export type Decision = { readonly intent: string; readonly reasonCode: string; readonly confidence: number };

/** What POST /case-task answers with, as far as tests read it field by field. */
export type TaskAnswer = {
  readonly outcome: string | null;
  readonly decision: Decision | null;
  readonly idempotencyKey: string;
  readonly taskId: string;
  readonly caseId: string;
  readonly status: string;
  readonly revision: number;
  readonly position: string;
  readonly receivedAt: string;
  readonly guardrails: readonly { readonly name: string; readonly passed: boolean }[];
  readonly manual: {
    readonly queue: string;
    readonly codes: readonly string[];
    readonly reasons: readonly {
      readonly guardrail: string;
      readonly actual: unknown;
      readonly required: string;
    }[];
  } | null;
  readonly askAnew?: string;
};

/** An event as GET /cases/{caseId}/events gives it. */
export type EventView = {
  readonly id: string;
  readonly type: string;
  readonly revision: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly personal: Readonly<Record<string, string | null>>;
};

export type TaskFields = {
  readonly case_id: string;
  readonly description: string;
  readonly channel: string;
  readonly user_role: string;
};

/** Calls a running service over HTTP. */
export type Client = {
  readonly get: <Body = unknown>(path: string) => Promise<Answer<Body>>;
  readonly post: <Body = unknown>(
    path: string,
    body: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answer<Body>>;
  /** Opens a case with these fields, and expects that it was opened. */
  readonly openCase: (caseId: string, fields?: Readonly<Record<string, unknown>>) => Promise<void>;
  /** POST /case-task: the README's task with changes. */
  readonly task: (
    changes?: Partial<TaskFields>,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answer<TaskAnswer>>;
  /** All events of a case. */
  readonly events: (caseId: string) => Promise<EventView[]>;
};

/** The request that the README shows. */
export const README_TASK: TaskFields = {
  case_id: 'C1001',
  description: 'Partner API failed again with timeout, please retry for policy 4711',
  channel: 'SYSTEM',
  user_role: 'OPS',
};

const REQUEST_MS = 40_000;

/**
 * @param url of the service, without a slash at the end
 * @param always headers of every request
 */
export function createClient(url: string, always: Readonly<Record<string, string>> = {}): Client {
  const send = async <Body>(path: string, init: RequestInit): Promise<Answer<Body>> => {
    const response = await fetch(`${url}${path}`, {
      ...init,
      headers: { ...always, ...init.headers },
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : text) as Body,
    };
  };
  const get: Client['get'] = (path) => send(path, {});
  const post: Client['post'] = (path, body, headers = {}) =>
    send(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  return {
    get,
    post,
    openCase: async (caseId, fields = {}) => {
      const { status, body } = await post('/cases', { caseId, ...fields });
      if (status !== 201) throw new Error(`case ${caseId} was not opened: ${JSON.stringify(body)}`);
    },
    task: (changes = {}, headers = {}) => post('/case-task', { ...README_TASK, ...changes }, headers),
    events: async (caseId) => {
      const events: EventView[] = [];
      for (let from: number | null = 0; from !== null; ) {
        const page: Answer<{ events: EventView[]; next: number | null }> = await get(
          `/cases/${caseId}/events?limit=1000&fromRevision=${from}`,
        );
        if (page.status !== 200) throw new Error(`no events: ${JSON.stringify(page.body)}`);
        events.push(...page.body.events);
        from = page.body.next;
      }
      return events;
    },
  };
}

/** What the README's case is opened with. */
export const README_CASE = { priority: 'MEDIUM', lastErrorType: 'TIMEOUT', retryCount: 1 } as const;
