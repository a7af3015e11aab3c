import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Advisory locks belong to the whole database: two uses of one number would wait for each other. */
it('every advisory lock of this project has a number of its own', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(ts|sql)$/.test(file),
  );
  const users = new Map<string, Set<string>>();
  // A batch of appends takes the locks of an append, which is what they are there for.
  const ofAppends = /migrations\/007-append-batch\.sql$/;
  for (const file of files.filter((name) => !ofAppends.test(name))) {
    for (const [number] of readFileSync(`src/${file}`, 'utf8').matchAll(/\b72403115\d+/g)) {
      users.set(number, (users.get(number) ?? new Set()).add(file));
    }
  }
  const shared = [...users].filter(([, where]) => where.size > 1);
  expect(users.size).toBeGreaterThan(4);
  expect(shared).toStrictEqual([]);
});
