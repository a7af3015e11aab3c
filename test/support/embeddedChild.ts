import { startEmbeddedPostgres } from '../../src/postgres/embedded/startEmbeddedPostgres.ts';

// A service to be killed: starts a Postgres in the folder given and says its URL, or the error's code, to its parent.
const [dataDir = ''] = process.argv.slice(2);
try {
  const { url } = await startEmbeddedPostgres({ dataDir });
  process.send?.({ url });
} catch (error) {
  process.send?.({ error: error instanceof Error ? error.message : String(error) });
  process.disconnect();
}
