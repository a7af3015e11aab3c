import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AddressClass, classifyAddress } from '../../src/backends/addressGuard.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { backendOf, CALL, specOf } from './support.ts';

const ADDRESSES: Readonly<Record<AddressClass, readonly string[]>> = {
  public: ['8.8.8.8', '1.1.1.1', '172.32.0.1', '192.169.0.1', '2606:4700:4700::1111', '2a00:1450:4001::1'],
  private: [
    '127.0.0.1',
    '127.255.255.254',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '240.0.0.1',
    '::1',
    'fc00::1',
    'fd12:3456::1',
    'fec0::1',
    '2001:db8::1',
    '2001::1',
    '4000::1',
    // IPv4 in other clothes
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '::7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b::808:808',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '2002:a00:1::1',
    '::ffff:0:10.0.0.1',
  ],
  forbidden: [
    '169.254.169.254',
    '169.254.0.1',
    '0.0.0.0',
    '0.1.2.3',
    '255.255.255.255',
    '224.0.0.1',
    '239.255.255.255',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'ff02::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::ffff:0.0.0.0',
    '::ffff:0:169.254.169.254',
    '::a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    'not an address',
    '',
  ],
};

describe.each(Object.entries(ADDRESSES))('%s', (kind, addresses) => {
  it.each(addresses)('%s', (address) => {
    expect(classifyAddress(address)).toBe(kind);
  });
});

describe('a backend', () => {
  let stub: StubBackend;
  beforeEach(async () => {
    stub = await startStubBackend();
  });
  afterEach(() => stub.stop());

  const refused = {
    result: 'FAILED',
    errorType: 'ADDRESS_REFUSED',
    responseDigest: null,
    durationMs: expect.any(Number),
  };
  const resolving = (...addresses: string[]) => ({
    resolveHost: vi.fn(async () =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    ),
  });

  it.each(['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]'])(
    'at %s is refused unless the playbook names the host',
    async (host) => {
      const spec = specOf({ url: `http://${host}:${stub.port}/`, allowPrivateHosts: [] });
      expect(await backendOf(spec).call(CALL)).toEqual(refused);
      expect(stub.calls()).toBe(0);
    },
  );

  it.each(['169.254.169.254', '[fe80::1]', '0.0.0.0', '[::ffff:169.254.169.254]', '[fd00:ec2::254]'])(
    'at %s is refused even where the playbook names it',
    async (host) => {
      const spec = specOf({ url: `http://${host}:${stub.port}/`, allowPrivateHosts: [host] });
      expect(await backendOf(spec).call(CALL)).toEqual(refused);
      expect(stub.calls()).toBe(0);
    },
  );

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'LOCALHOST'],
    ['localhost.', 'localhost'],
  ])('at %s is called when the playbook names %s', async (host, named) => {
    const spec = specOf({ url: `http://${host}:${stub.port}/`, allowPrivateHosts: [named] });
    expect(await backendOf(spec, resolving('127.0.0.1')).call(CALL)).toMatchObject({ result: 'SUCCEEDED' });
  });

  it('whose name resolves to a private address is refused unless named, and the address does not count as the name', async () => {
    const url = `http://partner.test:${stub.port}/`;
    const of = (allowPrivateHosts: string[]) =>
      backendOf(specOf({ url, allowPrivateHosts }), resolving('127.0.0.1')).call(CALL);
    expect(await of([])).toEqual(refused);
    expect(await of(['127.0.0.1'])).toEqual(refused);
    expect(await of(['partner.test'])).toMatchObject({ result: 'SUCCEEDED' });
    expect(stub.calls()).toBe(1);
  });

  it('whose name resolves to a forbidden address among others is refused', async () => {
    const spec = specOf({ url: `http://partner.test:${stub.port}/` });
    expect(await backendOf(spec, resolving('127.0.0.1', '169.254.169.254')).call(CALL)).toEqual(refused);
    expect(stub.calls()).toBe(0);
  });

  it('is connected to at the address that was checked: its name is resolved once', async () => {
    const resolver = resolving('127.0.0.1');
    resolver.resolveHost.mockImplementationOnce(async () => [{ address: '127.0.0.1', family: 4 }]);
    resolver.resolveHost.mockImplementation(async () => [{ address: '169.254.169.254', family: 4 }]);
    const backend = backendOf(specOf({ url: `http://partner.test:${stub.port}/` }), resolver);
    expect(await backend.call(CALL)).toMatchObject({ result: 'SUCCEEDED' });
    expect(resolver.resolveHost).toHaveBeenCalledTimes(1);
    expect(await backend.call(CALL)).toEqual(refused);
    expect(stub.requests[0]?.headers.host).toBe(`partner.test:${stub.port}`);
  });
});
