/** A connection string is not one that the client understands. The message names the part and never holds the string. */
export class InvalidKurrentDbUrlError extends Error {
  readonly code = 'INVALID_KURRENTDB_URL';
  constructor(message: string) {
    super(message);
    this.name = 'InvalidKurrentDbUrlError';
  }
}

/**
 * What the client parses. It warns about anything else on stderr, with the whole string and the password in it, so that
 * nothing else may reach it. The one key left out on purpose is tlsVerifyCert: the client takes it and ignores it.
 */
const OPTIONS = [
  'tls',
  'tlsCAFile',
  'userCertFile',
  'userKeyFile',
  'nodePreference',
  'maxDiscoverAttempts',
  'discoveryInterval',
  'gossipTimeout',
  'keepAliveInterval',
  'keepAliveTimeout',
  'connectionName',
  'defaultDeadline',
] as const;

const INTEGERS = new Set<string>([
  'maxDiscoverAttempts',
  'discoveryInterval',
  'gossipTimeout',
  'keepAliveInterval',
  'keepAliveTimeout',
  'defaultDeadline',
]);

/** Shorter, and the client warns on stderr; servers answer with "too many pings". */
const LEAST_KEEP_ALIVE_MS = 10_000;

const FORM =
  /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?:(?<credentials>[^@/?]*)@)?(?<hosts>[^@/?]+)\/*(?:\?(?<query>.*))?$/;

/**
 * Checks a connection string: `esdb://host:2113?tls=false` for one node, `esdb+discover://host:2113` or several hosts with
 * commas for a cluster, `user:password@` (each percent-encoded) before the hosts, `tlsCAFile=/path/ca.crt` for an own
 * certificate authority.
 *
 * @returns the same without user, password and options, for logs and the start banner
 * @throws InvalidKurrentDbUrlError which names the part and the fix
 */
export function describeKurrentDbUrl(connectionString: string): string {
  const parts = FORM.exec(connectionString.trim())?.groups;
  const { scheme = '', credentials, hosts = '', query } = parts ?? {};
  if (scheme === 'kurrentdb' || scheme === 'kurrentdb+discover' || scheme === 'kdb') {
    const instead = scheme.endsWith('+discover') ? 'esdb+discover://' : 'esdb://';
    throw invalid(`begins with ${scheme}://, which this client does not know: write ${instead} instead`);
  }
  if (scheme !== 'esdb' && scheme !== 'esdb+discover') {
    throw invalid('is not of the form esdb://host:2113?tls=false or esdb+discover://host:2113');
  }
  if (credentials !== undefined && !isUserAndPassword(credentials)) {
    throw invalid('needs user:password before the @, each percent-encoded (: as %3A, @ as %40, / as %2F)');
  }
  for (const host of hosts.split(',')) checkHost(host);
  const options = checkOptions(query);
  const encryption = options.get('tls') === 'false' ? 'not encrypted' : 'TLS';
  return `${scheme}://${hosts} (${encryption})`;
}

const invalid = (problem: string): InvalidKurrentDbUrlError =>
  new InvalidKurrentDbUrlError(`The KurrentDB connection string ${problem}.`);

function isUserAndPassword(credentials: string): boolean {
  const parts = credentials.split(':');
  return parts.length === 2 && parts.every((part) => part !== '' && decodes(part));
}

function decodes(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function checkHost(host: string): void {
  const form = /^[A-Za-z0-9._-]+(?::(?<port>\d{1,5}))?$/.exec(host);
  const port = Number(form?.groups?.port ?? 2113);
  if (!form || port < 1 || port > 65_535) throw invalid('has a host that is not of the form name:port');
}

function checkOptions(query: string | undefined): Map<string, string> {
  const options = new Map((query === undefined ? [] : query.split('&')).map(checkOption));
  const keepAlive = Number(options.get('keepAliveInterval') ?? LEAST_KEEP_ALIVE_MS);
  if (keepAlive !== -1 && keepAlive < LEAST_KEEP_ALIVE_MS) {
    throw invalid(
      `needs a keepAliveInterval of at least ${LEAST_KEEP_ALIVE_MS} (milliseconds), or -1 for none`,
    );
  }
  return options;
}

function checkOption(option: string): [name: string, value: string] {
  const [key = '', value = '', ...rest] = option.split('=');
  const name = OPTIONS.find((known) => flat(known) === flat(key));
  if (name === undefined) throw invalid(unknownOption(key));
  if (value === '' || rest.length > 0 || !decodes(value)) throw invalid(`needs ${name}=value`);
  if (name === 'tls' && value !== 'true' && value !== 'false') throw invalid('needs tls=true or tls=false');
  if (INTEGERS.has(name) && !/^(-1|\d{1,9})$/.test(value)) throw invalid(`needs an integer for ${name}`);
  return [name, value];
}

/** As the client compares names. */
const flat = (key: string): string => key.trim().toLowerCase().replace(/[_-]/g, '');

function unknownOption(key: string): string {
  if (flat(key) === 'tlsverifycert') {
    return 'has tlsVerifyCert, which this client ignores: give the authority with tlsCAFile=/path/ca.crt instead';
  }
  return `has an option that is not known; known are ${OPTIONS.join(', ')}`;
}
