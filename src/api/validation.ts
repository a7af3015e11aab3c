import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { inputMessage } from '../input.ts';
import { knownName } from './fields.ts';
import { type FieldProblem, fieldsError } from './problems.ts';

/** Validates what comes in by a route's zod schemas; what is wrong becomes a problem that names each field. */
export const compileValidator: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data) => {
    // The framework says null of a body that is not there.
    const parsed = schema.safeParse(data ?? undefined, { error: inputMessage });
    if (parsed.success) return { value: parsed.data };
    const errors = parsed.error.issues.map((issue) => fieldProblem(schema, httpPart, issue));
    return { error: fieldsError('invalid-input', errors) };
  };

const PARTS: Readonly<Record<string, string>> = { querystring: 'query', params: 'path' };

function fieldProblem(schema: z.ZodType, part = 'body', { path, message }: z.core.$ZodIssue): FieldProblem {
  const name = knownName(schema, path);
  const field = part === 'headers' ? headerName(name) : name;
  return { field: field || (PARTS[part] ?? part), message };
}

/** A header's name as the standards write it. */
const headerName = (name: string): string =>
  name.replaceAll(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
