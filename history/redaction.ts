import { createHash } from 'node:crypto';
import { AnchorIndex } from './anchor-index.ts';
import { encodePercent, IS_ASCII } from './encodings.ts';
import { EncodedSecrets, without, type Direction, type Hidden } from './encoded-secrets.ts';
import { Evidence } from './evidence.ts';
import { ALPHABET, MARKER_WORD } from './markers.ts';
import { packedLike, unpacked, UNPACKED_BYTES_MAX } from './packed-bytes.ts';
import { SecretSearch } from './secret-search.ts';
import { SortedSecrets } from './sorted-secrets.ts';

/** What a credential becomes in every artifact: comparable, not usable (DESIGN §4.3). */
export const REDACTED_PATTERN = /\[redacted:([0-9a-f]{16})\]/g;

/** First 16 hex digits of the SHA-256 of a credential. */
export function credentialHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 16);
}

/** The replacement text of a credential. */
export function redacted(secret: string): string {
  return `[redacted:${credentialHash(secret)}]`;
}

/** Secrets shorter than this are not searched for: they would be found in ordinary text. */
const SECRET_LENGTH_MIN = 8;

const JWT = String.raw`eyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*`;
/**
 * Any JWT, ours or not, with what stands right before it in the same word: a leaked token of a stranger must not
 * enter an artifact either. A word is looked at as a whole, and once: one of a megabyte that is full of beginnings
 * would otherwise be read to its end for each of them.
 */
const JWT_PATTERN = new RegExp(
  String.raw`(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]{5,}\.)([A-Za-z0-9_-]*?)(${JWT})`,
  'g',
);
const IS_JWT = new RegExp(`^${JWT}$`);

/** JSON members whose value is a secret whatever it is. */
const SECRET_MEMBER_PATTERN =
  /("(?:password|passwd|secret|api_?key|access_?token|refresh_?token|id_?token|session_?token|auth_?token|jwt(?:_token)?|ticket(?:_id)?|cookie|authorization|token)"\s*:\s*")((?:[^"\\]|\\.)+)"/gi;

