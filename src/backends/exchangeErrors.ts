const CONNECT_ERRORS: Readonly<Record<string, string>> = {
  ADDRESS_REFUSED: 'ADDRESS_REFUSED',
  ECONNREFUSED: 'CONNECTION_REFUSED',
  ENOTFOUND: 'DNS_FAILED',
  EAI_AGAIN: 'DNS_FAILED',
  EAI_FAIL: 'DNS_FAILED',
  EAI_NODATA: 'DNS_FAILED',
  ETIMEDOUT: 'CONNECT_TIMEOUT',
  UND_ERR_CONNECT_TIMEOUT: 'CONNECT_TIMEOUT',
};

/** The errorType of a connection that could not be made. */
export function connectError(error: Error): string {
  const code = codeOf(error);
  const known = CONNECT_ERRORS[code];
  if (known !== undefined) return known;
  return /CERT|TLS|SSL|ISSUER|SIGNATURE|EPROTO/.test(code) ? 'TLS_FAILED' : 'CONNECT_FAILED';
}

/** The errorType of a request that was sent, or may have been, and got no usable answer. */
export function answerError(error: Error): string {
  // The parser's errors do not always carry a code.
  const unreadable = error.name === 'HTTPParserError' || codeOf(error) === 'UND_ERR_HEADERS_OVERFLOW';
  return unreadable ? 'INVALID_RESPONSE' : 'CONNECTION_RESET';
}

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';
