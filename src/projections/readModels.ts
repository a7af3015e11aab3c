import { canonicalJson, sha256Hex } from '../domain/hash.ts';
import { auditProjection } from './audit.ts';
import { casesProjection } from './cases.ts';
import { type Projection, projection } from './projection.ts';
import { reviewsProjection } from './reviews.ts';
import { tasksProjection } from './tasks.ts';

/** Raise it when an `evolve` changes what it makes of old events: read models are then made anew. */
const FOLD_VERSION = 3;

/** All read models. They share one checkpoint, so that they always tell of the same moment. */
export const READ_MODELS: readonly Projection[] = [
  projection(casesProjection),
  projection(tasksProjection),
  projection(auditProjection),
  projection(reviewsProjection),
];

/**
 * Tells read models made by this version from those of another: hash over tables, fold version and the kind of store,
 * whose positions mean nothing in another one.
 */
export const fingerprintOf = (storeKind: string): string =>
  sha256Hex(
    canonicalJson({
      fold: FOLD_VERSION,
      storeKind,
      tables: READ_MODELS.map(({ table, key, columns, indexes }) => ({ table, key, columns, indexes })),
    }),
  );
