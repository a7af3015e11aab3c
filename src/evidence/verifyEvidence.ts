/**
 * Checks an evidence file from public keys alone: no database, no network, and nothing but Node's own cryptography. This file is written
 * apart from the code that makes evidence, and to be read from top to bottom by whoever has to believe it.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Evidence, EvidenceEvent } from './format.ts';

/** What was checked, and every reason not to believe it; without any it is proved. */
export type EvidenceCheck = {
  readonly problems: readonly string[];
  /** What the file holds; null where it cannot be read. */
  readonly evidence: Evidence | null;
};

/**
 * @param file the bytes of the evidence file
 * @param publicKeys PEM: the keys that signatures are believed from, one behind the other
 * @param anchor the text of an anchor file, kept apart: every seal must then be in it
 * @throws Error for a PEM without a key
 */
export function verifyEvidence(file: Buffer, publicKeys: string, anchor: string | null): EvidenceCheck {
  const keys = readKeys(publicKeys);
  const problems: string[] = [];
  const report = (problem: string): void => {
    problems.push(problem);
  };
  checkSignature(file, keys, report);
  const evidence = readPayload(file, report);
  if (evidence) {
    try {
      checkEvidence(evidence, keys, report);
      if (anchor !== null) checkAnchored(evidence, anchor, report);
    } catch {
      report('the file does not have the form of evidence');
    }
  }
  return { problems, evidence };
}

type Report = (problem: string) => void;
type Keys = ReadonlyMap<string, KeyObject>;

function checkEvidence(evidence: Evidence, keys: Keys, report: Report): void {
  if (evidence.format !== FORMAT) report(`the format is not ${FORMAT}`);
  checkChain(evidence.events, `case-${evidence.caseId}`, report);
  for (const source of evidence.sources) checkChain([source], source.stream, report);
  const places = checkSeals(evidence, keys, report);
  checkSources(evidence, places, report);
  checkPermissions(evidence.events, report);
}

// 1. The file as a whole: its last line is a signature over every byte before it.

const FORMAT = 'case-orchestrator/evidence/1';
const LAST_LINE =
  /<!-- case-orchestrator\/evidence\/1 key ([0-9a-f]{64}) signature ([A-Za-z0-9+/]{86}==) -->\n$/;

function checkSignature(file: Buffer, keys: Keys, report: Report): void {
  const text = file.toString('latin1');
  const [line, keyId = '', signature = ''] = LAST_LINE.exec(text) ?? [];
  const key = keys.get(keyId);
  const signed = file.subarray(0, text.length - (line?.length ?? 0));
  if (line === undefined) report('the last line is not a signature');
  else if (!key) report(`the file is signed with another key: ${keyId}`);
  else if (!isSigned(key, signed, signature)) report('the file was changed after it was signed');
}

function isSigned(key: KeyObject, bytes: Buffer, signature: string): boolean {
  const decoded = Buffer.from(signature, 'base64');
  return decoded.toString('base64') === signature && verify(null, bytes, key, decoded);
}

const PAYLOAD = /<script type="application\/json" id="evidence">(.*)<\/script>/s;

function readPayload(file: Buffer, report: Report): Evidence | null {
  try {
    return JSON.parse(PAYLOAD.exec(file.toString('utf8'))?.[1] ?? '') as Evidence;
  } catch {
    report('the evidence in the file cannot be read');
    return null;
  }
}

// 2. The chain: each event has the hash that its content gives, and names the hash of the one before it.

function checkChain(events: readonly EvidenceEvent[], stream: string, report: Report): void {
  if (events.length === 0) report(`there is no event of ${stream}`);
  let before: string | null = null;
  events.forEach((event, index) => {
    const { hash, ...metadata } = JSON.parse(event.metadata) as { hash: string; prevHash: string | null };
    const { revision, id, type } = event;
    const content = { stream, revision, id, type, data: JSON.parse(event.data) as unknown, metadata };
    if (event.stream !== stream || revision !== index)
      report(`${nameOf(event)}: expected ${stream} revision ${index}`);
    if (metadata.prevHash !== before) report(`${nameOf(event)}: does not name the event before it`);
    if (sha256(canonical(content)) !== hash) report(`${nameOf(event)}: is not what its hash says`);
    before = hash;
  });
}

