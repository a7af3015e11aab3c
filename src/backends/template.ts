import type { BackendCall } from './port.ts';

/** Why a request cannot be built; `code` is the attempt's errorType, and nothing has been sent. Holds no value. */
export class TemplateError extends Error {
  readonly code: 'TEMPLATE_VALUE_MISSING' | 'TEMPLATE_VALUE_INVALID' | 'SECRET_MISSING' | 'SECRET_INVALID';
  constructor(code: TemplateError['code'], name: string) {
    super(`${code}: ${name}`);
    this.name = 'TemplateError';
    this.code = code;
  }
}

/** A piece of a template: literal text, `{placeholder}`, or `${env:NAME}`. */
export type Part = { readonly kind: 'text' | 'placeholder' | 'secret'; readonly text: string };

/** What a template's placeholders are filled from; `resolveSecret` gives the value of an environment variable. */
export type TemplateValues = {
  readonly call: BackendCall;
  readonly resolveSecret: (name: string) => string | undefined;
};

const TOKEN = /\$\{env:([^{}]*)\}|\{([^{}]*)\}/g;

/** Splits a template into its parts, in order. */
export function parseTemplate(template: string): readonly Part[] {
  const parts: Part[] = [];
  let end = 0;
  const literal = (until: number): void => {
    if (until > end) parts.push({ kind: 'text', text: template.slice(end, until) });
  };
  for (const match of template.matchAll(TOKEN)) {
    literal(match.index);
    const [whole, secret, placeholder] = match;
    parts.push(
      secret === undefined
        ? { kind: 'placeholder', text: placeholder ?? '' }
        : { kind: 'secret', text: secret },
    );
    end = match.index + whole.length;
  }
  literal(template.length);
  return parts;
}

const ATTRIBUTE = 'attributes.';
const FIELDS = ['caseId', 'taskId', 'actionId', 'idempotencyKey', 'intent', 'attempt'] as const;

/** Whether `{name}` can ever have a value: a field of the call, or `attributes.` with a name. */
export const isPlaceholder = (name: string): boolean =>
  FIELDS.some((field) => field === name) || (name.startsWith(ATTRIBUTE) && name.length > ATTRIBUTE.length);

/** The message for a placeholder that never has a value. */
export const unknownPlaceholder = (name: string): string =>
  `{${name}} is unknown; there are ${FIELDS.map((field) => `{${field}}`).join(', ')}, {attributes.<name>}`;

/**
 * The value of one part; a number or boolean attribute keeps its type.
 *
 * @throws TemplateError TEMPLATE_VALUE_MISSING or SECRET_MISSING
 */
export function partValue(part: Part, values: TemplateValues): string | number | boolean {
  if (part.kind === 'text') return part.text;
  if (part.kind === 'secret') {
    const secret = values.resolveSecret(part.text);
    if (secret === undefined || secret === '') throw new TemplateError('SECRET_MISSING', part.text);
    return secret;
  }
  const field = FIELDS.find((name) => name === part.text);
  if (field !== undefined) return values.call[field];
  const name = part.text.slice(ATTRIBUTE.length);
  const { attributes } = values.call;
  const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  if (value === undefined) throw new TemplateError('TEMPLATE_VALUE_MISSING', part.text);
  return value;
}
