import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { verifyEvidence } from '../evidence/verifyEvidence.ts';

const USAGE = `npm run verify-evidence -- --file evidence.html --public-key key.pem [--anchor seals.jsonl]

  --file        the evidence file
  --public-key  a file with the public key (PEM) that it must be signed with; again for keys of before
  --anchor      the anchor file, kept apart: the seals must then be in it, too, and nothing of the case that is not in the file
`;

/**
 * `npm run verify-evidence`: checks an evidence file without database and network. Exit code 0: it is proved; 1: it is not, with the
 * reasons; 2: it could not be checked. It needs this file and src/evidence/verifyEvidence.ts, and nothing else but Node.
 */
function main(): number {
  const { values } = parseArgs({
    options: {
      file: { type: 'string' },
      'public-key': { type: 'string', multiple: true },
      anchor: { type: 'string' },
    },
  });
  const { file, anchor, 'public-key': keys } = values;
  if (file === undefined || keys === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const pem = keys.map((path) => readFileSync(path, 'utf8')).join('\n');
  const anchored = anchor === undefined ? null : readFileSync(anchor, 'utf8');
  const { problems, evidence } = verifyEvidence(readFileSync(file), pem, anchored);
  if (problems.length > 0 || !evidence) {
    say(`REFUSED\n${problems.map((problem) => `  ${problem.replaceAll('\n', '?')}\n`).join('')}`);
    return 1;
  }
  const { caseId, logId, madeAt, events, seals, sources, sealedUpTo } = evidence;
  const numbers = seals.map(({ statement }) => statement.number).join(', ');
  say(
    `proved\n  case ${caseId} of log ${logId}, made ${madeAt}\n  ${events.length} events, ${sources.length} policies and playbooks\n` +
      `  seals ${numbers}${anchored === null ? '' : `, all of them in the anchor file, which has no other event of the case up to seal ${sealedUpTo}`}\n`,
  );
  return 0;
}

/** Without anything that would steer a terminal: the file is not to be trusted. */
const say = (text: string): void => {
  process.stdout.write(text.replace(/(?!\n)\p{C}/gu, '?'));
};

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : 'The file could not be checked'}\n`);
  process.exitCode = 2;
}
