import type { z } from 'zod';
import type { HttpBackendSpec, LookupSpec } from '../domain/playbook.ts';
import { type Part, parseTemplate, partValue, TemplateError, type TemplateValues } from './template.ts';
import { splitUrl } from './urlTemplate.ts';

/** A request as it goes over the wire. */
export type HttpRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
};

type JsonTemplate = z.infer<ReturnType<typeof z.json>>;

type RequestSpec = Pick<HttpBackendSpec, 'url' | 'headers' | 'body'>;

/** Fills the templates of a request for one call; throws TemplateError when a value or secret is missing or does not fit. */
export type Render = (values: TemplateValues) => HttpRequest;

/**
 * Prepares the templates of a backend's call; the function it returns fills them. Each value is encoded for its place,
 * so that no value can change where a request goes or what it consists of.
 */
export function compileRequest(spec: RequestSpec): Render {
  const render = compileTemplates(spec);
  return (values) => {
    const request = render(values);
    const key = fieldValue(values.call.idempotencyKey, 'TEMPLATE_VALUE_INVALID', 'Idempotency-Key');
    return { ...request, headers: { ...request.headers, 'idempotency-key': key } };
  };
}

/**
 * Prepares the templates of a backend's lookup, as `compileRequest` does. The key goes where the playbook puts it only: as a header of
 * another request than the one it was made for, a backend would take it for a repetition.
 */
export const compileLookup = ({ url, headers }: LookupSpec): Render => compileTemplates({ url, headers });

function compileTemplates(spec: RequestSpec): Render {
  const { path, query } = splitUrl(spec.url);
  const segments = path.split('/').map(parseTemplate);
  const queryParts = query === null ? null : parseTemplate(query);
  const headers = Object.entries(spec.headers).map(([name, value]) => [name, parseTemplate(value)] as const);
  return (values) => ({
    path: renderPath(segments, values) + (queryParts === null ? '' : `?${renderEncoded(queryParts, values)}`),
    headers: {
      'user-agent': 'case-orchestrator',
      ...(spec.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...renderHeaders(headers, values),
    },
    body: spec.body === undefined ? null : JSON.stringify(renderJson(spec.body, values)),
  });
}

function renderPath(segments: readonly (readonly Part[])[], values: TemplateValues): string {
  return segments
    .map((parts) => {
      const segment = renderEncoded(parts, values);
      if (parts.length > 0 && changesPath(segment)) {
        throw new TemplateError('TEMPLATE_VALUE_INVALID', 'a path segment');
      }
      return segment;
    })
    .join('/');
}

/** Servers resolve dot segments even where dots and slashes are percent-encoded, and drop an empty segment. */
const changesPath = (segment: string): boolean =>
  segment === '' ||
  decodeURIComponent(segment)
    .split(/[/\\]/)
    .some((piece) => piece === '.' || piece === '..');

function renderEncoded(parts: readonly Part[], values: TemplateValues): string {
  return parts
    .map((part) => {
      if (part.kind === 'text') return part.text;
      const text = String(partValue(part, values));
      if (!text.isWellFormed()) throw new TemplateError('TEMPLATE_VALUE_INVALID', part.text);
      return encodeURIComponent(text);
    })
    .join('');
}

function renderHeaders(
  headers: readonly (readonly [string, readonly Part[]])[],
  values: TemplateValues,
): Record<string, string> {
  const render = (part: Part): string => {
    const code = part.kind === 'secret' ? 'SECRET_INVALID' : 'TEMPLATE_VALUE_INVALID';
    return fieldValue(String(partValue(part, values)), code, part.text);
  };
  return Object.fromEntries(headers.map(([name, parts]) => [name.toLowerCase(), parts.map(render).join('')]));
}

/** Visible ASCII, blanks and tabs: what a header field may hold without being ambiguous (RFC 9110, section 5.5). */
function fieldValue(text: string, code: TemplateError['code'], name: string): string {
  if (!/^[\t\x20-\x7e]*$/.test(text)) throw new TemplateError(code, name);
  return text;
}

function renderJson(template: JsonTemplate, values: TemplateValues): unknown {
  if (typeof template === 'string') return renderString(template, values);
  if (Array.isArray(template)) return template.map((item) => renderJson(item, values));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, renderJson(value, values)]));
}

/** A string that is nothing but one placeholder takes the value's type; any other is text. */
function renderString(template: string, values: TemplateValues): unknown {
  const parts = parseTemplate(template);
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return partValue(first, values);
  return parts.map((part) => String(partValue(part, values))).join('');
}
