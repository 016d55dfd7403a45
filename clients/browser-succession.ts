import type { PageForm, Target } from '../targets/target.ts';
import { pageOf } from './browser-page.ts';
import type { PageDriver } from './page-driver.ts';

/** Going on in a profile in which somebody else was signed in before, and signed out. */
export class BrowserSuccession {
  readonly #target: Target;
  #isSuccessor = false;
  /** Where the sign-out of somebody else led to, if the form for signing in is there. */
  #formAt: string | undefined;
  #isInPlace = false;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Whether somebody else was signed in on this profile before. */
  get isSuccessor(): boolean {
    return this.#isSuccessor;
  }

  /** The document that somebody else signed out of is still there, and shows the form. */
  get isInPlace(): boolean {
    return this.#isInPlace;
  }

  /** This user comes after somebody else. */
  begin(): void {
    this.#isSuccessor = true;
  }

  /** Finds out where the former user's sign-out led, and goes through the former pages unless that must wait. */
  async lookAround(driver: PageDriver, form: PageForm | undefined): Promise<void> {
    if (form !== undefined && (await shows(driver, form))) this.#formAt = driver.page.url();
    // Any other page on the way would take with it what this one still holds of the former user.
    this.#isInPlace = this.#formAt !== undefined && (await driver.keptDocument());
    if (!this.#isInPlace) await this.goBack(driver);
  }

  /** What a former user left in caches and in the pages gone through shows when one goes back. */
  async goBack(driver: PageDriver): Promise<void> {
    const { forms } = pageOf(this.#target).signIn;
    await driver.go(
      forms?.password?.path ?? forms?.register?.path ?? pageOf(this.#target).chatPath,
    );
    await driver.snapshot();
    await driver.back();
    await driver.snapshot();
  }

  /** After somebody else's sign-out as a person does: in the form to which that led. */
  async goToForm(driver: PageDriver, form: PageForm): Promise<void> {
    const at = this.#formAt;
    this.#formAt = undefined;
    if (at !== undefined && !this.#isInPlace) await driver.comeBack(at);
    if (at === undefined || !(await shows(driver, form))) await driver.go(form.path);
  }
}

async function shows(
  driver: PageDriver,
  { email, password, name, submit }: PageForm,
): Promise<boolean> {
  for (const selector of [email, password, name, submit])
    if (selector !== undefined && !(await driver.isVisible(selector))) return false;
  return true;
}
