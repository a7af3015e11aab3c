import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { readSealSettings } from '../sealing.ts';
import { keyFilesAt, newSigningKey, writeKeyFiles } from '../seals/keyFiles.ts';
import { parseSigningKey, type SigningKey } from '../seals/keys.ts';
import { refuse, run, say } from './run.ts';

const USAGE = [
  'usage: npm run signing-key -- new [--out FILE]   makes a key; FILE gets it, and the public half lies beside it',
  '       npm run signing-key -- show               tells the public half of the key that is configured',
].join('\n');

/** `npm run signing-key`: makes a key that seals and evidence are signed with, and tells the public half of the one in force. */
run(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' } },
  });
  const [command, ...rest] = positionals;
  if (rest.length > 0) return refuse(USAGE);
  if (command === 'new') return make(values.out);
  return command === 'show' && values.out === undefined ? show() : refuse(USAGE);
});

/** Without a file the private key alone goes to standard output, so that it can be piped to where it is kept. */
async function make(out: string | undefined): Promise<void> {
  if (out !== undefined) {
    const files = keyFilesAt(out);
    const key = await writeKeyFiles(files, newSigningKey());
    say(`wrote ${files.privateKey} and ${files.publicKey}`);
    return tell(key, say);
  }
  const pem = newSigningKey();
  tell(parseSigningKey(pem), (line) => process.stderr.write(`${line}\n`));
  process.stderr.write('the private key is kept nowhere else, and shown only now:\n');
  say(pem.trimEnd());
}

async function show(): Promise<void> {
  const { key, makesKey } = await readSealSettings(readConfig(process.env));
  if (key) return tell(key, say);
  refuse(makesKey ? 'no key yet: the first start makes one' : 'no key: SIGNING_KEY is not set');
}

function tell({ keyId, publicKey }: SigningKey, line: (text: string) => void): void {
  line(`key id ${keyId}`);
  line(publicKey.trimEnd());
}
