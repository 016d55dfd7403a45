/**
 * What a header that a gateway asks for holds that must not be shown: a target may tell any part of it, such as
 * the credential without its scheme, the password of a pair, or one cookie of several.
 */
export function secretsOfHeader(value: string): readonly string[] {
  const secrets = [value];
  const [, scheme = '', credential = ''] = /^([\w-]+)\s+(\S+)$/.exec(value.trim()) ?? [];
  if (credential !== '') secrets.push(credential);
  if (scheme.toLowerCase() === 'basic') {
    const pair = Buffer.from(credential, 'base64').toString('utf8');
    secrets.push(pair, pair.slice(pair.indexOf(':') + 1));
  }
  for (const part of value.split(/;\s*/)) secrets.push(part.slice(part.indexOf('=') + 1));
  return secrets.filter((secret) => secret !== '');
}
