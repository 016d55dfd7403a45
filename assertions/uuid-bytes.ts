const UUID = /([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})/g;
/** Stands before the bytes of a UUID; a text that holds it cannot be shortened. */
const MARK = '\f';
const MARKED = /\f([^]{16})/g;

/** The text with each lower-case UUID in it as a character a byte, half as long; undefined where that cannot be told apart. */
export function shortenUuids(text: string): string | undefined {
  if (text.includes(MARK)) return undefined;
  return text.replace(
    UUID,
    (uuid) => MARK + Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('latin1'),
  );
}

/** What {@link shortenUuids} was given. */
export function restoreUuids(shortened: string): string {
  return shortened.replace(MARKED, (_marked, bytes: string) =>
    Buffer.from(bytes, 'latin1')
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  );
}
