import ipaddr from 'ipaddr.js';

/** `public` may be called; `private` only where the playbook names the host; `forbidden` never. */
export type AddressClass = 'public' | 'private' | 'forbidden';

/** Never a backend, whatever a playbook says: nobody there, everybody there, or the neighbours of this machine. */
const FORBIDDEN_RANGES = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal']);

/**
 * Where clouds serve credentials to the machine itself, outside of the link-local range: Alibaba, Azure, Oracle; and over
 * IPv6 AWS, Google.
 */
const METADATA = new Set([
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd20:ce::254',
]);

/** IPv6 forms that lead to an IPv4 address, and the byte at which that one begins. */
const EMBEDDED_IPV4: Readonly<Record<string, number>> = {
  ipv4Mapped: 12,
  rfc6145: 12,
  rfc6052: 12,
  '6to4': 2,
};

/**
 * What kind of address this is, by the IANA special-purpose registries (RFC 6890). A text that is no address is forbidden.
 *
 * @param address IPv4 in dotted decimal or IPv6, with or without a zone
 */
export function classifyAddress(address: string): AddressClass {
  if (!ipaddr.isValid(address)) return 'forbidden';
  const parsed = ipaddr.parse(address);
  return parsed.kind() === 'ipv4' ? classifyIpv4(parsed) : classifyIpv6(parsed);
}

type Address = ReturnType<typeof ipaddr.parse>;

function classifyIpv4(address: Address): AddressClass {
  const range: string = address.range();
  if (FORBIDDEN_RANGES.has(range) || METADATA.has(address.toString())) return 'forbidden';
  return range === 'unicast' ? 'public' : 'private';
}

function classifyIpv6(address: Address): AddressClass {
  const range: string = address.range();
  const bytes = address.toByteArray();
  const metadata = METADATA.has(new ipaddr.IPv6(bytes).toString());
  if (FORBIDDEN_RANGES.has(range) || metadata) return 'forbidden';
  const start = EMBEDDED_IPV4[range] ?? (isIpv4Compatible(bytes) ? 12 : undefined);
  if (start !== undefined) {
    const inner = classifyIpv4(new ipaddr.IPv4(bytes.slice(start, start + 4)));
    // Even to a public address: such a form in a DNS answer is a way around checks, not a way to a backend.
    return inner === 'forbidden' ? 'forbidden' : 'private';
  }
  // Only 2000::/3 is handed out as global unicast.
  const globalUnicast = ((bytes[0] ?? 0) & 0xe0) === 0x20;
  return range === 'unicast' && globalUnicast ? 'public' : 'private';
}

/** ::a.b.c.d, deprecated by RFC 4291; ::1 is loopback and has a range of its own. */
const isIpv4Compatible = (bytes: readonly number[]): boolean =>
  bytes.slice(0, 12).every((byte) => byte === 0) && bytes.slice(12, 14).some((byte) => byte !== 0);

/** Whether a connection to this address may be made, given whether the playbook names its host. */
export function mayConnect(address: string, privateAllowed: boolean): boolean {
  const kind = classifyAddress(address);
  return kind === 'public' || (kind === 'private' && privateAllowed);
}