// 3. The seals: each event is a leaf of a tree (RFC 9162, section 2.1) whose root somebody with the key has signed.

type Sealed = Evidence['seals'][number];

/** @returns how many events of the log stood before each event, by its name: that is proved as well */
function checkSeals(evidence: Evidence, keys: Keys, report: Report): ReadonlyMap<string, number> {
  const events = new Map([...evidence.events, ...evidence.sources].map((event) => [nameOf(event), event]));
  const places = new Map<string, number>();
  for (const seal of evidence.seals) {
    checkStatement(seal, evidence.logId, keys, report);
    for (const proof of seal.proofs) {
      const event = events.get(nameOf(proof));
      if (event && isProved(event, seal.statement, proof))
        places.set(nameOf(event), seal.statement.start + proof.index);
      else report(`${nameOf(proof)}: is not in seal ${seal.statement.number}`);
    }
  }
  for (const name of events.keys()) if (!places.has(name)) report(`${name}: no seal proves it`);
  return places;
}

function checkStatement({ statement, signature }: Sealed, logId: string, keys: Keys, report: Report): void {
  const seal = `seal ${statement.number}`;
  const key = keys.get(statement.keyId);
  if (statement.format !== 'case-orchestrator/seal/1' || statement.logId !== logId)
    report(`${seal}: is of another log or format`);
  if (!key) report(`${seal}: is signed with another key: ${statement.keyId}`);
  else if (!isSigned(key, Buffer.from(canonical(statement)), signature))
    report(`${seal}: its signature is wrong`);
}

function isProved(
  { stream, revision, metadata }: EvidenceEvent,
  { root, count }: Sealed['statement'],
  { index, path }: Sealed['proofs'][number],
): boolean {
  const leaf = hashed(LEAF, Buffer.from(JSON.stringify([stream, revision, hashOf({ metadata })])));
  return rootOf(leaf, index, count, path) === root;
}

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

