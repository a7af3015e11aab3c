/** A URL template cut into the parts that matter, textually: values are filled in afterwards. */
export type UrlTemplate = {
  readonly scheme: string;
  /** Host and port as written, with user and password if there are any. */
  readonly authority: string;
  /** From the first slash on, at least `/`. */
  readonly path: string;
  /** Without the question mark; null without a query. */
  readonly query: string | null;
};

/** Cuts a URL template where every URL parser cuts it: the authority ends at the first slash, backslash, `?` or `#`. */
export function splitUrl(url: string): UrlTemplate {
  const [, scheme = '', authority = '', rest = ''] = /^(https?):\/\/([^/\\?#]*)(.*)$/is.exec(url) ?? [];
  const at = rest.indexOf('?');
  const path = at === -1 ? rest : rest.slice(0, at);
  return {
    scheme: scheme.toLowerCase(),
    authority,
    path: path === '' ? '/' : path,
    query: at === -1 ? null : rest.slice(at + 1),
  };
}

/** The origin that requests go to and its host: lower case, without brackets and without a dot at the end. */
export function originOf(url: string): { readonly origin: string; readonly host: string } {
  const { scheme, authority } = splitUrl(url);
  const parsed = new URL(`${scheme}://${authority}`);
  return { origin: parsed.origin, host: normalizeHost(parsed.hostname) };
}

/** A host name or address in the one form in which hosts are compared. */
export const normalizeHost = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
