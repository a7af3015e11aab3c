import { generateKeyPairSync, sign } from 'node:crypto';

/** A certificate for `localhost` that it signed itself, and its key, made anew; both PEM. For a client that is told to trust it. */
export function selfSignedCertificate(): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, oid('550403'), tlv(UTF8_STRING, Buffer.from(HOST)))));
  const algorithm = tlv(SEQUENCE, oid('2a8648ce3d040302'));
  const validity = tlv(SEQUENCE, time('200101000000Z'), time('491231235959Z'));
  const alternativeName = tlv(SEQUENCE, tlv(DNS_NAME, Buffer.from(HOST)));
  const extension = tlv(SEQUENCE, oid('551d11'), tlv(OCTET_STRING, alternativeName));
  const signed = tlv(
    SEQUENCE,
    tlv(VERSION, integer(2)),
    integer(1),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(EXTENSIONS, tlv(SEQUENCE, extension)),
  );
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', signed, privateKey)]);
  const certificate = tlv(SEQUENCE, signed, algorithm, tlv(BIT_STRING, signature));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}

const HOST = 'localhost';

// Tags of DER (X.690), and of X.509's fields (RFC 5280, section 4.1).
const [INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER, UTF8_STRING, UTC_TIME] = [2, 3, 4, 6, 12, 23];
const [SEQUENCE, SET, VERSION, EXTENSIONS, DNS_NAME] = [0x30, 0x31, 0xa0, 0xa3, 0x82];

const integer = (value: number): Buffer => tlv(INTEGER, Buffer.of(value));
const oid = (hex: string): Buffer => tlv(OBJECT_IDENTIFIER, Buffer.from(hex, 'hex'));
const time = (text: string): Buffer => tlv(UTC_TIME, Buffer.from(text));

function tlv(tag: number, ...content: readonly Buffer[]): Buffer {
  const value = Buffer.concat(content);
  const { length } = value;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), value]);
}
