import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { HookChain } from './hooks.ts';
import type { User } from './model.ts';
import { Refusal } from './refusal.ts';

/** What a person gives to become a user. */
export interface Registration {
  readonly email: string;
  readonly password: string;
  readonly name: string;
}

interface Credential {
  readonly salt: Buffer;
  readonly digest: Buffer;
}

/** Everybody who ever signed in, in memory. */
export class Users {
  private readonly hooks: HookChain;
  private readonly emails = new Map<string, User>();
  private readonly ids = new Map<string, User>();
  private readonly credentials = new Map<string, Credential>();

  constructor(hooks: HookChain) {
    this.hooks = hooks;
  }

  /** Makes a user with a password; 409 if the e-mail is taken. */
  register(registration: Registration): User {
    const email = normalized(registration.email);
    if (this.emails.has(email)) throw new Refusal(409, 'User already exists');
    const salt = randomBytes(16);
    this.credentials.set(email, { salt, digest: digestOf(registration.password, salt) });
    return this.add({ email, name: registration.name, permissions: [] }, randomUUID());
  }

  /** Returns the user with this e-mail and password; 401 otherwise. */
  withPassword(email: string, password: string): User {
    const credential = this.credentials.get(normalized(email));
    const user = this.emails.get(normalized(email));
    if (
      credential === undefined ||
      user === undefined ||
      !timingSafeEqual(credential.digest, digestOf(password, credential.salt))
    ) {
      throw new Refusal(401, 'Invalid credentials');
    }
    return user;
  }

  /**
   * Returns the end-to-end user of this e-mail, made on first sight. Its id is `e2e-<local part>`; a
   * second e-mail with the same local part would be the same person and is refused with 409.
   */
  endToEnd(email: string, name: string, permissions: readonly string[]): User {
    const known = this.emails.get(normalized(email));
    if (known !== undefined) return known;
    const id = `e2e-${normalized(email).split('@')[0] ?? ''}`;
    if (this.ids.has(id)) throw new Refusal(409, 'Another user has the same local part');
    return this.add({ email: normalized(email), name, permissions }, id);
  }

  /** Finds a user by e-mail or by id. */
  find(emailOrId: string): User | undefined {
    return this.ids.get(emailOrId) ?? this.emails.get(normalized(emailOrId));
  }

  /** Finds the user whom the service knows under this id. */
  byId(id: string): User | undefined {
    return this.ids.get(id);
  }

  /** All users in the order of their first sign-in. */
  all(): IterableIterator<User> {
    return this.emails.values();
  }

  private add(user: Pick<User, 'email' | 'name' | 'permissions'>, freshId: string): User {
    const ordinal = this.emails.size + 1;
    const id = this.hooks.userId(user.email, ordinal) ?? freshId;
    const added: User = { ...user, id, ordinal, note: '', lastToken: null };
    this.emails.set(added.email, added);
    if (!this.ids.has(id)) this.ids.set(id, added);
    return added;
  }
}

function normalized(email: string): string {
  return email.trim().toLowerCase();
}

// One round of SHA-256 is far too cheap for real passwords. This is a test double with invented
// users, and ten thousand of them must be able to register within seconds.
function digestOf(password: string, salt: Buffer): Buffer {
  return createHash('sha256').update(salt).update(password).digest();
}
