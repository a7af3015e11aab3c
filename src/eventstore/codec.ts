import { z } from 'zod';
import type { DomainEvent, EventMetadata, Recorded } from '../domain/events.ts';
import { canonicalJson, type Json } from '../domain/hash.ts';
import type { ReadEvent } from './port.ts';
import { metadataSchema, storedSchemas } from './schemas.ts';
import { type Upcaster, upcasters } from './upcasters.ts';

/** One event type as it is stored: the newest version, its schema, and how older versions become it. */
export type StoredType = {
  readonly version: number;
  readonly schema: z.ZodType;
  /** `upcasters[n]` turns version n + 1 into version n + 2. */
  readonly upcasters: readonly Upcaster[];
};

/** An event of a type or version that this code does not know yet (a rolling deploy): not poison, stop and wait. */
export class UnknownEventError extends Error {
  readonly code = 'UNKNOWN_EVENT';
}

/** A stored event that does not keep its own schema: it cannot be read. */
export class MalformedEventError extends Error {
  readonly code = 'MALFORMED_EVENT';
}

/** Between domain events and stored texts. */
export type Codec = {
  /** The stored texts of an event's data, and the version they are written in. Throws MalformedEventError. */
  readonly encode: (event: DomainEvent) => { readonly data: string; readonly schemaVersion: number };
  /**
   * The domain event that a stored one tells, upcast to the newest version.
   *
   * @throws UnknownEventError for a type or version of later code
   * @throws MalformedEventError when the texts do not keep the schema
   */
  readonly decode: (event: ReadEvent) => Recorded;
};

/** A codec over a table of stored types. */
export function createCodec(types: Readonly<Record<string, StoredType>>): Codec {
  const typeOf = (name: string): StoredType => {
    const type = Object.hasOwn(types, name) ? types[name] : undefined;
    if (!type) throw new UnknownEventError(`event type ${name} is not known to this version`);
    return type;
  };
  return {
    encode: (event) => {
      const { schema, version } = typeOf(event.type);
      return {
        data: canonical(validate(schema, event.data, event.type), event.type),
        schemaVersion: version,
      };
    },
    decode: (event) => {
      const { schema, version, upcasters: steps } = typeOf(event.type);
      // Before anything else of it is validated: a newer envelope may hold what this code would call malformed.
      const envelope = parseJson(event.metadata, event);
      const stored = storedVersion(envelope, event.type);
      if (stored > version) {
        throw new UnknownEventError(`${event.type} of version ${stored} is newer than ${version}`);
      }
      const metadata = validateMetadata(envelope, event.type);
      const current = steps
        .slice(metadata.schemaVersion - 1)
        .reduce((data, upcast) => upcast(data), parseJson(event.data, event));
      const data = validate(schema, current, event.type);
      const { id, stream, revision, position, type } = event;
      return { id, stream, revision, position, type, data, metadata } as Recorded;
    },
  };
}

const versioned = z.looseObject({ schemaVersion: metadataSchema.shape.schemaVersion });

function storedVersion(envelope: Json, type: string): number {
  const { schemaVersion } = validate(versioned, envelope, `metadata of ${type}`) as z.infer<typeof versioned>;
  return schemaVersion;
}

const validateMetadata = (envelope: Json, type: string): EventMetadata =>
  validate(metadataSchema, envelope, `metadata of ${type}`) as EventMetadata;

/** The metadata of a stored event. Throws MalformedEventError. */
export const decodeMetadata = (event: ReadEvent): EventMetadata =>
  validateMetadata(parseJson(event.metadata, event), event.type);

/** The codec of this log: every event type of DESIGN section 5 that exists so far, in its newest version. */
export const codec = createCodec(
  Object.fromEntries(
    Object.entries(storedSchemas).map(([type, schema]) => {
      const steps = upcasters[type] ?? [];
      return [type, { version: steps.length + 1, schema, upcasters: steps }];
    }),
  ),
);

function validate(schema: z.ZodType, value: unknown, what: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const where = result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.code}`).join(', ');
  throw new MalformedEventError(`${what} does not keep its schema: ${where}`);
}

function canonical(data: unknown, type: string): string {
  try {
    return canonicalJson(data);
  } catch {
    throw new MalformedEventError(`${type} holds what canonical JSON does not: a lone surrogate, or no JSON`);
  }
}

function parseJson(text: string, event: ReadEvent): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new MalformedEventError(`${event.type} at ${event.stream}/${event.revision} is not JSON`);
  }
}
