/**
 * What a header that signs a request in holds that must not be shown: a target may tell any part of it, such as
 * the credential without its scheme, the password of a pair, or one cookie of several. A scheme is no part of
 * any: with it, a user's token would be known by another hash than its own, and nobody would see whose it is.
 */
export function secretsOfHeader(value: string): readonly string[] {
  const [, scheme = '', credential = ''] = /^([\w-]+)\s+(\S+)$/.exec(value.trim()) ?? [];
  if (credential === '') return [value, ...value.split(/;\s*/).map((part) => valueOf(part))];
  if (scheme.toLowerCase() !== 'basic') return [credential];
  const pair = Buffer.from(credential, 'base64').toString('utf8');
  return [credential, pair, pair.slice(pair.indexOf(':') + 1)];
}

function valueOf(pair: string): string {
  return pair.slice(pair.indexOf('=') + 1);
}