/** What models call a token is a piece of a word: it is short, and with it comes how likely or which one it was. */
const WORD_PIECE_MAX = 16;
const WORD_PIECE_NAME = /^"token"/i;
const BEHIND_WORD_PIECE =
  /\s*,\s*"(?:logprob|log_?probability|prob(?:ability)?|bytes|token_?id)"\s*:\s*[-\d[n]/iy;

/** One long word of letters and digits: a text that is streamed in pieces has none, a credential is one. */
const LIKE_CREDENTIAL = /^(?=.*[a-z])(?=.*[0-9])[\w.~+/=-]{24,}$/i;
/** What holds a marker, or can be a piece of one, is evidence. */
const LIKE_MARKER = new RegExp(`${MARKER_WORD}|^[${ALPHABET}]+$`, 'i');

/** URL parameters and their like whose value is a secret. */
const SECRET_PARAMETER_PATTERN =
  /([?&;](?:access_token|refresh_token|token|jwt|auth_token|ticket|auth_ticket|ticket_id|key|api_key|password|secret|code)=)([^&#\s"'<>;]+)/gi;

/** From the beginning of a word on: one without a value would otherwise be read again from each of its letters. */
const COOKIE_PATTERN = /(?<![^=;,\s])([^=;,\s]+)=([^;,]*)/g;

const AUTHORIZATION_PATTERN = /\b((?:Bearer|Basic)\s+)([A-Za-z0-9._~+/=-]{8,})/g;

/** Header names whose whole value is a secret. */
const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'x-api-key']);

/**
 * What a pattern cannot match without, which is quicker to look for than the pattern. Nearly every frame
 * holds none of it, and a single character is looked for at next to no cost.
 */
const JWT_HINT = '.eyJ';
/** How the names in {@link SECRET_MEMBER_PATTERN} end, the quote before a short one included. */
const SECRET_NAME_ENDINGS = 'word sswd cret _key ikey oken "jwt cket t_id okie tion'.split(' ');
const ENDING_LENGTH = 4;
/** {@link endingCode} of each of them. */
const SECRET_NAME_CODES = new Set(
  SECRET_NAME_ENDINGS.map((ending) => endingCode(ending, ENDING_LENGTH)),
);
/** Whether any of them has this first and this last character: tells nearly all other names apart at once. */
const FIRST_AND_LAST = new Uint8Array(1024);
for (const code of SECRET_NAME_CODES) FIRST_AND_LAST[firstAndLast(code)] = 1;
const QUOTE = 0x22;
const SPACE = 0x20;
const ASCII_MAX = 0x7f;
const SECRET_PARAMETER_HINT = '=';
const AUTHORIZATION_HINT = 'B';

/** Five bits of each of the four characters before `end`: the same for both cases of a letter. */
function endingCode(text: string, end: number): number {
  return (
    ((text.charCodeAt(end - 4) & 31) << 15) |
    ((text.charCodeAt(end - 3) & 31) << 10) |
    ((text.charCodeAt(end - 2) & 31) << 5) |
    (text.charCodeAt(end - 1) & 31)
  );
}

/** The first and the last character of an {@link endingCode}. */
function firstAndLast(code: number): number {
  return ((code >> 10) & 0x3e0) | (code & 31);
}

/**
 * False only for texts that {@link SECRET_MEMBER_PATTERN} cannot match: before none of their colons stands
 * a name that ends like one of a secret. The colons of a text are few, and the engine finds them quickly.
 */
function mayHoldSecretMember(text: string): boolean {
  for (let colon = text.indexOf(':'); colon !== -1; colon = text.indexOf(':', colon + 1)) {
    const before = text.charCodeAt(colon - 1);
    if (before === QUOTE) {
      const code = endingCode(text, colon - 1);
      if (FIRST_AND_LAST[firstAndLast(code)] === 1 && SECRET_NAME_CODES.has(code)) return true;
      // Space between a name and its colon is rare; then the pattern itself may look.
    } else if (before <= SPACE || before > ASCII_MAX) return true;
  }
  return false;
}

/** Secrets of a crowd often begin alike; while they do, most texts are dismissed by their beginning. */
const HEAD_LENGTH = 4;
const HEADS_MAX = 8;

/** Whether the member that ends there is a piece of an answer, by its name and by what comes behind it. */
function isWordPiece(before: string, text: string, end: number): boolean {
  BEHIND_WORD_PIECE.lastIndex = end;
  return WORD_PIECE_NAME.test(before) && BEHIND_WORD_PIECE.test(text);
}

/** A value that already holds a hash keeps it: hashing it again would lose whose it is. */
function isRedacted(value: string): boolean {
  return value.includes('[redacted:');
}

/**
 * Knows the crowd's credentials and replaces them, and anything that looks like one, in texts that are
 * about to be written. Exact secrets are found by one linear scan however many there are. What the crowd's
 * users are known by is no secret: where it is part of what is hidden, it is written behind the hash, for
 * in the hands of another user it is the evidence. Of what is sent it is not: what one sends is one's own
 * doing, and a probe sends other users' tokens on purpose.
 */
export class Vault {
  readonly #secrets = new AnchorIndex<string>();
  readonly #hashes = new Map<string, string>();
  readonly #heads = new Set<string>();
  /** The same secrets, to be found between letters and cut off; and JWTs, whose end is told by nothing else. */
  readonly #pieces = new SecretSearch();
  readonly #jwts = new SortedSecrets();
  readonly #encoded = new EncodedSecrets({
    hiddenIn: (text, direction) => this.#hiddenIn(text, direction),
    evidenceIn: (text) => this.#evidence.of(text),
  });
  readonly #evidence = new Evidence();
  /** Hashes of tokens that the crowd's users work with: whose they are, the hash says. */
  readonly #claimed = new Set<string>();

  /** An id or an address of the crowd: no secret, wherever it stands, even if it was taken for one. */
  tell(word: string): void {
    this.#evidence.tell(word);
  }

  /** Remembers a secret as that of one of the crowd's users; returns its hash. */
  claim(secret: string): string {
    const hash = this.add(secret);
    this.#claimed.add(hash);
    return hash;
  }

  /** What stands for a value that must not be shown: its hash, and behind it what is evidence in it. */
  covered(value: string, direction: Direction = 'in'): string {
    const hash = credentialHash(value);
    if (direction === 'out' || this.#claimed.has(hash)) return redacted(value);
    return [redacted(value), ...this.#evidence.of(value)].join(' ');
  }

  /** Remembers a secret; returns its hash. Forms it takes in URLs and JSON are covered too. */
  add(secret: string): string {
    const known = this.#hashes.get(secret);
    if (known !== undefined) return known;
    const hash = credentialHash(secret);
    this.#hashes.set(secret, hash);
    if (secret.length < SECRET_LENGTH_MIN) return hash;
    this.#encoded.learned(secret);
    // JWTs are found by their shape, wherever they are; indexing them would only cost memory.
    if (IS_JWT.test(secret)) {
      this.#jwts.add(secret);
      return hash;
    }
    this.#pieces.add(secret);
    // Bytes are read one by one.
    if (!IS_ASCII.test(secret)) this.#pieces.add(Buffer.from(secret).toString('latin1'));
    const forms = new Set([secret, encodePercent(secret), JSON.stringify(secret).slice(1, -1)]);
    for (const form of forms) {
      this.#secrets.add(form, hash);
      const head = form.slice(0, HEAD_LENGTH);
      // Names of headers and of hosts fold case.
      this.#heads.add(head).add(head.toLowerCase());
    }
    return hash;
  }

  /**
   * The text with every credential replaced; the same string when there was none. `piece` is a part of it
   * that is known to be a piece of a streamed answer: it is no secret for the name of its member alone.
   */
  redact(text: string, direction: Direction = 'in', piece?: string): string {
    let result = this.#mayHoldKnown(text) ? this.#replaceKnown(text, direction) : text;
    result = this.#replacePieces(result, direction);
    if (result.includes(JWT_HINT))
      result = result.replace(
        JWT_PATTERN,
        (_whole, before: string, token: string) => before + this.#coveredJwt(token, direction),
      );
    result = this.#encoded.hide(result, direction);
    if (mayHoldSecretMember(result))
      result = result.replace(
        SECRET_MEMBER_PATTERN,
        (...[whole, before, value, at, all]: [string, string, string, number, string]) =>
          isRedacted(value) ||
          this.#evidence.is(value) ||
          this.#isSpoken(value, piece) ||
          (value.length <= WORD_PIECE_MAX && isWordPiece(before, all, at + whole.length))
            ? whole
            : `${before}${this.covered(value, direction)}"`,
      );
    if (result.includes(SECRET_PARAMETER_HINT))
      result = result.replace(SECRET_PARAMETER_PATTERN, (whole, before: string, value: string) =>
        isRedacted(value) || this.#evidence.is(value)
          ? whole
          : before + this.covered(value, direction),
      );
    if (result.includes(AUTHORIZATION_HINT))
      result = result.replace(
        AUTHORIZATION_PATTERN,
        (_whole, before: string, value: string) => before + this.covered(value, direction),
      );
    return result;
  }

  /**
   * Bytes with every credential replaced, the rest as it was; the same buffer when there was none. What is
   * packed stays packed, as far as it could be unpacked.
   */
  redactBytes(bytes: Buffer, direction: Direction = 'in'): Buffer {
    const inner = unpacked(bytes, UNPACKED_BYTES_MAX);
    if (inner !== undefined) {
      const clean = this.#redactUnpacked(inner, direction);
      return clean === inner ? bytes : packedLike(bytes, clean);
    }
    return this.#redactUnpacked(bytes, direction);
  }

  #redactUnpacked(bytes: Buffer, direction: Direction): Buffer {
    const text = bytes.toString('latin1');
    const clean = this.redact(text, direction);
    return clean === text ? bytes : Buffer.from(clean, 'latin1');
  }

  /** Headers with credentials and cookie values replaced. */
  redactHeaders(
    headers: Readonly<Record<string, string>>,
    direction: Direction = 'in',
  ): Record<string, string> {
    const result: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      const lower = name.toLowerCase();
      const redactedValue = this.redact(value, direction);
      // A target may also put into a name what it should not.
      const shown = this.redact(name, direction);
      if (lower === 'cookie' || lower === 'set-cookie')
        result[shown] = this.#redactCookies(redactedValue, direction);
      else if (SECRET_HEADERS.has(lower) && redactedValue === value)
        result[shown] = this.covered(value, direction);
      else result[shown] = redactedValue;
    }
    return result;
  }

  #redactCookies(value: string, direction: Direction): string {
    // `name=value` pairs; attributes (Path, Expires …) hold no secret and tell a reviewer what it is.
    return value.replace(COOKIE_PATTERN, (whole, name: string, content: string) =>
      /^(path|expires|max-age|domain|samesite|priority)$/i.test(name) ||
      content === '' ||
      isRedacted(content)
        ? whole
        : `${name}=${this.covered(content, direction)}`,
    );
  }

  /** Whether the value of a member, escaped as it is, says no more than a piece that may be shown. */
  #isSpoken(value: string, piece: string | undefined): boolean {
    if (piece === undefined || this.#hashes.has(piece)) return false;
    if (LIKE_CREDENTIAL.test(piece) && !LIKE_MARKER.test(piece)) return false;
    try {
      return JSON.parse(`"${value}"`) === piece;
    } catch {
      return false; // A known secret was cut out in the middle of an escape.
    }
  }

  /** What follows a token without a break, or is missing of it, must not hide whose it is. */
  #coveredJwt(token: string, direction: Direction): string {
    if (this.#hashes.has(token)) return this.covered(token, direction);
    const { secret, length } = this.#jwts.at(token, 0) ?? { secret: undefined, length: 0 };
    const isWhole = secret?.length === length;
    if (secret === undefined || (!isWhole && length < token.length))
      return this.covered(token, direction);
    return this.covered(secret, direction) + token.slice(length);
  }

  #replacePieces(text: string, direction: Direction): string {
    const hidden = this.#piecesIn(text, direction);
    return hidden.length === 0 ? text : without(text, hidden);
  }

  #piecesIn(text: string, direction: Direction): readonly Hidden[] {
    let hidden: Hidden[] | undefined;
    this.#pieces.scan(text, (secret, start, end) => {
      const piece = text.slice(start, end);
      if (this.#evidence.is(secret ?? piece) || this.#evidence.is(piece)) return;
      (hidden ??= []).push({ start, end, shown: this.covered(secret ?? piece, direction) });
    });
    return hidden ?? [];
  }

  /** What is to be hidden of a text that was decoded from another. */
  #hiddenIn(text: string, direction: Direction): readonly Hidden[] {
    const hidden = [...this.#piecesIn(text, direction)];
    if (this.#mayHoldKnown(text))
      this.#secrets.scan(text, (secret, hash, start) => {
        if (this.#evidence.is(secret)) return;
        const shown = this.#coveredAs(hash, secret, direction);
        hidden.push({ start, end: start + secret.length, shown });
      });
    if (text.includes(JWT_HINT))
      for (const { 1: before = '', 2: token = '', index } of text.matchAll(JWT_PATTERN)) {
        const start = index + before.length;
        const shown = this.#coveredJwt(token, direction);
        hidden.push({ start, end: start + token.length, shown });
      }
    return hidden;
  }

  #coveredAs(hash: string, secret: string, direction: Direction): string {
    const evidence =
      direction === 'out' || this.#claimed.has(hash) ? [] : this.#evidence.of(secret);
    return [`[redacted:${hash}]`, ...evidence].join(' ');
  }

  #mayHoldKnown(text: string): boolean {
    if (this.#heads.size > HEADS_MAX) return true;
    for (const head of this.#heads) if (text.includes(head)) return true;
    return false;
  }

  #replaceKnown(text: string, direction: Direction): string {
    let result = '';
    let from = 0;
    this.#secrets.scan(text, (secret, hash, at) => {
      if (at < from || this.#evidence.is(secret)) return;
      result += text.slice(from, at) + this.#coveredAs(hash, secret, direction);
      from = at + secret.length;
    });
    return from === 0 ? text : result + text.slice(from);
  }
}
