import { canonicalJson } from '../domain/hash.ts';
import type { SigningKey } from '../seals/keys.ts';
import type { Collected } from './collect.ts';
import { EVIDENCE_FORMAT } from './format.ts';
import { pageOf } from './page.ts';

/**
 * Makes the evidence file: a page for people that holds the evidence for programs, and in its last line a signature over every byte
 * before it.
 *
 * @returns HTML
 */
export function bundle({ evidence, events }: Collected, key: SigningKey): string {
  // An end tag in a text would end the script, and with it the evidence.
  const payload = canonicalJson(evidence).replaceAll('<', '\\u003c');
  const signed = `${pageOf(evidence, events).html}<script type="application/json" id="evidence">${payload}</script>
</body>
</html>
`;
  return `${signed}<!-- ${EVIDENCE_FORMAT} key ${key.keyId} signature ${key.sign(signed)} -->\n`;
}
