import pg from 'pg';

/** All that a database holds outside of Postgres's own schemas, as text: a line a row. */
export async function dumpTables(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
    );
    const dumps: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
      dumps.push(`${name}:`, ...rows.map(({ row }) => row));
    }
    return dumps.join('\n');
  } finally {
    await client.end();
  }
}

/** How a text may stand in a table without being encrypted: as it is, within JSON, doubled quotes of a row's text, or in base64. */
export function clearForms(text: string): string[] {
  const inJson = JSON.stringify(text).slice(1, -1);
  const inRow = (form: string): string => form.replaceAll('"', '""').replaceAll('\\', '\\\\');
  const base64 = Buffer.from(text, 'utf8').toString('base64').slice(0, -4);
  return [...new Set([text, inJson, inRow(text), inRow(inJson), base64])];
}
