import { passwordOf } from '../targets/sign-in.ts';
import type { PageForm, Session } from '../targets/target.ts';
import { pageOf, part } from './browser-page.ts';
import type { BrowserSuccession } from './browser-succession.ts';
import type { PageDriver } from './page-driver.ts';
import type { Persona } from './persona.ts';
import { StepFailure } from './step-failure.ts';
import type { TargetAccount } from './target-account.ts';
import type { TrialContext } from './trial-context.ts';

/** How long a page that has just signed somebody in may take to go to the chat by itself. */
const OWN_WAY_MS_MAX = 3_000;

/** A form, and what for. */
interface SignInForm {
  readonly form: PageForm;
  readonly kind: 'password' | 'register';
}

/** Signing in on a page: by its form, or with a token that is put where the page keeps its own. */
export class BrowserSignIn {
  readonly #context: TrialContext;
  readonly #persona: Persona;
  readonly #account: TargetAccount;

  constructor(context: TrialContext, persona: Persona, account: TargetAccount) {
    this.#context = context;
    this.#persona = persona;
    this.#account = account;
  }

  /** The form of the page for how this trial signs in; none where the page has none for it. */
  get form(): SignInForm | undefined {
    const { signInMethod } = this.#account;
    const { forms } = pageOf(this.#context.target).signIn;
    const exists = this.#persona.nameMarker === undefined;
    const kind = signInMethod === 'page' ? (exists ? 'password' : 'register') : signInMethod;
    if (kind !== 'password' && kind !== 'register') return undefined;
    const form = forms?.[kind];
    return form === undefined ? undefined : { form, kind };
  }

  async signIn(driver: PageDriver, succession: BrowserSuccession): Promise<void> {
    const { form } = this;
    if (form === undefined) await this.#withToken(driver);
    else await this.#byForm(driver, form, succession);
  }

  /** Has tokens that end soon exchanged, unless the page has done so meanwhile. */
  async renewTokens(driver: PageDriver): Promise<void> {
    if (pageOf(this.#context.target).signIn.entries === undefined) return;
    await this.adoptTokens(driver);
    if (this.#account.isEnding) await this.exchangeTokens(driver);
  }

  /** The page may have exchanged its tokens itself meanwhile; a refresh token works once. */
  async adoptTokens(driver: PageDriver): Promise<void> {
    const kept = await this.keptSession(driver);
    const { userId, token } = this.#account.session;
    if (kept?.userId === userId && kept.token !== token) this.#account.signedIn(kept);
  }

  /** Exchanges the tokens over the API and puts the new ones where the page keeps its own. */
  async exchangeTokens(driver: PageDriver): Promise<void> {
    const { entries } = pageOf(this.#context.target).signIn;
    await this.#account.refresh();
    await driver.keepEntries(entries?.(this.#account.session) ?? {});
  }

  async #withToken(driver: PageDriver): Promise<void> {
    const { target } = this.#context;
    const { signInMethod } = this.#account;
    const { entries } = pageOf(this.#context.target).signIn;
    if (entries === undefined)
      throw new StepFailure(
        `the page of "${target.name}" has no form for "${signInMethod}". Add "page.signIn.entries" to the profile, or choose another --sign-in.`,
        { reason: 'error' },
      );
    await this.#account.signIn();
    const arrived = await driver.plantEntries(entries(this.#account.session));
    await driver.go(pageOf(this.#context.target).chatPath);
    await arrived();
  }

  async #byForm(
    driver: PageDriver,
    { form, kind }: SignInForm,
    succession: BrowserSuccession,
  ): Promise<void> {
    const { account } = this.#persona;
    const field = (name: keyof PageForm): string => `page.signIn.forms.${kind}.${name}`;
    this.#account.announceSignIn();
    await succession.goToForm(driver, form);
    await driver.fill(part(form.email, field('email')), account.email);
    await driver.fill(part(form.password, field('password')), passwordOf(account, kind));
    if (form.name !== undefined) await driver.fill(part(form.name, field('name')), account.name);
    await driver.press(part(form.submit, field('submit')));
    this.#account.signedIn(
      await driver.until(
        () => this.#sessionOf(driver, form),
        'the page kept no session after its sign-in form was sent: either it refused without "page.signIn' +
          `.forms.${kind}.refusal", or "page.signIn.session" does not find where it keeps one`,
      ),
    );
    // The page goes on by itself; if it does not, it is sent there when the chat is opened.
    await driver.wentTo(pageOf(this.#context.target).chatPath, OWN_WAY_MS_MAX);
  }

  async #sessionOf(driver: PageDriver, { refusal }: PageForm): Promise<Session | undefined> {
    const session = await this.keptSession(driver);
    if (session !== undefined) return session;
    if (refusal === undefined) return undefined;
    if (!(await driver.isVisible(refusal))) return undefined;
    const words = (await driver.textOf(refusal, 0)) ?? '';
    throw new StepFailure(`the page refused the sign-in: ${words}`, { reason: 'refused' });
  }

  /** The session that the page keeps, if it keeps one. */
  async keptSession(driver: PageDriver): Promise<Session | undefined> {
    const cookies = await driver.cookies();
    const { http } = this.#account;
    const session = await pageOf(this.#context.target).signIn.session(await driver.entries(), {
      cookies,
      http,
    });
    return session && { ...session, cookies };
  }

  /** Who is signed in according to the page, if that is not this user: the other's address, if it has one. */
  async otherShown(driver: PageDriver, signedInUser: string): Promise<string | undefined> {
    const shown = await driver.wordsOf(part(signedInUser, 'page.signedInUser'));
    const { email, name } = this.#persona.account;
    const own = [email, name].filter((word) => word !== '');
    const isMine = own.some((word) => shown.toLowerCase().includes(word.toLowerCase()));
    if (own.length === 0 || isMine) return undefined;
    // Whose identity it is can be told by the address in it, if that is somebody's of the crowd.
    const other = this.#context.members.find(
      (member) => member.email !== '' && shown.toLowerCase().includes(member.email.toLowerCase()),
    );
    return other?.email ?? shown;
  }
}
