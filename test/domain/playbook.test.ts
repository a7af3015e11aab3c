import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FALLBACK_REASONS } from '../../src/domain/decision.ts';
import { decisionContract, fallbackDecision } from '../../src/domain/decisionContract.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { InvalidSourceError } from '../../src/domain/yaml.ts';
import { configText, decision, playbook } from '../support/builders.ts';
import { thrownBy } from './specification.ts';

const SOURCE = configText('playbook.yaml');
const lineOf = (source: string, text: string): number =>
  source.split('\n').findIndex((line) => line.includes(text)) + 1;

function problemsOf(source: string) {
  const error = thrownBy(() => parsePlaybook(source, 'playbook.yaml'));
  if (!(error instanceof InvalidSourceError)) throw error;
  return error.problems;
}

describe('parsePlaybook', () => {
  it('reads the default playbook', () => {
    expect(playbook).toMatchObject({ name: 'default', fallbackRoute: 'CORE_SYSTEM', source: SOURCE });
    expect(playbook.hash).toBe(createHash('sha256').update(SOURCE).digest('hex'));
    expect(Object.keys(playbook.intents)).toStrictEqual(['RETRY_EXTERNAL_CALL', 'MANUAL_REVIEW', 'ESCALATE']);
    expect(Object.keys(playbook.backends)).toStrictEqual(['PARTNER_API', 'CORE_SYSTEM']);
    expect(playbook.reasonCodes).toStrictEqual(['TRANSIENT_TIMEOUT_PATTERN', 'VALIDATION_ERROR', 'UNKNOWN']);
  });
  it.each([
    ['no MANUAL_REVIEW', '  MANUAL_REVIEW:\n', '  SOMEBODY_LOOKS:\n', 'intents:', 'intents', 'MANUAL_REVIEW'],
    ['a reserved reason code', 'UNKNOWN]', 'UNKNOWN, AI_TIMEOUT]', 'AI_TIMEOUT', 'reasonCodes.3', 'reserved'],
    [
      'an unknown fallback route',
      'fallbackRoute: CORE_SYSTEM',
      'fallbackRoute: NOWHERE',
      'NOWHERE',
      'fallbackRoute',
      'NOWHERE',
    ],
    [
      'an unknown route',
      'routes: [PARTNER_API, CORE_SYSTEM]',
      'routes: [NOWHERE]',
      'NOWHERE',
      'intents.RETRY_EXTERNAL_CALL.routes.0',
      'NOWHERE',
    ],
    [
      'an automatable intent without a route',
      '    routes: [PARTNER_API, CORE_SYSTEM]\n',
      '',
      'RETRY_EXTERNAL_CALL:',
      'intents.RETRY_EXTERNAL_CALL.routes',
      'route',
    ],
    [
      'an unknown default route',
      'routeTarget: PARTNER_API',
      'routeTarget: NOWHERE',
      'NOWHERE',
      'intents.RETRY_EXTERNAL_CALL.defaults.routeTarget',
      'NOWHERE',
    ],
    [
      'an unknown default reason',
      'reasonCode: TRANSIENT_TIMEOUT_PATTERN',
      'reasonCode: WHATEVER',
      'WHATEVER',
      'intents.RETRY_EXTERNAL_CALL.defaults.reasonCode',
      'WHATEVER',
    ],
    [
      'an unknown kind of backend',
      'kind: simulated',
      'kind: carrier_pigeon',
      'carrier_pigeon',
      'backends.PARTNER_API.kind',
      'http',
    ],
    [
      'an unknown key in a backend',
      'failureRate: 0',
      'failureRat: 0',
      'failureRat',
      'backends.PARTNER_API',
      'failureRat',
    ],
    [
      'a failure rate above 1',
      'failureRate: 0',
      'failureRate: 1.01',
      'failureRate: 1.01',
      'backends.PARTNER_API.failureRate',
      '1',
    ],
    ['a lower-case intent', '  ESCALATE:', '  escalate:', '  escalate:', 'intents.escalate', 'Invalid key'],
  ])('refuses %s, with file, line and key', (_, from, to, at, path, word) => {
    expect(SOURCE).toContain(from);
    const source = SOURCE.replace(from, to);
    const problem = problemsOf(source)[0];
    expect(problem).toMatchObject({ file: 'playbook.yaml', line: lineOf(source, at), path });
    expect(problem?.message).toContain(word);
  });
  it('refuses MANUAL_REVIEW as something to be executed', () => {
    const source = SOURCE.replace(/( {2}MANUAL_REVIEW:\n.*\n {4}automatable: )false/, '$1true');
    expect(problemsOf(source)[0]).toMatchObject({ path: 'intents.MANUAL_REVIEW.automatable' });
  });
  it.each(['ftp://x.example/', '/relative', 'partner.example/x', ''])('refuses the URL %j', (url) => {
    const http = `kind: http\n    method: POST\n    url: ${JSON.stringify(url)}\n    idempotent: true`;
    const source = SOURCE.replace('kind: simulated\n    failureRate: 0', http);
    expect(problemsOf(source)[0]).toMatchObject({
      path: 'backends.PARTNER_API.url',
      message: 'must be an absolute http(s) URL',
    });
  });
});

