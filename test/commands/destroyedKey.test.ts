import { expect, it } from 'vitest';
import type { KeyStore } from '../../src/vault/port.ts';
import { createOutside, startProcess, startWithCase } from '../support/world.ts';

/** A case whose key is gone must not get another one: with it, recorded tasks would look new, and be done again. */
async function withoutKey() {
  const outside = createOutside();
  let destroyed = false;
  const keys: KeyStore = {
    find: async (caseId) => (destroyed ? null : outside.keys.find(caseId)),
    findOrCreate: (caseId, candidate) => {
      if (destroyed) throw new Error('another key was made');
      return outside.keys.findOrCreate(caseId, candidate);
    },
    destroy: outside.keys.destroy,
  };
  const process = startProcess({}, { ...outside, keys });
  await process.open();
  await process.clock.runUntil(process.submit());
  destroyed = true;
  return process;
}

it('refuses to open it again, with the same content or another', async () => {
  const process = await withoutKey();
  await expect(process.open()).rejects.toMatchObject({ code: 'CASE_KEY_DESTROYED' });
  await expect(process.open({ priority: 'LOW' })).rejects.toMatchObject({ code: 'CASE_KEY_DESTROYED' });
});

it('refuses every other command, and writes nothing', async () => {
  const process = await withoutKey();
  const before = await process.types();
  for (const command of [process.submit(), process.note(), process.change('SUSPENDED')]) {
    await expect(command).rejects.toMatchObject({ code: 'CASE_KEY_DESTROYED' });
  }
  expect(await process.types()).toStrictEqual(before);
  expect(process.partner.calls).toHaveLength(1);
});

it('a case that never was is still not found', async () => {
  const process = await startWithCase();
  await expect(process.submit({ caseId: 'NEVER' })).rejects.toMatchObject({ code: 'CASE_NOT_FOUND' });
});
