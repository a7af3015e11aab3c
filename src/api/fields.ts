import { z } from 'zod';

/**
 * The dotted name of a path, as far as a schema knows it: keys that a client made up are never repeated. Empty where
 * the first key is not known.
 */
export const knownName = (schema: unknown, path: readonly PropertyKey[]): string =>
  knownKeys(schema, path).join('.');

function knownKeys(schema: unknown, [first, ...rest]: readonly PropertyKey[]): string[] {
  if (first === undefined) return [];
  const key = String(first);
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject && Object.hasOwn(inner.shape, key)) {
    return [key, ...knownKeys(inner.shape[key], rest)];
  }
  if (inner instanceof z.ZodRecord && z.safeParse(inner.keyType, key).success) {
    return [key, ...knownKeys(inner.valueType, rest)];
  }
  return [];
}

function unwrap(schema: unknown): unknown {
  const wrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault;
  return wrapped ? unwrap(schema.unwrap()) : schema;
}
