/** A place is named to be recognised; what else a target writes into it is in the history. */
const PLACE_LENGTH_MAX = 200;

/**
 * Where a redirect leads, as the end of a clause; nothing for any other reply. A user, a query and a fragment
 * may be credentials that nobody has met before, so the place is told without them. `redact` hides those that
 * are known.
 */
export function leadingTo(
  status: number,
  location: string | undefined,
  redact: (text: string) => string = (text) => text,
): string {
  if (status < 300 || status > 399 || location === undefined) return '';
  const bare = location.trim().replace(/[?#].*$/s, '');
  // All that stands before the last @ of an authority is the user, slashes the wrong way round or not.
  const place = redact(bare.replace(/^([a-z][a-z\d+.-]*:)?[/\\]{2}[^/\\]*@/i, '$1//'));
  if (place === '') return '';
  return ` (a redirect to ${place.length > PLACE_LENGTH_MAX ? `${place.slice(0, PLACE_LENGTH_MAX)}…` : place})`;
}