describe('an http backend', () => {
  const withBackend = (...more: readonly string[]): string => {
    const lines = [
      'kind: http',
      'method: POST',
      'url: https://partner.example/x',
      'idempotent: true',
      ...more,
    ];
    return SOURCE.replace('kind: simulated\n    failureRate: 0', lines.join('\n    '));
  };
  const backendOf = (source: string) => parsePlaybook(source, 'playbook.yaml').backends.PARTNER_API;

  it('has a breaker, and no lookup, unless it says otherwise', () => {
    const backend = backendOf(withBackend());
    expect(backend).toMatchObject({ breaker: { failures: 5, openMs: 10_000 } });
    expect(backend).not.toHaveProperty('lookup');
  });
  it('may name one half of its breaker', () => {
    expect(backendOf(withBackend('breaker: { failures: 1 }'))).toMatchObject({
      breaker: { failures: 1, openMs: 10_000 },
    });
  });
  it('believes a lookup that the effect happened on 200 only, and never that it did not', () => {
    const backend = backendOf(withBackend('lookup: { url: "https://partner.example/x/{actionId}" }'));
    expect(backend).toMatchObject({
      lookup: {
        method: 'GET',
        url: 'https://partner.example/x/{actionId}',
        headers: {},
        success: [200],
        failure: [],
      },
    });
  });
  it.each([
    ['a lookup without a URL', 'lookup: { method: GET }', 'lookup.url', 'URL'],
    [
      'a lookup that would change something',
      'lookup: { url: "https://a.example", method: DELETE }',
      'lookup.method',
      'GET',
    ],
    ['a lookup elsewhere than in HTTP', 'lookup: { url: "ftp://a.example" }', 'lookup.url', 'http(s)'],
    [
      'a lookup that never says yes',
      'lookup: { url: "https://a.example", success: [] }',
      'lookup.success',
      '1',
    ],
    [
      'a lookup with a status that is none',
      'lookup: { url: "https://a.example", failure: [4] }',
      'lookup.failure.0',
      '100',
    ],
    ['a lookup with an unknown key', 'lookup: { url: "https://a.example", body: 1 }', 'lookup', 'body'],
    ['a lookup in a word', 'lookup: true', 'lookup', 'object'],
    ['a breaker that is always open', 'breaker: { failures: 0 }', 'breaker.failures', '1'],
    ['a breaker that never opens', 'breaker: { openMs: 0 }', 'breaker.openMs', '1'],
    ['a breaker with an unknown key', 'breaker: { threshold: 3 }', 'breaker', 'threshold'],
  ])('refuses %s, with line and key', (_, line, path, word) => {
    const source = withBackend(line);
    const [problem] = problemsOf(source);
    expect(problem).toMatchObject({ line: lineOf(source, line), path: `backends.PARTNER_API.${path}` });
    expect(problem?.message).toContain(word);
  });
});

describe('a simulated backend', () => {
  it('is idempotent, and has no lookup, unless it says otherwise', () => {
    expect(playbook.backends.PARTNER_API).toMatchObject({
      kind: 'simulated',
      idempotent: true,
      lookup: false,
    });
    const source = SOURCE.replace('failureRate: 0', 'failureRate: 0\n    lookup: true');
    expect(parsePlaybook(source, 'playbook.yaml').backends.PARTNER_API).toMatchObject({ lookup: true });
  });
});

describe('the decision contract', () => {
  const contract = decisionContract(playbook);
  it('takes what keeps it', () => {
    expect(contract.parse(decision())).toStrictEqual(decision());
    expect(contract.safeParse({ ...decision(), riskScore: 0, confidence: 1 }).success).toBe(true);
  });
  it.each<readonly [string, Record<string, unknown>]>([
    ['an unknown intent', { intent: 'DELETE_EVERYTHING' }],
    ['the name of an inherited property', { intent: 'toString' }],
    ['an unknown route', { routeTarget: 'NOWHERE' }],
    ['an unknown reason', { reasonCode: 'BECAUSE' }],
    ['a number out of range', { confidence: 1.0001 }],
    ['a negative number', { riskScore: -0.1 }],
    ['a number as text', { confidence: '0.9' }],
    ['no number', { confidence: Number.NaN }],
    ['null', { riskScore: null }],
    ['an unknown next step', { nextStep: 'EXECUTE' }],
    ['an unknown strategy', { retryStrategy: 'ALWAYS' }],
    ['an extra key', { parameters: {} }],
    ...FALLBACK_REASONS.map((reasonCode) => [`the reserved ${reasonCode}`, { reasonCode }] as const),
  ])('refuses %s', (_, changes) => {
    expect(contract.safeParse({ ...decision(), ...changes }).success).toBe(false);
  });
  it.each(Object.keys(decision()))('refuses a decision without %s', (key) => {
    const { [key]: _, ...rest } = decision() as unknown as Record<string, unknown>;
    expect(contract.safeParse(rest).success).toBe(false);
  });
});

describe('the fallback', () => {
  it.each(FALLBACK_REASONS)('for %s asks for a person', (reasonCode) => {
    expect(fallbackDecision(playbook, reasonCode)).toStrictEqual({
      intent: 'MANUAL_REVIEW',
      nextStep: 'MANUAL_REVIEW',
      routeTarget: 'CORE_SYSTEM',
      retryStrategy: 'NONE',
      riskScore: 0.9,
      confidence: 0,
      reasonCode,
    });
  });
});
