/** As OpenSSL tells an error: an address of memory, a code, library, function, reason, and its own source line. */
const OPENSSL = /[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]*):/;
/** What OpenSSL makes of bytes that are no TLS, as those of an HTTP server without it. */
const NO_TLS = new Set(['wrong version number', 'packet length too long']);
/** Codes of errors for certificates that no known authority signed. */
const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * What a thrown value says; anything may be thrown. Errors of sockets that were refused at several addresses
 * have a code and no message.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const tls = OPENSSL.exec(error.message)?.[1];
  if (tls !== undefined)
    return NO_TLS.has(tls)
      ? 'there is no TLS at the address; try http:// (a socket: ws://)'
      : `TLS failed: ${tls}`;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code !== undefined && UNKNOWN_AUTHORITY.has(code))
    return `${error.message || code}: name the certificate of its authority in NODE_EXTRA_CA_CERTS`;
  return error.message || (code ?? error.name);
}
