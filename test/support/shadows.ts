import type { CaseEvent } from '../../src/domain/events.ts';
import { type Policy, parsePolicy } from '../../src/domain/policy.ts';
import { playbook } from './builders.ts';

/** A policy of one rule, as text: it permits whatever the domain's own rules let be permitted. */
export const shadowText = (expression: string, version: string, overridable = false): string => `
name: candidate
version: "${version}"
roles: [OPS, SUPERVISOR, AGENT]
channels: [SYSTEM, EMAIL, PHONE, PORTAL, CHAT]
limits: { maxAttempts: 1000000 }
permissions:
  RETRY_EXTERNAL_CALL: { roles: [OPS, SUPERVISOR, AGENT], routes: [PARTNER_API, CORE_SYSTEM] }
guardrails:
  - { name: only, code: ONLY, expression: '${expression}', message: Not so., overridable: ${overridable} }
defaultQueue: { queue: all, dueMinutes: 60 }
`;

/** Executes everything that any policy could execute. */
export const EXECUTING_TEXT = shadowText('true', 'executing');
/** Sends everything to a person, whoever overrides what. */
export const REFUSING_TEXT = shadowText('false', 'refusing');
/** Its rule throws whenever it is evaluated. */
export const THROWING_TEXT = shadowText('limits.roles[999] == "OPS"', 'throwing');

/** A shadow policy against a playbook that has the default one's intents. */
export const shadowPolicy = (text: string, against = playbook): Policy =>
  parsePolicy(text, 'shadow.yaml', against);

/** An event as it would be without a shadow policy. */
export const withoutShadow = <E extends CaseEvent>(event: E): E =>
  event.type === 'GuardrailEvaluated' ? { ...event, data: { ...event.data, shadow: null } } : event;