/** RFC 9162, section 2.1.3.2; null where the path does not fit the tree. */
function rootOf(leaf: Buffer, index: number, count: number, path: readonly string[]): string | null {
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) return null;
  let [node, at, last] = [leaf, index, count - 1];
  for (const text of path) {
    if (last === 0) return null;
    const beside = Buffer.from(text, 'hex');
    if (at % 2 === 1 || at === last) {
      node = hashed(NODE, beside, node);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else node = hashed(NODE, node, beside);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? node.toString('hex') : null;
}

const half = (number: number): number => Math.floor(number / 2);

// 4. The rules: policy and playbook of every verdict are what their hashes say, and entered the log before the verdict.

function checkSources(
  { events, sources }: Evidence,
  places: ReadonlyMap<string, number>,
  report: Report,
): void {
  const known = new Map(sources.map((source) => [source.stream, source]));
  for (const source of sources) {
    const { hash, source: text } = JSON.parse(source.data) as { hash: string; source: string };
    if (sha256(text) !== hash || !source.stream.endsWith(`-${hash}`))
      report(`${nameOf(source)}: its text is not what its hash says`);
  }
  for (const event of events.filter(({ type }) => type === 'GuardrailEvaluated')) {
    for (const stream of rulesOf(JSON.parse(event.data) as Rules)) {
      const source = known.get(stream);
      const [entered, used] = [source && places.get(nameOf(source)), places.get(nameOf(event))];
      if (!source) report(`${nameOf(event)}: its ${stream} is not there`);
      else if (entered !== undefined && used !== undefined && entered > used)
        report(`${nameOf(event)}: its ${stream} entered the log only after it`);
    }
  }
}

type Rules = {
  readonly policyHash: string;
  readonly playbookHash: string;
  /** A candidate that was evaluated beside the policy in force, and decided nothing. */
  readonly shadow: { readonly policyHash: string } | null;
};

const rulesOf = ({ policyHash, playbookHash, shadow }: Rules): string[] => [
  `policy-${policyHash}`,
  `playbook-${playbookHash}`,
  ...(shadow ? [`policy-${shadow.policyHash}`] : []),
];

// 5. The permission: whatever was started stands directly behind the verdict that allows it.

type Verdict = { readonly verdict: string; readonly taskId: string; readonly attempt: number };

function checkPermissions(events: readonly EvidenceEvent[], report: Report): void {
  events.forEach((event, index) => {
    const before = events[index - 1];
    if (event.type !== 'ActionStarted') return;
    const { taskId, attempt } = JSON.parse(event.data) as Verdict;
    const verdict = before?.type === 'GuardrailEvaluated' ? (JSON.parse(before.data) as Verdict) : null;
    if (verdict?.verdict !== 'EXECUTE' || verdict.taskId !== taskId || verdict.attempt !== attempt)
      report(`${nameOf(event)}: nothing directly before it allows it`);
  });
}

// 6. The anchor, where there is one: what was sealed then is what is shown now, and nothing of it was left out.

type AnchorLine = Pick<Sealed, 'statement'> & {
  readonly leaves: readonly (readonly [stream: string, revision: number, hash: string])[];
};

function checkAnchored(
  { caseId, events, seals, sealedUpTo }: Evidence,
  anchor: string,
  report: Report,
): void {
  if (!Number.isSafeInteger(sealedUpTo)) report('it does not say up to which seal the log was sealed');
  const shown = new Map(events.map((event) => [nameOf(event), hashOf(event)]));
  const anchored = new Set<string>();
  const lines = anchor.split('\n');
  for (const [index, text] of lines.entries()) {
    const line = readAnchorLine(text);
    // What stands behind the last line's end was still being written.
    if (!line && index < lines.length - 1) report(`line ${index + 1} of the anchor file is no seal`);
    if (!line) continue;
    const { statement, leaves } = line;
    anchored.add(canonical(statement));
    const own = leaves.filter(([stream]) => stream === `case-${caseId}` && statement.number <= sealedUpTo);
    for (const [stream, revision, hash] of own) {
      const name = nameOf({ stream, revision });
      if (shown.get(name) !== hash)
        report(`${name}: is in seal ${statement.number} of the anchor file, and not so in the evidence`);
    }
  }
  for (const { statement } of seals)
    if (!anchored.has(canonical(statement))) report(`seal ${statement.number}: is not in the anchor file`);
}

function readAnchorLine(text: string): AnchorLine | null {
  try {
    const { statement, leaves } = JSON.parse(text) as AnchorLine;
    return typeof statement.number === 'number' && Array.isArray(leaves) ? { statement, leaves } : null;
  } catch {
    return null;
  }
}

// What all of it rests on.

const nameOf = ({ stream, revision }: Pick<EvidenceEvent, 'stream' | 'revision'>): string =>
  `${stream} revision ${revision}`;

const hashOf = ({ metadata }: Pick<EvidenceEvent, 'metadata'>): string =>
  (JSON.parse(metadata) as { hash: string }).hash;

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

function hashed(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Canonical JSON (RFC 8785): keys sorted, nothing between. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join()}}`;
}

function readKeys(pem: string): Keys {
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[\s\S]+?-----END PUBLIC KEY-----/g) ?? [];
  if (blocks.length === 0) throw new Error('there is no public key (PEM, BEGIN PUBLIC KEY)');
  return new Map(
    blocks.map((block) => {
      const key = createPublicKey(block);
      return [hashed(key.export({ type: 'spki', format: 'der' })).toString('hex'), key];
    }),
  );
}
